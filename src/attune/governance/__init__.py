"""What can be proved afterwards: manifests, signatures, lineage."""
