"""A forecast as files: CSV, Parquet, and a plot after the days before. A file is written whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from retrain.doors.charts import BLUE, GREY, LIGHT_BLUE, PALE_BLUE, chart
from retrain.doors.paths import Target
from retrain.errors import UsageError
from retrain.monitoring.published import csv_of, parquet_of
from retrain.records.day_files import SERIES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from retrain.data.series import Days

    type Form = Callable[[dict[str, Any], Days], bytes]

HISTORY_DAYS = 56  # before the forecast, in its plot
COLOURS = (PALE_BLUE, LIGHT_BLUE)  # of the widest interval, and of the next
XML = '<?xml version="1.0" encoding="utf-8"?>\n'


def as_csv(answer: dict[str, Any], _days: Days) -> bytes:
    """The columns of a published forecast but the median, which a service does not answer."""
    return csv_of(*_table(answer)).encode()


def as_parquet(answer: dict[str, Any], _days: Days) -> bytes:
    """The same with types."""
    return parquet_of(*_table(answer))


def as_plot(answer: dict[str, Any], days: Days) -> bytes:
    """The amounts of the last eight weeks, the means, and the intervals, the widest lowest.

    Args: days: those that count.
    Raises: UsageError if the numbers cannot be drawn.
    """
    origin, rows = date.fromisoformat(answer["origin"]), answer["forecast"]
    first = origin - timedelta(days=HISTORY_DAYS - 1)
    known = [(day, amount) for day, amount in days.items() if first <= day <= origin]
    lines = [("actual", GREY, known)] if known else []
    lines.append(("forecast", BLUE, [(date.fromisoformat(row["date"]), row["mean"]) for row in rows]))
    bands = [
        (f"{level:g} % interval", colour, [(date.fromisoformat(row["date"]), *_bounds(row, level)) for row in rows])
        for level, colour in zip(sorted(_levels(answer), reverse=True), COLOURS, strict=False)
    ]
    title = f"Currency per day: version {answer['version']} of {answer['model']}, after {origin}"
    try:
        return (XML + chart(title, lines, bands)).encode()
    except (ValueError, ArithmeticError):
        raise UsageError("the forecast cannot be drawn of these numbers; --csv FILE writes them") from None


def _levels(answer: dict[str, Any]) -> list[float]:
    return [interval["level"] for interval in answer["forecast"][0]["intervals"]]


def _bounds(row: dict[str, Any], level: float) -> tuple[float, float]:
    interval = next(each for each in row["intervals"] if each["level"] == level)
    return interval["lower"], interval["upper"]


def _table(answer: dict[str, Any]) -> tuple[list[str], list[list[object]]]:
    """The names of the columns, and one row a day."""
    levels, origin, version = _levels(answer), date.fromisoformat(answer["origin"]), answer["version"]
    columns = ["date", "series", "mean", *(f"{bound}_{level:g}" for level in levels for bound in ("low", "high"))]
    rows: list[list[object]] = [
        [
            date.fromisoformat(row["date"]),
            SERIES,
            row["mean"],
            *(bound for level in levels for bound in _bounds(row, level)),
            origin,
            version,
        ]
        for row in answer["forecast"]
    ]
    return [*columns, "origin", "version"], rows


@dataclass(frozen=True, slots=True)
class Wanted(Target):
    """A file of a forecast.

    Attributes: form: what it holds.
    """

    form: Form


def wanted(csv: Path | None, plot: Path | None, out: Path | None) -> list[Wanted]:
    """The files that the options ask for. Raises: UsageError if two of them are one file."""
    found = [Wanted("--csv", csv, as_csv)] if csv else []
    found += [Wanted("--plot", plot, as_plot)] if plot else []
    if out:
        forms: tuple[tuple[str, Form], ...] = (("csv", as_csv), ("parquet", as_parquet), ("svg", as_plot))
        found += [Wanted("--out", out / f"forecast.{ending}", form) for ending, form in forms]
    options: dict[Path, str] = {}
    for each in found:
        other = each.option if each.is_device else options.setdefault(each.path.resolve(), each.option)
        if other != each.option:
            raise UsageError(f"{other} and {each.option} name the same file, {each.path}; name another")
    return found
