"""Two models as they are deployed, on the same later days: which forecasts better, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retrain.gate.evaluate import actual_of, brought_to
from retrain.gate.evidence import Evidence, evidence

if TYPE_CHECKING:
    from datetime import date

    from retrain.data.series import DailySeries
    from retrain.gate.rolling import Terms
    from scoring.model import ForecastModel


@dataclass(frozen=True, slots=True)
class SideBySide:
    """What the forecasts of two models were worth from the same origins.

    Attributes:
        days: observed days after the cutoff.
        loss, other_loss: of the first and of the other model, in the unit of the metric.
        evidence: that the other one's loss is lower; see `retrain.gate.evidence`.
    """

    days: int
    loss: float
    other_loss: float
    evidence: Evidence


def side_by_side(
    model: ForecastModel, other: ForecastModel, history: DailySeries, cutoff: date, terms: Terms
) -> SideBySide | None:
    """Forecast a horizon from every day after the cutoff with both, with the parameters that they have.

    A day that was not observed is not scored, so missing days say nothing against either.

    Args: cutoff: a day that both were trained through, or later.
    Returns: None if no whole horizon follows it, or no day of one was observed.
    Raises: ModelError if a model cannot be brought to the cutoff.
    """
    unseen, known = history.after(cutoff), history.through(cutoff)
    if len(unseen) < terms.horizon_days:
        return None
    made = [brought_to(cutoff, each, history).rolling(unseen, terms.horizon_days) for each in (model, other)]
    actual = actual_of(history, cutoff, terms.horizon_days, made)
    scored = ~np.isnan(actual).all(axis=1)
    if not scored.any():
        return None
    seen = np.where(known.observed, known.values, np.nan)
    ours, theirs = (
        terms.loss.at_origins(actual[scored], terms.loss.point(each.where(scored)), seen) for each in made
    )
    return SideBySide(
        days=int((~np.isnan(unseen)).sum()),
        loss=terms.loss.metric(float(ours.mean())),
        other_loss=terms.loss.metric(float(theirs.mean())),
        evidence=evidence(ours - theirs, terms.alpha, terms.horizon_days),
    )
