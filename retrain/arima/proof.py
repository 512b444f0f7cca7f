"""A model is promoted only if statsmodels forecasts the same. Only this module imports statsmodels.

A fit is our own likelihood and our own filter. A fault in them would be in every number that the gate compares, and
in the golden forecasts too; an implementation of others shares none of it.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from retrain.arima.blas import one_blas_thread
from retrain.errors import NotProven

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrain.arima.ensemble import FittedModel
    from retrain.arima.fit import FittedOrder

    type Vector = NDArray[np.float64]

DAYS = 14
APART = 1e-5  # standard deviations of the series; rounding of second differences reaches 1e-7


def proven(model: FittedModel) -> FittedModel:
    """The model, once each of its members was compared.

    Raises: NotProven if a forecast or its variance is another than that of statsmodels.
    """
    for each in model.fits:
        ours, theirs = _ours(each), _of_statsmodels(each)
        apart = float(np.max(np.abs(ours - theirs) / (1.0 + np.abs(theirs))))
        if not apart <= APART:
            raise NotProven(
                f"with the same parameters, statsmodels forecasts {each.order} differently by {apart:.1e} standard "
                f"deviations of the days, and at most {APART:.0e} is rounding"
            )
    return model


def _ours(fitted: FittedOrder) -> Vector:
    """Centers and variances of the next days, shape (2, h), of the scaled series without mean and regression."""
    space = fitted.filtered
    return np.stack(space.ahead(DAYS).of(space, np.zeros(DAYS)))


def _of_statsmodels(fitted: FittedOrder) -> Vector:
    """The same."""
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    order = fitted.order
    seasonal = (order.seasonal_p, order.seasonal_d, order.seasonal_q, order.season_days)
    with warnings.catch_warnings(), one_blas_thread():
        warnings.simplefilter("ignore")
        model = SARIMAX(
            fitted.taken_in,
            order=(order.p, order.d, order.q),
            seasonal_order=seasonal if order.is_seasonal else (0, 0, 0, 0),
        )
        made = model.filter([*fitted.coefficients, fitted.variance]).get_forecast(DAYS)
    return np.stack([made.predicted_mean, made.se_mean**2])
