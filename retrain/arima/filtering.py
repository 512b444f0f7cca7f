"""The state space of one order with its parameters, after it has taken in all days.

The form is that of statsmodels' SARIMAX: d differences, D seasonal differences, the ARMA process in companion form.
The days are taken in by the class that the service answers with, so what answers is what was fitted.
Source: Harvey (1989), Forecasting, Structural Time Series Models and the Kalman Filter, section 3.3; differences in
the state: Durbin & Koopman (2012), Time Series Analysis by State Space Methods, 2nd ed., section 3.4.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from retrain.arima.css_filters import Filters
from scoring.blocks import observe_all
from scoring.state_space import StateSpace

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrain.arima.order import Order

    type Vector = NDArray[np.float64]
    type Matrix = NDArray[np.float64]

SETTLING_DAYS = 14  # after the differences are known, until their first variance costs a block no digits
DIFFUSE = 1e6  # variance of a difference before the first day, for a series scaled to 1


def filtered(order: Order, coefficients: Vector, variance: float, values: Vector) -> StateSpace:
    """The state space of the undifferenced series after its last day; its calendar and its intercept are empty.

    Before the first day the differences may be anything of the size of 1,000, and the ARMA process is in its
    stationary distribution. Every surprise is taken in whole.

    Args:
        coefficients: shape (k,), AR, MA, seasonal AR, seasonal MA.
        variance: of the errors.
        values: shape (n,), scaled to a standard deviation near 1, no mean, no regression; NaN for a missing day.
    Raises: ValueError or numpy.linalg.LinAlgError if the process has no stationary distribution.
    """
    design, transition, selection = _matrices(order, Filters.of(order, coefficients))
    noise = variance * np.outer(selection, selection)
    before = StateSpace(
        intercept=0.0,
        design=design,
        transition=transition,
        noise=noise,
        state=np.zeros(len(design)),
        covariance=_before_the_first_day(order.lost_days, transition, noise),
        least_deviation=math.inf,  # no surprise is beyond it
    )
    days = np.arange(1, len(values) + 1)  # no day has an effect of its own
    unknown = order.lost_days + SETTLING_DAYS if order.lost_days else 0
    return replace(observe_all(before, values, days, unknown), least_deviation=0.0)


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


def _before_the_first_day(differences: int, transition: Matrix, noise: Matrix) -> Matrix:
    """The covariance of the state, shape (k, k)."""
    from scipy.linalg import solve_discrete_lyapunov

    covariance = np.zeros_like(transition)
    covariance[:differences, :differences] = DIFFUSE * np.eye(differences)
    process = np.s_[differences:, differences:]
    covariance[process] = solve_discrete_lyapunov(transition[process], noise[process])
    return covariance
