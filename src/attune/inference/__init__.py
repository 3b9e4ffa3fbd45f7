"""Trained networks as graphs that answer without the library that trained them."""
