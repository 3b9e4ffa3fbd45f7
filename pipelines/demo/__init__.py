"""The story of the loop, told on real purchases."""
