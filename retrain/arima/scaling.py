"""Scales a daily series before it is fitted: logarithms if the order has them, then unit standard deviation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrain.errors import FlatSeries, NotConverged

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrain.arima.open_days import OpenDays
    from retrain.arima.order import Order

    type Vector = NDArray[np.float64]

TINY = 1e-305


def scaled(order: Order, series: OpenDays) -> tuple[Vector, float]:
    """The values that the order describes, divided by their standard deviation, and that standard deviation.

    For an order of logarithms, a day whose amount is not positive counts as missing: its logarithm is interpolated.

    Raises: FlatSeries if the series never changes; NotConverged if fewer than two different logarithms exist, or if
        the amounts are too small for floating point numbers.
    """
    values = series.values
    if series.is_flat:
        raise FlatSeries(f"all {len(series)} days are {values[0]:g}; there is nothing to fit")
    if order.log:
        positive = values > 0
        if len(set(values[positive])) < 2:
            raise NotConverged(f"{order} cannot be fitted: {positive.sum()} of {len(values)} days are above zero")
        values = np.interp(np.arange(len(values)), np.flatnonzero(positive), np.log(values[positive]))
    # Dividing by the largest amount first keeps the squares inside the floating point range.
    largest = float(np.abs(values).max())
    scale = largest * float((values / largest).std()) if largest > TINY else 0.0
    if not scale > TINY:
        raise NotConverged(
            f"{order} cannot be fitted: amounts around {largest:g} are too small to compute with; "
            "land the amounts in a smaller unit"
        )
    return values / scale, scale
