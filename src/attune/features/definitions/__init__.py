"""The features, view by view: what each means, who owns it, what it may be used for, what to expect of it."""
