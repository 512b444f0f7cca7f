"""The record of a run's end, as one flat JSON object: alerts, the workbook and people's queries read its fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrain.records.landing import Landed, LandedBefore, Quarantined
from retrain.records.request import asked_at
from retrain.trace import accepted, begun, trace_of

if TYPE_CHECKING:
    from retrain.records.measured import Scores
    from retrain.records.outbox import Event
    from retrain.records.run import Run

DEFAULT_LOSS = "rmse"
LONGEST_REASON = 2_000  # characters; Application Insights cuts a message after 32,768

type Facts = dict[str, str | float | bool | None]
"""A record: its first field, `retrain`, says of what."""


def run_facts(event: Event, run: Run) -> Facts:
    """The record of an event, which tells that a run has ended.

    Losses are in the units of the amounts; coverages and gain are shares; null where nothing was measured.
    """
    loss = run.request.settings.get("RETRAIN_LOSS", DEFAULT_LOSS)
    asked = asked_at(run.run_id)
    alarm = run.watch.alarm if run.watch else None
    return {
        "retrain": "run",
        "event": event.id,
        "kind": str(event.kind),
        "run_id": run.run_id,
        "trace_id": trace_of(traceparent_of(run)),
        "trigger": str(run.trigger),
        "status": str(run.status),
        "verdict": str(run.verdict) if run.verdict else None,
        "reason": run.reason[:LONGEST_REASON],
        "error": run.error.kind if run.error else None,
        "will_retry": run.will_retry,
        "dry_run": run.request.dry_run,
        "step": _step(run),
        "file": run.landing.file if isinstance(run.landing, Landed | LandedBefore | Quarantined) else None,
        "held_days": len(run.held_days),
        "version": run.model.version if run.model else None,
        "champion": run.champion.version if run.champion else None,
        "challenger": run.challenger.order if run.challenger else None,
        "loss": loss,
        "champion_loss": _metric(run.champion, loss),
        "challenger_loss": _metric(run.challenger, loss),
        "naive_loss": _metric(run.seasonal_naive, loss),
        "champion_coverage_80": _metric(run.champion, "coverage_80"),
        "challenger_coverage_80": _metric(run.challenger, "coverage_80"),
        "unseen_days": run.evidence.unseen_days if run.evidence else None,
        "gain": run.evidence.gain if run.evidence else None,
        "evidence": run.evidence.value if run.evidence else None,
        "alarm": ", ".join(alarm.names) if alarm else None,
        "alarm_day": alarm.day.isoformat() if alarm else None,
        "alarm_over": alarm.until is not None if alarm else None,
        "data_age_days": (event.at.date() - run.data.last_day).days if run.data else None,
        "seconds": round(sum(run.seconds.values()), 3),
        "since_asked_seconds": round((event.at - asked).total_seconds(), 3) if asked else None,
    }


def traceparent_of(run: Run) -> str:
    """In which it was asked for."""
    return accepted(run.request.traceparent) or begun(run.run_id)


def _metric(scores: Scores | None, name: str) -> float | None:
    value: Any = getattr(scores, name, None)
    return value if isinstance(value, float) else None


def _step(run: Run) -> str | None:
    """The step at which its promotion failed, or the last one that it has finished."""
    if run.error is not None and run.error.is_of_a_promotion:
        return str((run.error.model_extra or {})["step"])
    return next(reversed(run.promotion), None) if run.promotion else None
