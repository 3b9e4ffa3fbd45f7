"""How each feature view is computed."""
