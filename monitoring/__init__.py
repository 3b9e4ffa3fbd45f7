"""Watch: what is monitored, and the pages that show it."""
