"""The commands about landings: what has landed, what is held, and what a person decides about it."""

from __future__ import annotations

import csv
import json
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from retrain.doors.asking import connected, finished
from retrain.doors.output import printable, say

if TYPE_CHECKING:
    import argparse
    from datetime import date

    from retrain.records.counted_days import CountedDays
    from retrain.records.landing_log import Standing

FEW_NAMES = 5
COLUMNS = ("date", "series", "amount", "rows")


def landings(options: argparse.Namespace) -> int:
    """List every landing, and what has become of it."""
    from retrain.records.history import Histories
    from retrain.runs.inbox import has_content, ignored

    _, context = connected(options)
    for standing in Histories(context.state).read().standings:
        print(json.dumps(_facts(standing)) if options.json else printable(_line(standing)))
    markers = ignored(context)
    if markers and not options.json:
        names = ", ".join(markers[:FEW_NAMES]) + (", ..." if len(markers) > FEW_NAMES else "")
        say(f"ignored    {len(markers)} in the inbox, by their names: {names}")
        filled = [name for name in markers[:FEW_NAMES] if not name.endswith("/") and has_content(name, context)]
        if filled:
            say(f"warning    {', '.join(filled)}: with content; if it is transactions, rename the file")
    return 0


def _facts(standing: Standing) -> dict[str, Any]:
    landing = standing.landing
    return {
        "run_id": landing.run_id,
        "at": landing.at.isoformat(),
        "file": landing.file,
        "state": standing.state,
        "sha256": landing.sha256,
        "first_day": landing.first_day.isoformat(),
        "last_day": landing.last_day.isoformat(),
        "days": landing.facts.days,
        "rows": landing.facts.rows,
        "joins": landing.joins,
        "held_days": [day.isoformat() for day in sorted(standing.held)],
        "dropped_days": [day.isoformat() for day in sorted(standing.dropped)],
        "ended_by": standing.ended_by or None,
    }


def _line(standing: Standing) -> str:
    landing = standing.landing
    held = f", {len(standing.held)} days held" if standing.held and standing.state != "held" else ""
    by = f" by run {standing.ended_by}" if standing.ended_by else ""
    return (
        f"{standing.state:<10} {landing.run_id}  {landing.first_day} to {landing.last_day}  "
        f"{landing.facts.days} days, {landing.facts.rows:,} rows{held}{by}  {landing.file}"
    )


def history(options: argparse.Namespace) -> int:
    """Show the days that count."""
    from retrain.records.history import Histories

    _, context = connected(options)
    histories = Histories(context.state)
    found = histories.as_of(_end_of(options.as_of)) if options.as_of else histories.days()
    days = [row for row in _rows(found) if _is_within(row["date"], options.first, options.last)]
    if options.json:
        print(json.dumps({"days": days}))
    elif options.csv:
        out = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
        out.writeheader()
        out.writerows(days)
    else:
        for row in days:
            print(f"{row['date']}  {row['amount']:>18,.2f}  {row['rows']:>10,} rows")
        print(f"{len(days)} days, {_made(found)}")
    return 0


def _rows(found: CountedDays) -> list[dict[str, Any]]:
    return [
        {"date": day.isoformat(), "series": "", "amount": amount, "rows": found.totals[day].rows}
        for day, amount in found.days.items()
    ]


def _is_within(day: str, first: date | None, last: date | None) -> bool:
    return (first is None or day >= first.isoformat()) and (last is None or day <= last.isoformat())


def _end_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1, microseconds=-1)


def _made(found: CountedDays) -> str:
    if found.aggregate is None or not found.totals:
        return "one row a day"
    rows = sum(total.rows for total in found.totals.values()) / len(found.totals)
    return f"{found.aggregate} of {rows:.3g} rows a day"


def accept(options: argparse.Namespace) -> int:
    """Let held days count, and retrain."""
    from retrain.records.request import Accept

    return _settle(Accept, options)


def drop(options: argparse.Namespace) -> int:
    """Leave held days out for good."""
    from retrain.records.request import Drop

    return _settle(Drop, options)


def _settle(kind: Any, options: argparse.Namespace) -> int:
    from retrain.records.history import Histories
    from retrain.runs.asking import ask
    from retrain.runs.settle import held_by

    settings, context = connected(options)
    days = tuple(options.day or ())
    held_by(options.run_id, days, Histories(context.state))
    request = ask(lambda run_id: kind(run_id=run_id, of=options.run_id, days=days), context)
    return finished(request, options, settings, context)


def retract(options: argparse.Namespace) -> int:
    """Take a file out of the history, and retrain."""
    from retrain.records.history import Histories
    from retrain.records.request import Retract
    from retrain.runs.asking import ask
    from retrain.runs.settle import in_force

    settings, context = connected(options)
    landing = in_force(options.file, Histories(context.state)).landing
    request = ask(lambda run_id: Retract(run_id=run_id, of=landing.run_id, note=options.note), context)
    return finished(request, options, settings, context)
