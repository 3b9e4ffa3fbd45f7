"""Serve: declared for BentoML."""
