"""The service of one model version: it reads the JSON artifact and forecasts with NumPy only."""
