"""What is implausible about a readable file, from the history's own variation."""
