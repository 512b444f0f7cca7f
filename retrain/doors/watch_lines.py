"""The watch over the champion as a person reads it in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrain.gate.evidence import amount

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrain.records.watched import Probation, Watched


def watch_lines(found: Watched | None) -> Iterator[str]:
    """One line with the state, one with the tests beside their limits; nothing of a run that watched nothing."""
    if found is None:
        return
    if found.note:
        yield f"watch      {found.note}"
    if found.through is not None:
        yield f"watch      {_state(found)}; {found.days} days, through {found.through}"
        tests = ", ".join(f"{each.name} {each.value:.3g} of {each.limit:.3g}" for each in found.statistics)
        yield f"           on that day: {tests}"
    if found.retrain is not None:
        yield f"           it has asked for run {found.retrain}"
    if found.stale is not None:
        yield f"stale      no day after {found.stale}; land newer files"
    if found.probation is not None:
        yield f"probation  {_probation(found.probation)}"


def _probation(found: Probation) -> str:
    beside = f"until {found.ends}, beside version {found.over}"
    if found.note:
        return f"{beside}: {found.note}"
    if found.loss is None or found.over_loss is None or found.evidence is None:
        return f"{beside}; too few days so far"
    lost = f"; run {found.rollback} makes version {found.over} champion again" if found.rollback else ""
    return (
        f"{beside}: loss {found.loss:.4g} against {found.over_loss:.4g} in {found.days} days; evidence "
        f"{amount(found.evidence)} of {found.needed:g}{lost}"
    )


def _state(found: Watched) -> str:
    alarm = found.alarm
    if alarm is None:
        return "no alarm"
    names = ", ".join(alarm.names)
    if alarm.until is None:
        return f"ALARM since {alarm.day} ({names})"
    return f"no alarm; the last one from {alarm.day} to {alarm.until} ({names})"
