"""How a file would be read, and what of it would be held: `retrain check`. It changes no store and needs none."""

from __future__ import annotations

import argparse
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from retrain.doors.paths import readable, see_that_it_can_be_read
from retrain.errors import ConfigError, DataError, ServiceError, assignment
from retrain.reading.formats import open_table
from retrain.reading.transactions import read_landed
from retrain.runs.hashing import HashingReader
from retrain.runs.inbox import is_marker

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from retrain.data.landed import Aggregate, FileContent
    from retrain.records.day_files import RowFile
    from retrain.records.landing import Doubted
    from retrain.settings.data import DataSettings

MOST_ATTEMPTS = 4  # of reading with the settings that the last refusal advised
FRONT_BYTES = 1 << 20
MOST_COLUMNS = 20  # that are shown


@dataclass(frozen=True, slots=True)
class Checked:
    """What a file looks like, and how it would be read.

    Attributes:
        kind: of the file; empty if it is not a table.
        refusal: why it cannot be read with the settings in force; None if it can.
        settings: assignments with which it can be read, or which bring it nearer.
        landed: how it would be read with these settings; None if it cannot.
        sha256: of its bytes; empty if it cannot be read.
        still: why it cannot be read with these settings either.
    """

    file: str
    kind: str
    columns: tuple[str, ...]
    refusal: DataError | None
    settings: tuple[str, ...]
    landed: FileContent | None
    sha256: str
    still: DataError | None
    aggregate: Aggregate

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "file": self.file,
            "kind": self.kind,
            "columns": list(self.columns),
            "readable": self.refusal is None,
            "error": self.refusal and self.refusal.as_json(),
            "settings": list(self.settings),
            "landed": self.landed and _facts(self.landed, self.aggregate),
            "still": self.still and self.still.as_json(),
        }


def check_file(path: Path, data: DataSettings, today: date, rows: RowFile) -> Checked:
    """Read a file, and if it is refused, read it with the settings that would help.

    Args: rows: takes those that have ids.
    Raises: NotFound if it cannot be opened.
    """
    kind, columns = "", tuple[str, ...]()
    first: DataError | None = None
    last: DataError | None = None
    settings: tuple[str, ...] = ()
    landed, sha256 = None, ""
    see_that_it_can_be_read(path)
    with readable(path), path.open("rb") as stream:
        for _ in range(MOST_ATTEMPTS):
            stream.seek(0)
            try:
                reading = data.with_assignments(settings).reading
                table = open_table(stream, path.name, reading.columns)
                kind, columns = table.kind, table.names
                stream.seek(0)
                source = HashingReader(stream)
                front = io.BufferedReader(source, FRONT_BYTES)
                landed, last = read_landed(front, path.name, reading, today, rows.begin_anew), None
                sha256 = source.sha256()
                break
            except DataError as refusal:
                first, last = first or refusal, refusal
                if not refusal.settings or set(refusal.settings) <= set(settings):
                    break
                settings += tuple(setting for setting in refusal.settings if setting not in settings)
    still = None if last is first else last
    return Checked(path.name, kind, columns, first, settings, landed, sha256, still, data.aggregate)


@dataclass(frozen=True, slots=True)
class Held:
    """What landing the file would hold, beside the history that there is.

    Attributes:
        beside: how many days the history has; 0 for an empty one.
        unknown: why the history could not be read; empty if it was.
    """

    beside: int
    findings: tuple[Doubted, ...]
    days: tuple[date, ...]
    unknown: str = ""

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        findings = [each.as_json() for each in self.findings]
        days = [day.isoformat() for day in self.days]
        return {"beside_days": self.beside, "findings": findings, "days": days, "unknown": self.unknown}


def would_be_held(landed: FileContent, checked: Checked, rows: RowFile, options: argparse.Namespace) -> Held:
    """Judge what was read, with the settings that read it, beside the history."""
    from retrain.doors.asking import connected
    from retrain.records.landing_log import LandedFile
    from retrain.runs.landing import foreseen
    from retrain.wiring import without_trace

    assigned = [*options.assigned, *(assignment.split("=", 1) for assignment in checked.settings)]
    try:
        settings, context = connected(argparse.Namespace(root=options.root, assigned=assigned))
        with without_trace(context) as apart:
            found, history = foreseen(landed, checked.sha256, rows, settings, apart)
    except (ConfigError, DataError, ServiceError) as error:
        return Held(0, (), (), str(error))
    if isinstance(found, LandedFile):
        return Held(len(history.totals), found.facts.findings, found.held)
    days = tuple(sorted(found.held))
    return Held(len(history.totals), found.landing.facts.findings if days else (), days)


def held_lines(held: Held | None) -> list[str]:
    """For a person."""
    if held is None:
        return []
    if held.unknown:
        return [f"held       not known: {held.unknown}"]
    found = [f"held       {each.doubt}: found {each.found}; expected {each.expected}" for each in held.findings]
    beside = f"beside the {held.beside:,} days of the history" if held.beside else "beside no history"
    return [*found, f"held       {len(held.days) or 'no'} days, {beside}"]


def lines(checked: Checked) -> list[str]:
    """For a person, each line under its heading."""
    shown = ", ".join(name.strip() for name in checked.columns[:MOST_COLUMNS])
    more = ", ..." if len(checked.columns) > MOST_COLUMNS else ""
    found = [f"file       {checked.file}" + (f": {checked.kind}" if checked.kind else "")]
    found += [f"columns    {shown}{more}"] if shown else []
    if is_marker(checked.file):
        found.append("warning    its name is that of a marker of another program; it would be ignored, rename it")
    if checked.refusal is not None:
        found.append(f"refused    {checked.refusal}")
    if checked.settings:
        found += ["settings   with these it would be read:" if checked.landed else "settings   these would help:"]
        found += [f"           {assignment(setting)}" for setting in checked.settings]
    if checked.still is not None:
        found.append(f"refused    with these settings too: {checked.still}")
    return found + ([] if checked.landed is None else _landed_lines(checked.landed, checked.aggregate))


def _landed_lines(landed: FileContent, aggregate: Aggregate) -> list[str]:
    amounts = landed.amounts(aggregate)
    first, last = min(amounts), max(amounts)
    return [
        *(f"read as    {said}" for said in landed.read_as),
        f"rows       {landed.rows:,}" + (f", {landed.repeated:,} of them repeated" if landed.repeated else ""),
        f"days       {len(amounts):,}, each {landed.made(aggregate)}",
        f"first day  {first}: {amounts[first]:.12g}",
        f"last day   {last}: {amounts[last]:.12g}",
        *(f"warning    {warning}" for warning in landed.warnings),
        *([f"warning    {landed.cut_short}"] if landed.cut_short else []),
    ]


def _facts(landed: FileContent, aggregate: Aggregate) -> dict[str, Any]:
    amounts = landed.amounts(aggregate)
    return {
        "rows": landed.rows,
        "repeated": landed.repeated,
        "has_ids": landed.has_ids,
        "days": len(amounts),
        "first_day": min(amounts).isoformat(),
        "last_day": max(amounts).isoformat(),
        "made": landed.made(aggregate),
        "read_as": list(landed.read_as),
        "warnings": list(landed.warnings),
        "cut_short": landed.cut_short,
    }
