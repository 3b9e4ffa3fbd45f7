"""How models are measured, and the gate that promotes."""
