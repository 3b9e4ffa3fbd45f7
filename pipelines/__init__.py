"""Loops: declared for KFP, wiring only."""
