"""The state space of one order with its parameters, filtered over all days. Only this module imports statsmodels.

The form is that of statsmodels' SARIMAX: d differences, D seasonal differences, the ARMA process in companion form.
Its class is not used, because importing it loads formulas, regressions and plots, which takes as long as the rest.
Source: Harvey (1989), Forecasting, Structural Time Series Models and the Kalman Filter, section 3.3; differences in
the state: Durbin & Koopman (2012), Time Series Analysis by State Space Methods, 2nd ed., section 3.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from retrain.arima.css_filters import Filters

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrain.arima.order import Order

    type Vector = NDArray[np.float64]
    type Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Filtered:
    """A state space after its last day.

    Attributes:
        design: Z, shape (k,). transition: T, shape (k, k). noise: Q, shape (k, k), rank 1.
        state: shape (k,), predicted for the day after the last. covariance: shape (k, k), of that state.
    """

    design: Vector
    transition: Matrix
    noise: Matrix
    state: Vector
    covariance: Matrix


def filtered(order: Order, coefficients: Vector, variance: float, values: Vector, intercepts: Vector) -> Filtered:
    """The undifferenced series filtered with these parameters.

    Before the first day the differences may be anything of the size of 1,000, and the ARMA process is in its
    stationary distribution.

    Args:
        coefficients: shape (k,), AR, MA, seasonal AR, seasonal MA.
        values: shape (n,), scaled to a standard deviation near 1; NaN for a missing day.
        intercepts: shape (n,), mean and regression.
    Raises: numpy.linalg.LinAlgError if the process has no stationary distribution.
    """
    from statsmodels.tsa.statespace.kalman_filter import KalmanFilter

    filters = Filters.of(order, coefficients)
    design, transition, selection = _matrices(order, filters)
    model = KalmanFilter(k_endog=1, k_states=len(design), k_posdef=1)
    model.bind(np.array(values))
    model["design"], model["transition"], model["selection"] = design[None], transition, selection[:, None]
    model["state_cov", 0, 0] = variance
    model["obs_intercept"] = intercepts[None]
    model.initialization = _before_the_first_day(order, len(design))
    result = model.filter()
    column = selection[:, None]
    return Filtered(
        design=design,
        transition=transition,
        noise=column @ np.array([[variance]]) @ column.T,
        # statsmodels stores columns, JSON stores rows; the memory order changes the last bits of a product.
        state=np.ascontiguousarray(result.predicted_state[:, -1]),
        covariance=np.ascontiguousarray(result.predicted_state_cov[:, :, -1]),
    )


def _matrices(order: Order, filters: Filters) -> tuple[Vector, Matrix, Vector]:
    """Z, shape (k,), T, shape (k, k), and what the day's error adds to each state, shape (k,)."""
    ar, ma = -filters.ar_product[1:], filters.ma_product[1:]
    season, first = order.season_days, order.lost_days
    count = first + max(len(ar), len(ma) + 1)
    last_of_seasons = [order.d + season * (number + 1) - 1 for number in range(order.seasonal_d)]
    design, selection = np.zeros(count), np.zeros(count)
    design[: order.d] = design[last_of_seasons] = design[first] = 1.0
    selection[first], selection[first + 1 : first + 1 + len(ma)] = 1.0, ma
    transition = np.zeros((count, count))
    transition[: order.d, : order.d] = np.triu(np.ones((order.d, order.d)))
    transition[: order.d, [*last_of_seasons, first]] = 1.0
    for last in last_of_seasons:
        begin = last - season + 1
        transition[begin + 1 : last + 1, begin:last] = np.eye(season - 1)
        transition[begin, [later for later in (last, last + season) if later < first]] = 1.0
        transition[begin, first] = 1.0
    transition[first : count - 1, first + 1 :] = np.eye(count - first - 1)
    transition[first : first + len(ar), first] = ar
    return design, transition, selection


def _before_the_first_day(order: Order, states: int) -> Any:
    from statsmodels.tsa.statespace.initialization import Initialization

    made = Initialization(states)
    made.set((0, order.lost_days), "approximate_diffuse")
    made.set((order.lost_days, states), "stationary")
    return made
