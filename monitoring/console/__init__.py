"""The governance console: pages on which people who read no code see what a model rests on, and decide."""
