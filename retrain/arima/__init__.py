"""Finds an ARIMA order for one daily series and fits it by exact maximum likelihood."""
