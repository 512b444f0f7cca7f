"""Event-driven retraining of a daily forecast, behind a gate that fails closed."""

__version__ = "0.1.0"
