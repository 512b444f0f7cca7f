"""The command `retrain doctor`: a line for everything that a deployment needs."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from retrain.doors.asking import chosen_settings
from retrain.doors.output import EXIT_CODES, printable, show_progress
from retrain.errors import ConfigError

if TYPE_CHECKING:
    import argparse

    from retrain.doctor.check import Check, Line


def doctor(options: argparse.Namespace) -> int:
    """Look at everything that the settings call for. Returns: 4 if anything has a fault; otherwise 0."""
    from retrain.doctor.check import Outcome, examine, worst

    checks, lines = _checks(options), []
    width = max(len(check.name) for check in checks)
    for line in examine(checks):
        lines.append(line)
        if not options.json:
            show_progress("", "")
            print(printable(_shown(line, width)))
        show_progress("looking", f"{len(lines)} of {len(checks)}")
    show_progress("", "")
    outcome = worst(lines)
    if options.json:
        print(json.dumps({"outcome": str(outcome), "checks": [line.as_json() for line in lines]}))
    return EXIT_CODES["configuration"] if outcome is Outcome.FAULT else 0


def _checks(options: argparse.Namespace) -> list[Check]:
    from retrain.doctor.everything import all_checks, checks_without_settings

    try:
        return all_checks(chosen_settings(options), os.environ)
    except ConfigError as error:
        return checks_without_settings(error)


def _shown(line: Line, width: int) -> str:
    found = line.finding
    advice = f"\n{'':<9}{'':<{width}}  do: {found.advice}" if found.advice else ""
    return f"{found.outcome:<9}{line.name:<{width}}  {found.text}{advice}"
