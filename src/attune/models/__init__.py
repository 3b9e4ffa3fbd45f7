"""The models and nothing but the models."""
