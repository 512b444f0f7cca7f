"""What a notification says: a sentence, a CloudEvent, a card. No secret is in it, nor any amount by default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrain.records.landing import Landed
from retrain.records.outbox import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from retrain.records.outbox import Event
    from retrain.records.run import Run


LONGEST = 2_000  # characters of a field of Slack


def sentence(event: Event, run: Run, model: str) -> str:
    """What happened, and the command that tells more. Amounts are not in it."""
    version = run.model.version if run.model else ""
    said = {
        Kind.PROMOTION: f"{model}: version {version} is champion",
        Kind.ROLLBACK: f"{model}: rolled back{f' to version {version}' if version else ''}{_probation(run)}",
        Kind.FAILURE: f"{model}: a run failed ({run.error.kind if run.error else 'unknown'}); the champion stays",
        Kind.HELD: f"{model}: {len(run.held_days) or 'all'} days of {_file(run)} are held until a person decides",
        Kind.APPROVAL: f"{model}: a better model waits until a person approves it",
        Kind.SERVICE: f"{model}: the service of the champion was repaired",
        Kind.ALARM: f"{model}: the data have changed since the champion was trained: {_alarm(run)}",
        Kind.RECOVERY: f"{model}: the data are again as the champion expects them",
        Kind.STALE: f"{model}: the forecast is stale{_newest(run)}",
    }.get(event.kind, f"{model}: {run.verdict or run.status}")
    return f"{said}. `retrain show {run.run_id}` tells more."


def _file(run: Run) -> str:
    """The name of the file, in one line whatever it holds."""
    name = run.landing.file if isinstance(run.landing, Landed) else "a file"
    return "".join(sign if sign.isprintable() else "?" for sign in name)


def _probation(run: Run) -> str:
    """Why a champion was taken back, where no person has asked for it."""
    return f". {run.request.note.rstrip('.')}" if run.request.note else ""


def _alarm(run: Run) -> str:
    """The tests that have reached their limits, and since when."""
    alarm = run.watch.alarm if run.watch else None
    return f"{', '.join(alarm.names)}, on {alarm.day}" if alarm else "unknown"


def _newest(run: Run) -> str:
    return f": its newest day is {run.watch.stale}" if run.watch and run.watch.stale else ""


def cloud_event(event: Event, run: Run, model: str, *, amounts: bool) -> dict[str, Any]:
    """A CloudEvent in JSON; its id is that of the event, so what comes again can be told.

    Source: CloudEvents 1.0.2, JSON event format.
    """
    return {
        "specversion": "1.0",
        "id": event.id,
        "source": f"/retrain/{model}",
        "type": f"retrain.{event.kind}",
        "subject": run.run_id,
        "time": event.at.isoformat(),
        "datacontenttype": "application/json",
        "data": {"text": sentence(event, run, model), **facts(event, run), **(_measured(run) if amounts else {})},
    }


def facts(event: Event, run: Run) -> dict[str, Any]:
    """What is known without amounts."""
    return {
        "run_id": run.run_id,
        "kind": event.kind,
        "trigger": run.trigger,
        "status": run.status,
        "verdict": run.verdict,
        "version": run.model.version if run.model else None,
        "first_day": run.data.first_day.isoformat() if run.data else None,
        "last_day": run.data.last_day.isoformat() if run.data else None,
        "held_days": [day.isoformat() for day in run.held_days],
        "error": run.error.kind if run.error else None,
        "alarm": list(run.watch.alarm.names) if run.watch and run.watch.alarm else [],
    }


def _measured(run: Run) -> dict[str, Any]:
    parts = {"champion": run.champion, "challenger": run.challenger, "evidence": run.evidence}
    return {"reason": run.reason, **{name: part and part.as_json() for name, part in parts.items()}}


def slack(event: Event, run: Run, model: str, *, amounts: bool) -> dict[str, Any]:
    """A message of an incoming webhook. Source: Slack, Block Kit, section block."""
    text = sentence(event, run, model)
    shown = _shown(event, run, amounts)
    fields = [{"type": "mrkdwn", "text": f"*{name}*\n{_escaped(value)}"[:LONGEST]} for name, value in shown.items()]
    return {
        "text": _escaped(text),
        "blocks": [
            {"type": "section", "text": {"type": "plain_text", "text": text}},
            {"type": "section", "fields": fields},
        ],
    }


def _escaped(text: str) -> str:
    """A text that mentions nobody and links nowhere. Source: Slack, Formatting text, "Escaping text"."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def teams(event: Event, run: Run, model: str, *, amounts: bool) -> dict[str, Any]:
    """A message of a workflow's webhook. Source: Microsoft Teams, Adaptive Cards 1.4."""
    shown = [{"title": name, "value": value} for name, value in _shown(event, run, amounts).items()]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            {"type": "TextBlock", "text": sentence(event, run, model), "wrap": True, "weight": "Bolder"},
            {"type": "FactSet", "facts": shown},
        ],
    }
    content = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return {"type": "message", "attachments": [content]}


def _shown(event: Event, run: Run, amounts: bool) -> Mapping[str, str]:
    """The facts of a card, by their headings."""
    shown = {"run": run.run_id, "kind": str(event.kind), "status": str(run.status)}
    if run.verdict:
        shown["verdict"] = str(run.verdict)
    if run.data:
        shown["days"] = f"{run.data.first_day} to {run.data.last_day}"
    return {**shown, "reason": run.reason} if amounts else shown
