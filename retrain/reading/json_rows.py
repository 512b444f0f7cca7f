"""Reads JSON objects, one a line or in one array, in batches."""

from __future__ import annotations

import codecs
import json
import re
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO

from retrain.errors import DataError
from retrain.reading.columns import Table
from retrain.reading.json_errors import Place, what_is_wrong
from retrain.reading.objects import Cell, in_batches
from retrain.reading.quotes import Unchecked
from retrain.reading.text import NAMES, UTF_8, Text

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    import pyarrow as pa

BLOCK_BYTES = 1 << 20
LONGEST = 1 << 20  # characters of an object
NAMED_BY = 1000  # objects whose keys are the columns
BETWEEN = re.compile(r"[\s,]*")
NUMBER_AT_END = re.compile(r"[-+.\w]$")


def open_json(stream: BinaryIO, file: str, encoding: str) -> Table:
    """Open JSON as a table; the keys of the first objects are its columns.

    Raises: DataError if it does not begin with an object; iterating the rows raises it for whatever is not one.
    """
    names: dict[str, None] = {}
    for row, found in enumerate(_objects(stream, file, encoding)):
        names |= dict.fromkeys(found)
        if row == NAMED_BY:
            break

    def rows(positions: Sequence[int], *, floats: int, rest: bool) -> Generator[pa.RecordBatch]:  # noqa: ARG001
        cells = ([_cell(found.get(name)) for name in names] for found in _objects(stream, file, encoding))
        yield from in_batches(cells, positions, len(names), rest=rest)

    read_as = () if encoding == UTF_8 else (f"the text is {NAMES[encoding]}",)
    return Table("JSON objects", tuple(names), rows, read_as)


def _objects(stream: BinaryIO, file: str, encoding: str) -> Iterator[dict[str, object]]:
    decoder = json.JSONDecoder(parse_constant=str, object_pairs_hook=_object)
    text, at, row, is_array, ended = "", 0, 0, False, False
    before = Place()
    blocks = _decoded(stream, file, encoding)
    while True:
        at = BETWEEN.match(text, at).end()  # type: ignore[union-attr]
        if not row and not is_array and text.startswith("[", at):
            is_array, at = True, at + 1
            continue
        if is_array and text.startswith("]", at):
            _end(text[at + 1 :], blocks, file, row)
            return
        try:
            found, end = decoder.raw_decode(text, at)
        except _Twice as twice:
            raise DataError(
                file=file,
                row=row + 1,
                found=f"{twice} of one object",
                expected="each key once; rename or remove the other",
            ) from None
        except (ValueError, RecursionError) as exc:
            more = "" if ended or len(text) - at > LONGEST else next(blocks, "")
            ended = not more
            if ended and at == len(text) and not is_array:
                return
            if ended:
                raise DataError(
                    file=file,
                    row=row + 1,
                    found=what_is_wrong(text, at, exc, before),
                    expected=f"a JSON object of at most {LONGEST} characters; write one object a line",
                ) from exc
            before = before.after(text, at)
            text, at = text[at:] + more, 0
            continue
        begin, row, at = at, row + 1, end
        if "\\u" in text[begin:end]:
            _refuse_half_characters(found, file, row)
        if not isinstance(found, dict):
            raise DataError(
                file=file, row=row, found=text[end - 20 : end], expected="an object with a day and an amount"
            )
        yield found


class _Twice(Exception):
    """A key that an object has twice, with its positions."""


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object. Raises: _Twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        places: dict[str, int] = {}
        for place, (key, _) in enumerate(pairs, 1):
            if key in places:
                raise _Twice(f"the name {key[:80]} twice, the keys {places[key]} and {place}")
            places[key] = place
    return found


def _end(rest: str, blocks: Iterator[str], file: str, row: int) -> None:
    """Raises: DataError if anything follows the list: its rows would be lost."""
    for text in chain([rest], blocks):
        if text.strip():
            raise DataError(
                file=file,
                row=row + 1,
                found=text.strip()[:80],
                expected="nothing behind the list of rows; land a file for each list, or write one object a line",
            )


def _refuse_half_characters(found: object, file: str, row: int) -> None:
    """Raises: DataError for an escape that is half a character and no text."""
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError as exc:
        half = str(exc.object)[exc.start]
        raise DataError(
            file=file, row=row, found=f"\\u{ord(half):04x}, half of a character", expected="text; write it in UTF-8"
        ) from exc


def _decoded(stream: BinaryIO, file: str, encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(UTF_8)()
    text = Text(stream, file, encoding, Unchecked())
    while True:
        data = text.read(BLOCK_BYTES)
        try:
            yield decoder.decode(data, final=not data)
        except UnicodeDecodeError as exc:
            found = f"byte 0x{exc.object[exc.start]:02x}"
            raise DataError(file=file, found=found, expected="UTF-8 text; save the file as UTF-8") from exc
        if not data:
            return


def _cell(value: object) -> Cell:
    if value is None or isinstance(value, str | bool | float | int):
        return value
    return json.dumps(value)
