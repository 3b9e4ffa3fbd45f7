"""Attune's versions in TorchServe, whose project has ended: an export, not a way to serve."""
