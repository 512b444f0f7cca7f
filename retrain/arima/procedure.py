"""How a challenger is made, the first time and every time after: what is measured, and what is deployed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from retrain.arima.ensemble import FittedModel, fit_pinned, refit
from retrain.arima.order import Order
from retrain.arima.search import search

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrain.data.series import DailySeries

SEARCH_EVERY = 4  # fits; the others keep the order and begin at the last optimum


@dataclass(frozen=True, slots=True)
class Procedure:
    """A search for the order, or one order, fitted again as days come.

    Attributes:
        season_days: days per cycle; 1 for none.
        horizon_days: days that each rolling forecast of a candidate is scored over.
        country: whose public holidays may become a regressor; empty for none.
        order: the order to fit without a search; None to search.
    """

    season_days: int = 7
    horizon_days: int = 7
    country: str = ""
    order: Order | None = None

    @classmethod
    def seasonal_naive(cls, season_days: int) -> Self:
        """The forecast of a day is the amount of the same day one season before."""
        is_seasonal = season_days > 1
        order = Order(0, int(not is_seasonal), 0, 0, int(is_seasonal), 0, season_days if is_seasonal else 0)
        return cls(season_days=season_days, order=order)

    @property
    def is_naive(self) -> bool:
        """True if it is the seasonal naive."""
        return self.order == self.seasonal_naive(self.season_days).order

    def first(self, series: DailySeries, progress: Callable[[str], None] = lambda _: None) -> FittedModel:
        """The model of these days alone.

        Raises: NotConverged if no order has an optimum; FlatSeries if the series never changes.
        """
        if self.order is not None:
            return fit_pinned(self.order, series, self.season_days)
        return search(series, self.season_days, self.horizon_days, self.country, progress)

    def next(self, fitted: FittedModel, series: DailySeries, number: int) -> FittedModel:
        """The model of more days.

        Args:
            fitted: the last one.
            number: how many fits have been made since the first.
        Raises: NotConverged if there is no optimum.
        """
        if self.order is None and number % SEARCH_EVERY == 0:
            return self.first(series)
        return refit(fitted, series)
