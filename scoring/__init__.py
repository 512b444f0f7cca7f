"""What serves one model version: it reads the JSON artifact and needs NumPy alone."""
