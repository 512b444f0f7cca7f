"""The tables of docs/evidence.md: one line for each world and age of the champion, the policies side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.result import Row, Table

PAGE = Path(__file__).parents[1] / "docs" / "evidence.md"
BEGIN, END = "<!-- make bench-gate WRITE_TABLES=1 writes the lines from here -->", "<!-- to here -->"

type Figures = Mapping[str, object]
"""One row of the JSON of `make bench-gate`."""


def percent(value: object) -> str:
    """A share as a person reads it; a dash where there is none."""
    return f"{100 * value:.3g} %" if isinstance(value, int | float) else "–"


def table(rows: Sequence[Figures]) -> Table:
    """The policies side by side, each share of years with its interval."""
    lines: dict[tuple[object, object], Row] = {}
    for row in rows:
        policy, days = row["policy"], row["median_days_after_change"]
        line = lines.setdefault(
            (row["world"], row["champion_days"]),
            {"world": str(row["world"]), "champion's days": str(row["champion_days"])},
        )
        line[f"`{policy}` promotes"] = (
            f"{percent(row['promoted'])} ({percent(row['low'])} to {percent(row['high'])})"
        )
        line[f"`{policy}`: median days"] = f"{days:.0f}" if isinstance(days, float) else "–"
        line[f"`{policy}`: worse"] = percent(row["worse_after"])
    return Table("years with a promotion", tuple(lines.values()))


def write_tables(page: Path, conditions: str, tables: Sequence[Table], mark: str = BEGIN) -> None:
    """Replace what is between the two marks of the page. Raises: SystemExit if it does not have them."""
    before, begin, rest = page.read_text().partition(mark)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{page} does not have the lines {mark} and {END}")
    parts = [conditions]
    for each in tables:
        parts += [f"**{each.title[0].upper()}{each.title[1:]}**", each.markdown()]
    page.write_text("\n".join([f"{before}{begin}", "\n\n".join(parts), f"{end}{after}"]))
