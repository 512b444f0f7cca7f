"""Whether the last sweep could look at everything, and remove what it should."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from retrain.doctor.check import Check, Finding, ok, warning
from retrain.records.leftovers import last_sweep

if TYPE_CHECKING:
    from retrain.records.context import Context


LONG = timedelta(days=3)
"""For so long no sweep is missed: a timer may fire once a day, and one tick may find the lock held."""


def sweep_check(context: Context) -> Check:
    """The line of the last sweep."""
    return Check("sweep", lambda: swept(context), after="store")


def swept(context: Context) -> Finding:
    """What it has left, and why."""
    last = last_sweep(context.state)
    if last is None:
        return ok("there was none yet; the timer makes one a day")
    when = f"{last.at:%Y-%m-%d %H:%M} UTC"
    if last.trouble:
        return warning(f"the sweep of {when} met trouble: {'; '.join(last.trouble)}", "mend it, `retrain sweep`")
    if context.now() - last.at > LONG:
        return warning(f"there was no sweep after that of {when}", "`retrain sweep` says why, or makes one")
    return ok(f"the sweep of {when} has removed {len(last.removed)} and left {len(last.since)} for a day")
