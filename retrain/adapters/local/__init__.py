"""The ports on this machine: a folder and processes."""
