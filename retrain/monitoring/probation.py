"""The first days of a new champion: whether the one before it forecasts them better. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from retrain.gate.evidence import least_origins
from retrain.gate.side_by_side import side_by_side
from retrain.records.watched import Probation

if TYPE_CHECKING:
    from datetime import date

    from retrain.data.series import DailySeries
    from retrain.gate.rolling import Terms
    from scoring.model import ForecastModel

DECIMALS = 6  # of what is recorded: the last bits differ between processors


def days_needed(horizon_days: int) -> int:
    """Days after which there can be evidence at all: fewer do not show how the losses vary."""
    return least_origins(horizon_days) + horizon_days - 1


def on_probation(
    champion: ForecastModel,
    before: ForecastModel,
    over: str,
    trained_through: date,
    ends: date,
    series: DailySeries,
    terms: Terms,
) -> Probation:
    """How both forecast the days after the champion's training, up to the end of its probation.

    Neither has seen one of these days when it was fitted, so the evidence is that of the gate, for the one before.

    Args: over: the version of the one before.
    Raises: ModelError if a model cannot be brought to these days.
    """
    known = series.through(min(ends, series.last_day))
    found = side_by_side(champion, before, known, trained_through, terms)
    state = Probation(over=over, ends=ends)
    if found is None:
        return state
    return state.evolve(
        days=found.days,
        loss=round(found.loss, DECIMALS),
        over_loss=round(found.other_loss, DECIMALS),
        evidence=round(found.evidence.value, DECIMALS),
        needed=found.evidence.needed,
    )


def end_of(trained_through: date, probation_days: int) -> date:
    """The last day that is compared."""
    return trained_through + timedelta(days=probation_days)
