"""What `bench-search` compares: our search, and the automatic models of other libraries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from retrain.arima.search import search
from retrain.data.series import DailySeries
from scoring.model import Prediction

SEASON = HORIZON = 7

type Vector = np.ndarray[Any, np.dtype[np.float64]]
type Forecaster = Callable[[Vector], Vector]
"""All days before an origin -> the HORIZON days after it, parameters unchanged."""


@dataclass(frozen=True)
class Fitted:
    """What a model has to show after its one fit.

    Attributes:
        rolling: of a model whose intervals are scored too: all days -> its forecast before each unseen day.
    """

    order: str
    forecast: Forecaster
    rolling: Callable[[Vector], Prediction] | None = None


def ours(series: DailySeries) -> Fitted:
    """The search, as a run makes it; no country, because the files name none."""
    found = search(series, SEASON, HORIZON)

    def forecast(known: Vector) -> Vector:
        return found.model.observe(known[len(series) :]).forecast(HORIZON).mean

    def rolling(known: Vector) -> Prediction:
        return found.model.rolling(known[len(series) :], HORIZON)

    return Fitted(str(found.order), forecast, rolling)


def statsforecast(series: DailySeries) -> Fitted:
    """Nixtla's AutoARIMA with its defaults."""
    from statsforecast.models import AutoARIMA

    model = AutoARIMA(season_length=SEASON).fit(series.values.copy())
    p, q, seasonal_p, seasonal_q, season, d, seasonal_d = model.model_["arma"]
    order = f"({p},{d},{q})({seasonal_p},{seasonal_d},{seasonal_q}){season}"
    return Fitted(order, lambda known: model.forward(known, h=HORIZON)["mean"])


def autoets(series: DailySeries) -> Fitted:
    """Nixtla's AutoETS with its defaults."""
    from statsforecast.models import AutoETS

    model = AutoETS(season_length=SEASON).fit(series.values.copy())
    return Fitted(model.model_["method"], lambda known: model.forward(known, h=HORIZON)["mean"])


def autotheta(series: DailySeries) -> Fitted:
    """Nixtla's AutoTheta with its defaults."""
    from statsforecast.models import AutoTheta

    model = AutoTheta(season_length=SEASON).fit(series.values.copy())
    return Fitted(model.model_["modeltype"], lambda known: model.forward(known, h=HORIZON)["mean"])


def ensemble(series: DailySeries) -> Fitted:
    """The mean of the forecasts of Nixtla's three."""
    members = [make(series) for make in (statsforecast, autoets, autotheta)]
    order = " + ".join(member.order for member in members)
    return Fitted(order, lambda known: np.mean([member.forecast(known) for member in members], axis=0))


def pmdarima(series: DailySeries) -> Fitted:
    """auto_arima with its defaults."""
    from pmdarima import auto_arima

    found = auto_arima(series.values.copy(), m=SEASON)
    result = found.arima_res_
    order = "".join(str(part).replace(" ", "") for part in (found.order, found.seasonal_order[:3]))
    return Fitted(f"{order}{SEASON}", lambda known: result.apply(known, refit=False).forecast(HORIZON))


def arima202(series: DailySeries) -> Fitted:
    """What the predecessor fitted to everything."""
    from statsmodels.tsa.arima.model import ARIMA

    result = ARIMA(series.values, order=(2, 0, 2), trend="c").fit()
    return Fitted("(2,0,2) with mean", lambda known: result.apply(known, refit=False).forecast(HORIZON))


def seasonal_naive(_series: DailySeries) -> Fitted:
    """The same weekday of the week before; there is nothing to fit."""
    return Fitted("last week", lambda known: known[-SEASON:])


PEERS: dict[str, Callable[[DailySeries], Fitted]] = {
    "statsforecast": statsforecast,
    "pmdarima": pmdarima,
    "autoets": autoets,
    "autotheta": autotheta,
    "ensemble": ensemble,
    "seasonal_naive": seasonal_naive,
    "arima202": arima202,
}
NO_FIT = ("seasonal_naive",)  # a ratio of fit times would say nothing
# Installed in an environment of their own, so not in the quick form.
APART = ("statsforecast", "pmdarima", "autoets", "autotheta", "ensemble")
