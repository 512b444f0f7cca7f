"""The command `retrain sweep`, and what is told of the sweep that follows a tick."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from retrain.doors.asking import connected, holding_the_lock
from retrain.doors.output import complain, printable, say
from retrain.errors import ServiceError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from retrain.records.context import Context
    from retrain.runs.sweep import Handled
    from retrain.settings import Settings

MEGABYTE = 1 << 20


def sweep_now(options: argparse.Namespace) -> int:
    """List what nothing needs, and remove what is due. Raises: ServiceError if anything failed."""
    from retrain.runs.sweep import look, sweep

    if options.dry_run:
        swept = look(*connected(options))
    else:
        with holding_the_lock(options) as (settings, context):
            swept = sweep(settings, context)
    for each in swept.handled:
        if options.json:
            print(json.dumps(each.as_json()))
        else:
            say(*_lines(each))
    if not swept.handled and not options.json:
        say("there is nothing to remove")
    if swept.troubles:
        raise ServiceError(f"{'; '.join(swept.troubles)}; mend that, then run `retrain sweep` again")
    return 0


def swept_after_tick(
    settings: Settings, context: Context, tell: Callable[[str], object], warn: Callable[[str], object]
) -> None:
    """Sweep once a day, and tell what was removed and what failed. Nothing is raised but what ends the process."""
    from retrain.runs.sweep import sweep_daily

    swept = sweep_daily(settings, context)
    for each in swept.handled:
        if each.is_removed:
            tell(printable(f"sweep has removed {each.leftover.key}: {each.leftover.why}"))
    for trouble in swept.troubles:
        warn(printable(f"sweep: {trouble}; `retrain sweep` tries again"))


def complained_after_tick(settings: Settings, context: Context, *, as_json: bool) -> None:
    """The same on the command line, where JSON is for the run alone."""
    swept_after_tick(settings, context, (lambda _line: None) if as_json else say, complain)


def _lines(each: Handled) -> list[str]:
    left = each.leftover
    state = "removed" if each.is_removed else f"a sweep after {each.due:%Y-%m-%d %H:%M} UTC removes it"
    state = "not removed" if each.trouble else state
    size = f", {left.size / MEGABYTE:.1f} MB" if left.size is not None else ""
    first = f"{left.kind!s:<12}{left.name}  known since {each.since:%Y-%m-%d %H:%M} UTC{size}, {state}"
    return [first, f"{'':<12}{left.why}", *([f"{'':<12}{each.trouble}"] if each.trouble else [])]
