"""The challenger's forecasts along the unseen days, as retraining would have made them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from retrain.arima.proof import proven
from retrain.errors import NotConverged, SeriesTooShort
from retrain.gate.scores import Loss
from scoring.model import Prediction

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrain.arima.ensemble import FittedModel
    from retrain.arima.procedure import Procedure
    from retrain.data.series import DailySeries


@dataclass(frozen=True, slots=True)
class Terms:
    """How forecasts are compared.

    Attributes:
        horizon_days: days that each forecast is scored over.
        season_days: days per cycle; 1 for none.
        refit_days: days between the challenger's fits.
        loss: also says what is scored of a model of logarithms: its means for RMSE, its medians for MAE and MASE.
        alpha: of the evidence.
    """

    horizon_days: int = 7
    season_days: int = 7
    refit_days: int = 14
    loss: Loss = Loss.RMSE
    alpha: float = 0.05


@dataclass(frozen=True, slots=True)
class RollingForecasts:
    """The forecasts of a procedure along the unseen days.

    Attributes:
        forecasts: one from each day as long as a whole horizon follows.
        first, last: its models.
        fits: how many were made after the first.
        fits_kept: how many of them did not converge, so that the model before was kept.
    """

    procedure: Procedure
    forecasts: Prediction
    first: FittedModel
    last: FittedModel
    fits: int
    fits_kept: int

    def finished(self, history: DailySeries) -> FittedModel:
        """The procedure's model of every day: what is deployed.

        Raises: NotConverged if it has no optimum; NotProven if statsmodels forecasts otherwise.
        """
        if self.last.model.origin == history.last_day:
            return proven(self.last)
        return proven(self.procedure.next(self.last, history, self.fits + 1))


def rolling_forecasts(
    procedure: Procedure,
    first: FittedModel,
    history: DailySeries,
    terms: Terms,
    progress: Callable[[str], None] = lambda _: None,
) -> RollingForecasts:
    """Forecast from every day after the first model's cutoff as retraining would have.

    The model is fitted again every `refit_days`, each time only to the days before; between, it observes day by
    day. A forecast does not depend on how many days follow.

    Raises: SeriesTooShort if no whole horizon is unseen.
    """
    fitted, model = first, first.model
    unseen = history.after(model.origin)
    origins = len(unseen) - terms.horizon_days + 1
    if origins < 1:
        raise SeriesTooShort(f"{len(unseen)} unseen days are fewer than one horizon of {terms.horizon_days} days")
    kept, blocks = 0, []
    for number, start in enumerate(range(0, origins, terms.refit_days)):
        if number:
            progress(f"origin {start} of {origins}")
            known = history.observed_through(model.origin)
            try:
                fitted = procedure.next(fitted, known, number)
                model = fitted.model.observe([math.nan] * (model.origin - known.last_day).days)
            except NotConverged:
                kept += 1
        ahead = min(terms.refit_days, origins - start)
        blocks.append(model.rolling(unseen[start : start + ahead + terms.horizon_days - 1], terms.horizon_days))
        model = model.observe(unseen[start : start + ahead])
    return RollingForecasts(procedure, Prediction.joined(blocks), first, fitted, len(blocks) - 1, kept)
