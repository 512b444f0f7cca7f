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
    state: Probation,
    trained_through: date,
    series: DailySeries,
    terms: Terms,
) -> Probation:
    """How both forecast the days after the champion's training, up to the end of its probation.

    Neither has seen one of these days when it was fitted, so the evidence is that of the gate, for the one before.
    Where more days are known, as after a file of a year, the one before has to be better on all of them too: what
    was so at first may be so no more.

    Args: state: as it is without a comparison.
    Raises: ModelError if a model cannot be brought to these days.
    """
    found = side_by_side(champion, before, series.through(min(state.ends, series.last_day)), trained_through, terms)
    if found is None:
        return state
    compared = state.evolve(
        days=found.days,
        loss=round(found.loss, DECIMALS),
        over_loss=round(found.other_loss, DECIMALS),
        evidence=round(found.evidence.value, DECIMALS),
        needed=found.evidence.needed,
    )
    if not compared.is_lost or series.last_day <= state.ends:
        return compared
    whole = side_by_side(champion, before, series, trained_through, terms)
    if whole is not None and whole.other_loss < whole.loss:
        return compared
    return compared.evolve(note=f"version {state.over} was better until {state.ends}, and is not on all days since")


def end_of(trained_through: date, probation_days: int) -> date:
    """The last day that is compared."""
    return trained_through + timedelta(days=probation_days)
