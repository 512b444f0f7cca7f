"""The commands that say what the champion forecasts, and why."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from retrain.doors.asking import connected, repaired
from retrain.doors.output import say
from retrain.errors import ServiceError, UsageError

if TYPE_CHECKING:
    import argparse

    from retrain.records.context import Context
    from retrain.settings import Settings


def forecast(options: argparse.Namespace) -> int:
    """Ask the champion's service for the days to come."""
    from retrain.doors.champion_forecast import MOST_DAYS
    from retrain.doors.forecast_files import as_plot, wanted
    from retrain.doors.terminal import forecast_table
    from retrain.records.history import Histories

    if not 1 <= options.days <= MOST_DAYS:
        raise UsageError(f"--days is {options.days}; it must lie between 1 and {MOST_DAYS}")
    files = wanted(options.csv, options.plot, options.out)
    settings, context = connected(options)
    with ExitStack() as opened:
        begun = [(opened.enter_context(file.begun()), file.form) for file in files]  # before a service is asked
        answer = _answer(options, settings, context)
        is_drawn = any(file.form is as_plot for file in files)
        days = Histories(context.state).days().days if is_drawn else {}
        made = [(write, form(answer, days)) for write, form in begun]
        for write, data in made:
            write(data)
    print(json.dumps(answer) if options.json else forecast_table(answer))
    if files and not options.json:
        say(*(f"written    {file.path}" for file in files))
    return 0


def _answer(options: argparse.Namespace, settings: Settings, context: Context) -> dict[str, Any]:
    """The answer of the champion's service, which is repaired first if it does not answer."""
    from retrain.doors.champion_forecast import champion_forecast

    try:
        return champion_forecast(options.days, settings, context)
    except ServiceError as error:
        repaired(error, options, settings, context)
        return champion_forecast(options.days, settings, context)


def explain(options: argparse.Namespace) -> int:
    """Say what the champion's forecast of one day is made of. No service is asked."""
    from retrain.doors.explained import lines
    from retrain.monitoring.explain import explain as explained

    settings, context = connected(options)
    found = explained(options.day, settings, context)
    if options.json:
        print(json.dumps(found.as_json()))
    else:
        say(*lines(found))
    return 0
