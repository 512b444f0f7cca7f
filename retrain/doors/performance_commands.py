"""The command that compares issued forecasts with the actual amounts."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING

from retrain.doors.asking import connected
from retrain.doors.output import say
from retrain.doors.watch_lines import watch_lines
from retrain.errors import NotFound
from retrain.records.champion import version_text
from retrain.records.day_files import SERIES

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from retrain.gate.slices import Figures
    from retrain.monitoring.performance import Performance
    from retrain.monitoring.review import Review

TITLES = {
    "as_corrected": "against the amounts as they are now",
    "as_first_accepted": "against the amounts as they were first accepted",
}
HEADER = f"{'':<24}{'DAYS':>6}{'RMSE':>11}{'MAE':>11}{'BIAS':>11}{'IN 80 %':>9}{'IN 95 %':>9}"


def performance(options: argparse.Namespace) -> int:
    """What the forecasts of the champion were worth, beside those of others."""
    from retrain.monitoring.review import review

    if options.series != SERIES:
        raise NotFound(
            f"there is no series {options.series!r}; there is one, whose key is empty: leave --series out"
        )
    settings, context = connected(options)
    found = review(options.since or date.min, settings, context)
    if options.json:
        print(json.dumps(found.as_json()))
    else:
        say(*_lines(found, options.since))
    return 0


def _lines(found: Review, since: date | None) -> Iterator[str]:
    yield f"champion   version {found.champion}; before it {version_text(found.previous)}"
    yield from watch_lines(found.watch)
    yield from (f"damaged    {name} is left out; restore it from a backup" for name in found.unread)
    if not found.origins:
        when = f"since {since}" if since else "yet"
        yield f"origins    none: no forecast of the champion has been issued {when}; `retrain tick` issues one"
        return
    yield f"origins    {found.origins}, {found.first_origin} to {found.last_origin}"
    for actual, title in TITLES.items():
        models = found.by_actual[actual]
        yield from ("", title)
        if models["champion"].total is None:
            yield "           no day that was forecast has an amount yet"
            continue
        yield HEADER
        yield from (_row(name.replace("_", " "), each.total) for name, each in models.items() if each.total)
        if actual == "as_corrected":
            yield from _slices(models["champion"])


def _slices(found: Performance) -> Iterator[str]:
    """The champion's figures by days ahead, weekday, calendar and month."""
    for title, parts in (
        ("days ahead", found.by_horizon),
        ("weekday", found.by_weekday),
        ("calendar", found.by_calendar),
        ("month", found.by_month),
    ):
        yield f"champion by {title}"
        yield from (_row(f"  {name}", each) for name, each in parts.items())


def _row(name: str, each: Figures) -> str:
    numbers = "".join(f"{value:>11.4g}" for value in (each.rmse, each.mae, each.bias))
    shares = "".join(
        f"{'-' if share is None else f'{share:.1%}':>9}" for share in (each.coverage_80, each.coverage_95)
    )
    return f"{name:<24}{each.days:>6}{numbers}{shares}"
