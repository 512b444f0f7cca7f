"""What runs with the default settings decide, without their stores."""

from __future__ import annotations

from retrain.data.series import DailySeries
from retrain.gate.assess import DecisionSettings, assess
from scoring.model import ForecastModel

SETTINGS = DecisionSettings()


def first_model(series: DailySeries) -> ForecastModel:
    """The champion that the first run makes of these days.

    Raises: SystemExit with the reason if it makes none.
    """
    first = assess(series, None, SETTINGS)
    if first.winner is None:
        raise SystemExit(f"these days make no first model: {first.decision.reason}")
    return first.winner.model
