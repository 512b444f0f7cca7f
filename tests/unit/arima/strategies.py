"""What the properties of ARMA models are tested on."""

from __future__ import annotations

from hypothesis import strategies as st

from retrain.arima.order import Order

arma_orders = st.builds(
    Order,
    p=st.integers(0, 3),
    d=st.just(0),
    q=st.integers(0, 3),
    seasonal_p=st.integers(0, 2),
    seasonal_d=st.just(0),
    seasonal_q=st.integers(0, 2),
    season_days=st.just(7),
)
"""Weekly orders without differencing; some have no coefficient."""

with_coefficients = arma_orders.filter(lambda order: order.coefficients > 0)
