"""What a run is the first to find of the watch over the champion: it is told once, and a retrain is asked for once.

The record of what was told is written before the request for the retrain and before the end of the run. It names
both runs, so a run that is made again after a kill finds itself there and goes on where it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrain.errors import Conflict, RetrainError, ServiceUnavailable
from retrain.records.base import skipping
from retrain.records.request import Evaluate, Trigger
from retrain.records.run import Status
from retrain.records.watched import News, Tellings, Told, ToldAlarm, ToldStale
from retrain.runs.asking import ask_once

if TYPE_CHECKING:
    from datetime import date

    from retrain.records.context import Context
    from retrain.records.run import Run
    from retrain.records.watched import Alarm, Watched
    from retrain.settings import Settings


def tell(run: Run, settings: Settings, context: Context) -> Run:
    """The run with what it is the first to find, which is on record then; at most one piece of news a run.

    A run whose file or winner waits for a person tells that, and the next one tells what was found.

    Raises: ServiceUnavailable if the store is away; Conflict if another process has told something meanwhile.
    """
    found = run.watch
    if found is None or run.well_ended is not Status.DONE or (found.through is None and found.stale is None):
        return run
    try:
        return run.evolve(watch=_told(found, run, settings, context))
    except (ServiceUnavailable, Conflict):
        raise
    except RetrainError as error:
        return run.evolve(watch=found.evolve(note=f"not told: {error}"))


def _told(found: Watched, run: Run, settings: Settings, context: Context) -> Watched:
    tellings = Tellings(context.state)
    told = tellings.read()
    known = told.alarm_of(found.version)
    if found.alarm is not None:
        apart = settings.watch.min_days_between_alarms
        is_same = known is not None and (found.alarm.day - known.day).days < apart  # a correction may have moved it
        if known is None or not is_same or not _was_told(known, run.run_id, context):
            retrain = known.retrain if known is not None and is_same else None
            return _alarmed(found, found.alarm, retrain, told, run, tellings, context)
    if known is not None and _is_over(found, known, run.run_id):
        _write(told.with_alarm(known.evolve(recovered_by=run.run_id)), told, tellings)
        return found.evolve(news=News.RECOVERY)
    if found.stale is not None and _is_new_stale(found.stale, told, run.run_id):
        _write(told.evolve(stale=ToldStale(origin=found.stale, by=run.run_id)), told, tellings)
        return found.evolve(news=News.STALE)
    return found


def _was_told(known: ToldAlarm, run_id: str, context: Context) -> bool:
    """Whether another run has ended with it: one may be killed, or fail, after it has noted what it would tell."""
    if known.by == run_id:
        return False
    with skipping():
        by = context.ledger.recorded(known.by)
        return by is not None and by.watch is not None and by.watch.news is News.ALARM
    return True


def _is_over(found: Watched, told: ToldAlarm, run_id: str) -> bool:
    """Whether this run is the first to find that an alarm has ended, or that a correction has taken it away."""
    has_ended = found.alarm.until is not None if found.alarm is not None else found.through is not None
    return has_ended and told.recovered_by in ("", run_id)


def _is_new_stale(origin: date, told: Told, run_id: str) -> bool:
    return told.stale is None or told.stale.origin != origin or told.stale.by == run_id


def _alarmed(
    found: Watched,
    alarm: Alarm,
    retrain: str | None,
    told: Told,
    run: Run,
    tellings: Tellings,
    context: Context,
) -> Watched:
    """Note the alarm, then ask for the retrain under the name that stands in the note.

    Args: retrain: the name, if it was noted before.
    """
    retrain = retrain or context.ledger.name_run(context.now())
    over = run.run_id if alarm.until else ""
    noted = ToldAlarm(version=found.version, day=alarm.day, by=run.run_id, retrain=retrain, recovered_by=over)
    _write(told.with_alarm(noted), told, tellings)
    note = f"an alarm of run {run.run_id}: {', '.join(alarm.names)}"
    ask_once(Evaluate(run_id=retrain, trigger=Trigger.DRIFT, note=note), context)
    return found.evolve(news=News.ALARM, retrain=retrain)


def _write(told: Told, before: Told, tellings: Tellings) -> None:
    if told != before:
        tellings.write(told)
