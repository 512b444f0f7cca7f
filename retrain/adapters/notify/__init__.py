"""Listeners that tell people and other programs of what happened."""
