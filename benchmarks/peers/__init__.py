"""Other libraries, each in an environment of its own, on the split that ours are measured on."""
