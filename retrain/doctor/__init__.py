"""Looks at everything that a deployment needs, and says what to do."""
