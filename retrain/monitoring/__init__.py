"""The champion after its promotion: the forecasts that it has issued, and what became of the days."""
