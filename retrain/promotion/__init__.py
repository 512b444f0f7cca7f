"""A winner is made to answer, step by step, or is taken back."""
