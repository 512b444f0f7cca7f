"""The command `retrain doctor`: a line for everything that a deployment needs."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from retrain.doors.asking import chosen_settings
from retrain.doors.output import EXIT_CODES, say, show_progress

if TYPE_CHECKING:
    import argparse

    from retrain.doctor.check import Line


def doctor(options: argparse.Namespace) -> int:
    """Look at everything that the settings call for. Returns: 4 if anything has a fault; otherwise 0."""
    from retrain.doctor.check import Outcome, examine, worst
    from retrain.doctor.report import as_json, checks_of

    checks = checks_of(lambda: chosen_settings(options), os.environ)
    lines: list[Line] = []
    width = max(len(check.name) for check in checks)
    for line in examine(checks):
        lines.append(line)
        if not options.json:
            show_progress("", "")
            say(*_shown(line, width))
        show_progress("looking", f"{len(lines)} of {len(checks)}")
    show_progress("", "")
    if options.json:
        print(json.dumps(as_json(lines)))
    return EXIT_CODES["configuration"] if worst(lines) is Outcome.FAULT else 0


def _shown(line: Line, width: int) -> list[str]:
    found = line.finding
    advice = [f"{'':<9}{'':<{width}}  do: {found.advice}"] if found.advice else []
    return [f"{found.outcome:<9}{line.name:<{width}}  {found.text}", *advice]
