"""Compares champion and challenger on the same unseen days, and gives the verdict."""
