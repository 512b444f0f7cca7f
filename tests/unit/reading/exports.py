"""Exports of offices, made as their programs write them."""

from __future__ import annotations

import io
import zipfile
from datetime import date
from typing import TYPE_CHECKING

import openpyxl

from retrain.reading.rules import Reading
from retrain.reading.transactions import read_landed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from retrain.data.landed import FileContent, RowSink

TODAY = date(2026, 1, 1)


def landed(data: bytes, reading: Reading | None = None, sink: Callable[[], RowSink] | None = None) -> FileContent:
    """A file that is read."""
    return read_landed(io.BytesIO(data), "landed.csv", reading or Reading(), TODAY, sink)


def amounts(data: bytes, reading: Reading | None = None) -> dict[str, float]:
    """The sum of each day."""
    return {day.isoformat(): total.amount for day, total in landed(data, reading).totals.items()}


def workbook(*rows: Sequence[object], sheet: str = "Sheet1", others: Sequence[str] = ()) -> bytes:
    """An XLSX workbook with these rows in its first sheet."""
    book, out = openpyxl.Workbook(), io.BytesIO()
    book.worksheets[0].title = sheet
    for row in rows:
        book.worksheets[0].append(list(row))
    for name in others:
        book.create_sheet(name)
    book.save(out)
    return out.getvalue()


def archive(**files: bytes) -> bytes:
    """A zip archive of these files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in files.items():
            packed.writestr(name, data)
    return out.getvalue()


def text(*lines: str, end: str = "\n", encoding: str = "utf-8") -> bytes:
    """Lines, each with a line end."""
    return "".join(f"{line}{end}" for line in lines).encode(encoding)
