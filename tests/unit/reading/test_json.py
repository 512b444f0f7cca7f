"""JSON that is not what it should be is refused with its place, in plain words."""

from __future__ import annotations

import json

import pytest

from retrain.errors import DataError
from tests.unit.reading.exports import landed, text

OBJECTS = [{"TransactionDate": "2024-01-01", "PaidAmount": 5.5}, {"TransactionDate": "2024-01-02", "PaidAmount": 6}]


@pytest.mark.parametrize("tail", ["GARBAGE", json.dumps(OBJECTS)], ids=["text", "another list"])
def test_what_follows_a_list_of_json_is_not_lost_in_silence(tail: str):
    with pytest.raises(DataError, match="nothing behind the list"):
        landed(f"{json.dumps(OBJECTS)} {tail}".encode())


def test_half_a_character_in_json_is_refused_with_its_row():
    data = b'{"TransactionDate": "2024-01-01", "PaidAmount": 1, "note": "\\ud800"}'

    with pytest.raises(DataError, match=r"row 1: found '.+ud800, half of a character'"):
        landed(data)


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (
            b'[\n {"TransactionDate": "2024-01-01", "PaidAmount": 5},\n {"PaidAmount": }\n]',
            "a value is missing.* line 3, column 17",
        ),
        (b'{"PaidAmount": 5}\n{PaidAmount: 5}\n', "a key in double quotes is missing in line 2, column 2"),
        (b'{"PaidAmount" 5}\n', "a colon is missing in line 1, column 15"),
        (b'{"PaidAmount": 5,}\n', "a comma is too much in line 1, column 17"),
        (b'{"PaidAmount": 5, "note": "x}', "a text begins that does not end in line 1, column 27"),
        (
            b'{"PaidAmount": 5, "note": "x\ny"}',
            "a line break or a control character stands in a text in line 1, column 29",
        ),
        (b'{"PaidAmount": 5, "note": "C:\\d"}\n', "a backslash stands .* line 1, column 30"),
        (b'{"PaidAmount": ' + b"9" * 5000 + b"}", "a number of too many digits"),
        (b'{"PaidAmount": ' + b"[" * 100_000, "nested too deeply"),
    ],
    ids=["value", "key", "colon", "comma", "quote", "line break", "backslash", "digits", "depth"],
)
def test_what_is_no_json_is_refused_in_plain_words_with_line_and_column(data: bytes, where: str):
    """Nobody needs to know the parser."""
    with pytest.raises(DataError, match=where):
        landed(data)


def test_the_line_of_what_is_no_json_is_counted_through_the_whole_file():
    """Blocks in which it is read do not matter."""
    rows = [json.dumps({"TransactionDate": "2024-01-01", "PaidAmount": 5, "note": "é" * 80})] * 30_000

    with pytest.raises(DataError, match=r"row 30001: .* a value is missing.* in line 30001, column 16"):
        landed(text(*rows, '{"PaidAmount": }'))
