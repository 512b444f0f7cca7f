"""Landed files become days: formats, transactions, checks, and the history of what was accepted."""
