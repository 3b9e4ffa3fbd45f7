"""Where tables come from: public data sets, and a mapping of the user's own files."""
