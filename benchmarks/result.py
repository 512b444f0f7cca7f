"""What a benchmark measured, in one form: it is printed, kept as JSON and shown on the page of benchmarks.

A benchmark takes its options from `parser`, says how far it is by `progress`, and ends with `finish`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

type Row = dict[str, str | float]
"""One line of a table by column; a column that has no value in this line is left out."""


@dataclass(frozen=True, slots=True)
class Table:
    """Figures under one title. A column's name says its unit, as in `time, s`."""

    title: str
    rows: tuple[Row, ...]

    @property
    def columns(self) -> list[str]:
        """Every column that a row has, in the order of their first use."""
        return list(dict.fromkeys(name for row in self.rows for name in row))

    def markdown(self) -> str:
        """The table in Markdown, padded so that it can be read in a terminal too."""
        cells = [self.columns, *([shown(row.get(name, "")) for name in self.columns] for row in self.rows)]
        widths = [max(3, *map(len, column)) for column in zip(*cells, strict=True)]
        numeric = [all(isinstance(row.get(name, 0.0), int | float) for row in self.rows) for name in self.columns]

        def line(row: list[str]) -> str:
            padded = (
                cell.rjust(width) if right else cell.ljust(width)
                for cell, width, right in zip(row, widths, numeric, strict=True)
            )
            return f"| {' | '.join(padded)} |"

        rule = ["-" * (width - 1) + (":" if right else "-") for width, right in zip(widths, numeric, strict=True)]
        return "\n".join([line(cells[0]), line(rule), *map(line, cells[1:])])


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of one benchmark.

    Attributes:
        compares: what is compared with what, one sentence.
        conditions: the data, sizes and repetitions of this run, one sentence.
        missing: the peers that were not measured.
        quick: whether this is the quick form, whose figures only show that the benchmark works.
        figures: what a program reads by name at the top level of the JSON; the tables show it to people.
    """

    compares: str
    conditions: str
    tables: tuple[Table, ...]
    missing: tuple[str, ...] = ()
    quick: bool = False
    figures: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """All of it, figures unrounded."""
        document = asdict(self)
        return json.dumps({**document.pop("figures"), **document}, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Result:
        """Undo `to_json`."""
        read = json.loads(text)
        own = {each.name: read.pop(each.name) for each in fields(cls) if each.name in read}
        tables = tuple(Table(table["title"], tuple(table["rows"])) for table in own["tables"])
        return cls(**{**own, "missing": tuple(own["missing"]), "tables": tables, "figures": read})

    def markdown(self) -> str:
        """What is compared, under which conditions, and the tables."""
        parts = [self.compares, self.conditions]
        if self.missing:
            parts.append(f"Not measured: {', '.join(self.missing)}.")
        for table in self.tables:
            parts += [f"**{table.title}**", table.markdown()]
        return "\n\n".join(parts)


def shown(value: str | float) -> str:
    """A cell as text: three significant digits, and no digit before the point is dropped."""
    if isinstance(value, str):
        return value.replace("|", "\\|")
    return f"{value:,.0f}" if abs(value) >= 100 or isinstance(value, int) else f"{value:.3g}"


def spread(figure: str, ratios: list[float]) -> Row:
    """The row of a ratio that was measured several times."""
    return {"figure": figure, "median": statistics.median(ratios), "min": min(ratios), "max": max(ratios)}


def parser(description: str | None) -> argparse.ArgumentParser:
    """The options that every benchmark has; it adds its own."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--quick", action="store_true", help="run in seconds: little data, no separate environment")
    made.add_argument("--json", type=Path, help="file for the figures")
    return made


def progress(text: str) -> None:
    """Say on standard error how far the benchmark is."""
    print(text, file=sys.stderr, flush=True)


def finish(result: Result, file: Path | None) -> None:
    """Print the result, and write the same figures to the file if one is named."""
    print(result.markdown(), flush=True)
    if file:
        file.write_text(result.to_json())
