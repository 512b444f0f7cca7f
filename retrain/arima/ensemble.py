"""What forecasts: the median of the searched order and a few simple ones, all fitted to the same days."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from retrain.arima.fit import FittedOrder, fit
from retrain.arima.open_days import OpenDays
from retrain.arima.order import Order
from retrain.arima.outliers import without_absurd_days
from retrain.arima.regressors import WEEKDAY
from retrain.errors import NotConverged
from scoring.calendar import WEEK
from scoring.model import ForecastModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from retrain.data.series import DailySeries

    type Vector = NDArray[np.float64]

FIT_DAYS = 1000  # older days make the forecasts no better and every fit dearer
MAX_FORECAST_DAYS = 400  # at least the longest horizon of the service


@dataclass(frozen=True, slots=True, eq=False)
class FittedModel:
    """A fit of one or a few orders to the same days.

    Attributes:
        fits: the first is that of the searched or pinned order.
        season_days: days per cycle; 1 for none.
        is_pinned: True if the order is given by RETRAIN_ORDER, False if the search chose it.
        remark: a sentence for the report, for example that a simpler order was fitted; empty for none.
    """

    fits: tuple[FittedOrder, ...]
    model: ForecastModel
    season_days: int
    is_pinned: bool = True
    remark: str = ""

    @property
    def order(self) -> Order:
        """The searched or pinned order."""
        return self.fits[0].order

    @property
    def name(self) -> str:
        """The order, and how many others the median is taken of."""
        others = len(self.fits) - 1
        return f"{self.order} and {others} others" if others else str(self.order)


def fitted_days(series: DailySeries, season_days: int) -> OpenDays:
    """What orders are searched on and fitted to: the open ones of the last days, with absurd amounts limited."""
    return without_absurd_days(OpenDays.of(series.last(FIT_DAYS), season_days))


def fit_pinned(order: Order, series: DailySeries, season_days: int) -> FittedModel:
    """The order of RETRAIN_ORDER alone.

    Raises: NotConverged if it has no optimum; FlatSeries if the series never changes.
    """
    known = fitted_days(series, season_days)
    return _fitted([(_in_days_of(known, order, season_days), None)], known, series, season_days, is_pinned=True)


def fit_alone(order: Order, series: DailySeries, season_days: int) -> FittedModel:
    """An order that the search chose, without companions, for days on which those have no optimum.

    Raises: NotConverged if it has no optimum; FlatSeries if the series never changes.
    """
    known = fitted_days(series, season_days)
    return _fitted([(order, None)], known, series, season_days, is_pinned=False)


def fit_with_companions(order: Order, series: DailySeries, season_days: int) -> FittedModel:
    """The order, and each of its companions that has an optimum.

    Args: order: its season is in open days.
    Raises: NotConverged if the order itself has none; FlatSeries if the series never changes.
    """
    known = fitted_days(series, season_days)
    fits = [fit(order, known)]
    for companion in companions(order, known.season_days, len(known), known.week):
        with suppress(NotConverged):
            fits.append(fit(companion, known))
    return _model(fits, known, series, season_days, is_pinned=False)


def refit(fitted: FittedModel, series: DailySeries) -> FittedModel:
    """The same orders, fitted to more days; the last optimum is where each begins.

    Raises: NotConverged if one of them has no optimum.
    """
    known = fitted_days(series, fitted.season_days)
    before = fitted.model.closures.season(fitted.season_days)  # weekdays may have closed or opened since
    begin = [(_in_days_of(known, each.order, before), each.coefficients) for each in fitted.fits]
    return _fitted(begin, known, series, fitted.season_days, is_pinned=fitted.is_pinned)


def _in_days_of(known: OpenDays, order: Order, season_days: int) -> Order:
    """The order with the season of these days, if its own is `season_days`. Raises: NotConverged if it has none."""
    if order.season_days != season_days or order.season_days == known.season_days:
        return order
    found = replace(order, season_days=known.season_days)
    if found.has_common_lags:
        raise NotConverged(f"{order} has no season of {known.season_days} open days; p and q must be smaller")
    return found


def companions(order: Order, season_days: int, days: int, week: int = WEEK) -> tuple[Order, ...]:
    """The simple orders that the median is taken of beside `order`, as far as there are enough days for them.

    They share its logarithms and its regressors other than weekdays.

    Args:
        season_days, days: open days per cycle, and of all.
        week: the number of open weekdays.
    """
    shared = tuple(group for group in order.regressors if group != WEEKDAY)
    if season_days > 1:
        weekdays = (WEEKDAY,) if season_days == week else ()
        simple = [
            Order(0, 1, 1, 0, 1, 1, season_days),
            Order(1, 1, 1, regressors=weekdays),
            Order(1, 0, 1, 1, 0, 1, season_days, mean=True),
        ]
    else:
        simple = [Order(0, 1, 1), Order(1, 0, 1, mean=True)]
    found = [replace(one, log=order.log, regressors=(*one.regressors, *shared)) for one in simple]
    return tuple(one for one in found if one != order and one.is_estimable(days))


def _fitted(
    begin: Sequence[tuple[Order, Vector | None]],
    known: OpenDays,
    series: DailySeries,
    season_days: int,
    *,
    is_pinned: bool,
) -> FittedModel:
    try:
        fits = [fit(order, known, start) for order, start in begin]
        return _model(fits, known, series, season_days, is_pinned=is_pinned)
    except NotConverged as exc:
        if not is_pinned:
            raise
        raise NotConverged(f"{exc}; pin a simpler RETRAIN_ORDER") from exc


def _model(
    fits: Sequence[FittedOrder], known: OpenDays, series: DailySeries, season_days: int, *, is_pinned: bool
) -> FittedModel:
    members = tuple(each.state_space for each in fits)
    model = ForecastModel(series.last_day, members, fits[0].order.log, known.closures, _facts(fits))
    if model.log:  # amounts themselves grow like a power of time at most
        with np.errstate(over="ignore"):
            if not np.isfinite(model.forecast(MAX_FORECAST_DAYS).mean).all():
                raise NotConverged(f"the forecasts of {fits[0].order} grow without bound")
    return FittedModel(tuple(fits), model, season_days, is_pinned)


def _facts(fits: Sequence[FittedOrder]) -> dict[str, object]:
    return {"orders": [{"order": str(each.order), "parameters": each.parameters} for each in fits]}
