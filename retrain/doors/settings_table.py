"""Settings on the command line: how they are given, and the command that shows which are in force."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
from typing import TYPE_CHECKING

from retrain.doors.output import say
from retrain.settings import parse
from retrain.settings.setting import as_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from retrain.settings import SettingInForce, Settings

HEADER = ("setting", "value", "unit", "source", "description")
GAP = "  "
WIDEST_VALUE = 28  # a longer one, for example a URL, moves the rest of its own row only
SHORTEST_DESCRIPTION = 20
# Anything else before the `=` may be part of a secret, which no message may repeat.
ASSIGNMENT = re.compile(r"([A-Za-z][A-Za-z0-9_]{0,49})=(.*)", re.DOTALL)


def assignment(text: str) -> tuple[str, str]:
    """The name and the value of `--set NAME=VALUE`. Raises: ArgumentTypeError naming the form."""
    parts = ASSIGNMENT.fullmatch(text)
    if parts is None:
        raise argparse.ArgumentTypeError("write --set NAME=VALUE, for example --set RETRAIN_HORIZON_DAYS=14")
    return parts[1], parts[2]


def chosen(assigned: Sequence[tuple[str, str]], root: str | None) -> Settings:
    """The settings of a command: the environment, changed by `--root`, changed by each `--set` in turn.

    Raises: ConfigError naming the setting.
    """
    folder = {} if root is None else {"RETRAIN_STORE": "folder", "RETRAIN_ROOT": root}
    return parse(os.environ, {**folder, **dict(assigned)})


def print_settings(settings: Settings, *, as_json: bool) -> None:
    """Print every setting in force: a table, or one JSON object a line."""
    in_force = settings.in_force()
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    if as_json:
        print("\n".join(map(_json, in_force)))
    else:
        say(*table(in_force, width))


def table(in_force: Sequence[SettingInForce], width: int | None) -> Iterator[str]:
    """The lines of the table; `width` is the terminal's in characters, None if nothing is to be shortened."""
    rows = [HEADER, *map(_cells, in_force)]
    fitted = [max(len(row[at]) for row in rows if at != 1 or len(row[at]) <= WIDEST_VALUE) for at in range(4)]
    for row in rows:
        start = GAP.join(f"{cell:<{fit}}" for cell, fit in zip(row[:4], fitted, strict=True))
        yield f"{start}{GAP}{_shortened(row[4], width and width - len(start) - len(GAP))}"


def _cells(known: SettingInForce) -> tuple[str, str, str, str, str]:
    return (
        known.setting.name,
        as_text(known.value) or "-",
        known.setting.unit,
        known.source,
        known.setting.description,
    )


def _shortened(text: str, width: int | None) -> str:
    if width is None or len(text) <= width:
        return text
    return text[: max(width, SHORTEST_DESCRIPTION) - 1].rstrip() + "…"


def _json(known: SettingInForce) -> str:
    about = known.setting
    return json.dumps(
        {
            "name": about.name,
            "group": about.group,
            "value": known.value,
            "unit": about.unit,
            "source": known.source,
            "description": about.description,
        }
    )
