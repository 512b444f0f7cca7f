"""Finds the row of a byte of delimited text, for messages; it reads the text once more."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LINE = re.compile(rb"[^\r\n]*(?:\r\n|\n|\r)")  # the line ends that Arrow knows


def row_at(place: int, blocks: Iterator[bytes], skipped_lines: int, delimiter: str) -> int:
    """The row of data, from 1, that holds the byte at `place`, counted as the parser does."""
    rows = 0
    lines = _lines_through(place, blocks)
    for _ in range(skipped_lines):
        next(lines, None)
    try:
        for cells in csv.reader(lines, delimiter=delimiter):
            rows += bool(cells)
    except csv.Error:  # the cell with that byte is too long
        rows += 1
    return rows


def line_ends(blocks: Iterator[bytes], begin: int, end: int) -> int:
    """How many line ends the bytes from `begin` on and before `end` have."""
    at = found = 0
    for block in blocks:
        part = block[max(begin - at, 0) : max(end - at, 0)]
        found += part.count(b"\n") or part.count(b"\r")
        at += len(block)
        if at >= end:
            break
    return found


def last_line(blocks: Iterator[bytes]) -> tuple[int, int]:
    """The bytes at which the last line begins and ends; the same if the text ends with a line end."""
    at = begin = 0
    for block in blocks:
        end = max(block.rfind(b"\n"), block.rfind(b"\r"))
        begin = at + end + 1 if end >= 0 else begin
        at += len(block)
    return begin, at


def _lines_through(place: int, blocks: Iterator[bytes]) -> Iterator[str]:
    """The lines up to the one with the byte at `place`."""
    at, rest = 0, b""
    for block in blocks:
        data = rest + block
        used = 0
        for line in LINE.finditer(data, 0, len(data) - 1):  # a last \r may belong to a \r\n
            used = line.end()
            yield line[0].decode(errors="replace")
            if at + used > place:
                return
        at, rest = at + used, data[used:]
    if rest:
        yield rest.decode(errors="replace")
