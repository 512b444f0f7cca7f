"""Finds what is older than `RETRAIN_KEEP_DAYS`: reports of runs, issued forecasts, copies of refused files."""

from __future__ import annotations

import re
from collections import defaultdict
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from retrain.monitoring.issued import ISSUED, NAME, Issued
from retrain.promotion.resume import TRACEBACK
from retrain.promotion.steps import BUILD_LOG
from retrain.records.approval import last_asking
from retrain.records.base import skipping, visible
from retrain.records.ledger import RUNS
from retrain.records.leftovers import Kind, Leftover
from retrain.records.outbox import OUTBOX, UNDELIVERED
from retrain.records.quarantine import FOLDER as QUARANTINE
from retrain.records.request import RUN_ID, asked_at
from retrain.records.run import Status
from retrain.records.watched import Tellings
from retrain.runs.run import UNSEEN_DAYS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from retrain.records.context import Context
    from retrain.runs.needs import Known
    from retrain.settings import Settings

REPORT = "report.json"
FILES = (REPORT, UNSEEN_DAYS, TRACEBACK, BUILD_LOG)
"""What this code writes into the folder of a run."""
OF_A_RUN = re.compile(rf"{RUNS}\d{{6}}/({RUN_ID.pattern})/(.+)", re.ASCII | re.DOTALL)
COPY = re.compile(rf"{QUARANTINE}({RUN_ID.pattern})/.+", re.ASCII | re.DOTALL)


def outdated(known: Known, settings: Settings, context: Context) -> dict[Kind, Callable[[], Iterator[Leftover]]]:
    """How to look for each kind; nothing is looked for if everything is kept for ever."""
    days = settings.storage.keep_days
    if not days:
        return {}
    before, why = context.now() - timedelta(days=days), f"it is older than {days} days"
    over = before - timedelta(days=settings.watch.issue_days)  # every day of what was issued before is past
    return {
        Kind.RUN: lambda: (Leftover(Kind.RUN, name, why) for name in _runs(known, before, context)),
        Kind.FORECAST: lambda: (Leftover(Kind.FORECAST, name, why) for name in _forecasts(over, context)),
        Kind.QUARANTINE: lambda: (Leftover(Kind.QUARANTINE, name, why) for name in _copies(known, before, context)),
    }


def _is_before(run_id: str, moment: datetime) -> bool:
    at = asked_at(run_id)
    return at is not None and at < moment


def _runs(known: Known, before: datetime, context: Context) -> Iterator[str]:
    """Those that have ended for good, made no version champion, and of which every event was delivered."""
    state = context.state
    asking = last_asking(state)  # by its answer nobody is asked again
    kept = {entry.run_id for entry in known.pointer.champions} | {*known.requests} | {*known.promotions}
    kept |= {asking.run_id} if asking else set()
    kept |= Tellings(state).look().runs  # without them, an old alarm would be told again
    told = [name for folder in (OUTBOX, UNDELIVERED) for name in state.names(folder)]
    folders: dict[str, set[str]] = defaultdict(set)
    for name in state.names(RUNS):
        if found := OF_A_RUN.fullmatch(name):
            folders[found[1]].add(found[2])
    for run_id, files in sorted(folders.items()):
        is_old = files <= set(FILES) and _is_before(run_id, before)
        is_free = run_id not in kept and not any(run_id in name for name in told)
        if is_old and is_free and (REPORT not in files or _has_ended(run_id, context)):
            yield run_id


def _has_ended(run_id: str, context: Context) -> bool:
    with skipping():
        run = context.ledger.recorded(run_id)
        if run is not None and run.trigger.is_known:
            has_ended = run.status in (Status.DONE, Status.FAILED) and not run.will_retry
            return has_ended and not run.held_days
    return False


def _forecasts(before: datetime, context: Context) -> Iterator[str]:
    """Those that were issued before, but for the newest days: a run would only issue them again."""
    found = [(named[1], name) for name in visible(context.state.names(ISSUED)) if (named := NAME.fullmatch(name))]
    newest = max((origin for origin, _ in found), default="")
    for origin, name in sorted(found):
        if origin >= min(newest, f"{before:%Y-%m-%d}"):
            continue
        stored = context.state.read(name)
        with suppress(ValueError):  # what is damaged, or of newer code, is left
            if stored is not None and _is_before(Issued.from_json(stored.data).run_id, before):
                yield name.removeprefix(ISSUED).removesuffix(".json")


def _copies(known: Known, before: datetime, context: Context) -> Iterator[str]:
    run_ids = {found[1] for name in context.state.names(QUARANTINE) if (found := COPY.fullmatch(name))}
    yield from (run_id for run_id in sorted(run_ids - known.requests.keys()) if _is_before(run_id, before))
