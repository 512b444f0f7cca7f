"""Whether the last sweep could look at everything, and remove what it should."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrain.doctor.check import Check, Finding, ok, warning
from retrain.records.leftovers import last_sweep

if TYPE_CHECKING:
    from retrain.ports import ObjectStore


def sweep_check(state: ObjectStore) -> Check:
    """The line of the last sweep."""
    return Check("sweep", lambda: swept(state), after="store")


def swept(state: ObjectStore) -> Finding:
    """What it has left, and why."""
    last = last_sweep(state)
    if last is None:
        return ok("there was none yet; the timer makes one a day")
    when = f"{last.at:%Y-%m-%d %H:%M} UTC"
    if last.trouble:
        return warning(f"the sweep of {when} met trouble: {'; '.join(last.trouble)}", "mend it, `retrain sweep`")
    return ok(f"the sweep of {when} has removed {len(last.removed)} and left {len(last.since)} for a day")
