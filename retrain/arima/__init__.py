"""One series becomes one fitted ARIMA model: orders, screening, search, exact likelihood."""
