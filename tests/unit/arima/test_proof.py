"""A model is promoted only if statsmodels forecasts the same with its parameters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from retrain.arima.ensemble import FittedModel, fit_pinned, fit_with_companions
from retrain.arima.order import Order
from retrain.arima.proof import proven
from retrain.errors import NotProven
from tests.builders import series, weekly


def model(order: Order) -> FittedModel:
    values = weekly(200, seed=4)
    values[50] *= 6  # so that a surprise is bounded
    return fit_pinned(order, series(values), 7)


@pytest.mark.parametrize("order", [Order(1, 0, 1, mean=True), Order(2, 2, 1), Order(0, 1, 1, 0, 1, 1, 7)], ids=str)
def test_a_fitted_order_is_proven(order: Order):
    """Also one with two differences, whose rounding is the largest."""
    fitted = model(order)

    assert proven(fitted) is fitted


def test_every_member_of_a_median_is_proven():
    """With weekdays, and with logarithms."""
    fitted = fit_with_companions(Order(1, 1, 1, log=True, regressors=("weekdays",)), series(weekly(200)), 7)

    assert len(fitted.fits) > 2
    assert proven(fitted) is fitted


@pytest.mark.parametrize("field", ["state", "covariance"])
def test_another_state_is_refused_with_the_order(field: str):
    """A millionth too much is not rounding; the sentence names the member."""
    fitted = model(Order(1, 0, 1))
    (only,) = fitted.fits
    wrong = replace(only.filtered, **{field: getattr(only.filtered, field) * (1 + 1e-3)})
    broken = replace(fitted, fits=(replace(only, filtered=wrong),))

    with pytest.raises(NotProven, match=r"\(1,0,1\) differently by .* standard deviations"):
        proven(broken)


def test_a_number_that_is_not_finite_is_refused():
    """NaN is not equal to anything."""
    fitted = model(Order(1, 0, 1))
    (only,) = fitted.fits
    wrong = replace(only.filtered, state=np.full_like(only.filtered.state, np.nan))

    with pytest.raises(NotProven):
        proven(replace(fitted, fits=(replace(only, filtered=wrong),)))
