"""What is measured, against whom, and the last tables of results."""
