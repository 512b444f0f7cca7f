"""What a run does with the champion that it finds: it issues its forecast, and watches its days."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrain.errors import RetrainError, ServiceUnavailable
from retrain.monitoring.issued import IssuedForecasts, forecast_to_issue
from retrain.monitoring.published import publish
from retrain.monitoring.watch import watched
from retrain.records.watched import Watched

if TYPE_CHECKING:
    from retrain.records.context import Context
    from retrain.records.counted_days import CountedDays
    from retrain.runs.inputs import InProduction
    from retrain.settings import Settings


def issue(
    champion: InProduction, history: CountedDays, run_id: str, settings: Settings, context: Context
) -> str | None:
    """Keep the champion's forecast from what is known now, once, and publish it.

    Returns: where it is, or why there is none: no verdict depends on it; None if none is wanted.
    Raises: ServiceUnavailable if the store is away.
    """
    days = settings.watch.issue_days
    if not days:
        return None
    try:
        issued = forecast_to_issue(
            champion.registered,
            champion.model,
            history,
            settings.data.gaps,
            days,
            run_id,
            context.now().date(),
        )
        forecasts = IssuedForecasts(context.state)
        if context.forecasts is None:
            forecasts.keep(issued)
        elif not forecasts.has(issued):
            publish(issued, context.forecasts)
            forecasts.keep(issued)  # last: what is published is repeated until this is there
    except ServiceUnavailable:
        raise
    except RetrainError as error:
        return f"not issued: {error}"
    return issued.name


def watch(champion: InProduction, history: CountedDays, settings: Settings, context: Context) -> Watched:
    """How the days compare with what the champion expected; no verdict depends on it."""
    try:
        return watched(champion.registered, champion.model, history, settings, context.now().date())
    except RetrainError as error:
        return Watched(version=champion.registered.version, note=f"not watched: {error}")
