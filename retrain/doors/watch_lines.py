"""The watch over the champion as a person reads it in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrain.records.watched import Watched


def watch_lines(found: Watched | None) -> Iterator[str]:
    """One line with the state, one with the tests beside their limits; nothing of a run that watched nothing."""
    if found is None or (found.through is None and not found.note and found.stale is None):
        return
    if found.note:
        yield f"watch      {found.note}"
    if found.through is not None:
        yield f"watch      {_state(found)}; {found.days} days, through {found.through}"
        tests = ", ".join(f"{each.name} {each.value:.3g} of {each.limit:.3g}" for each in found.statistics)
        yield f"           {tests}"
    if found.retrain is not None:
        yield f"           it has asked for run {found.retrain}"
    if found.stale is not None:
        yield f"stale      no day after {found.stale}; land newer files"


def _state(found: Watched) -> str:
    alarm = found.alarm
    if alarm is None:
        return "no alarm"
    names = ", ".join(alarm.names)
    if alarm.until is None:
        return f"ALARM since {alarm.day} ({names})"
    return f"no alarm; the last one from {alarm.day} to {alarm.until} ({names})"
