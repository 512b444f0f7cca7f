"""Champion and challenger on the same unseen days, and the verdict."""
