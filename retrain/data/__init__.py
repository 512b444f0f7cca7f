"""Reads landed files, checks them, and keeps the history of the accepted days."""
