"""Says in plain words where JSON stops being JSON: the parser's own words help nobody who does not program."""

from __future__ import annotations

import json
from dataclasses import dataclass

SHOWN = 80  # characters
PLAIN = {
    "Expecting ',' delimiter": "a comma or the end is missing",
    "Expecting ':' delimiter": "a colon is missing",
    "Expecting property name enclosed in double quotes": "a key in double quotes is missing",
    "Expecting value": "a value is missing, or a text without double quotes stands",
    "Illegal trailing comma before end of array": "a comma is too much",
    "Illegal trailing comma before end of object": "a comma is too much",
    "Invalid \\escape": "a backslash stands before a sign that needs none",
    "Invalid \\uXXXX escape": "four hexadecimal digits are missing",
    "Invalid control character at": "a line break or a control character stands in a text",
    "Unterminated string starting at": "a text begins that does not end",
}
"""What the messages of Python's parser mean."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a text, counted from 1."""

    line: int = 1
    column: int = 1

    def after(self, text: str, characters: int) -> Place:
        """The place behind so many characters of a text that begins here."""
        lines = text.count("\n", 0, characters)
        if not lines:
            return Place(self.line, self.column + characters)
        return Place(self.line + lines, characters - text.rindex("\n", 0, characters))

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}"


def what_is_wrong(text: str, begin: int, error: Exception, before: Place) -> str:
    """What stands where an object is expected, and where in it the object stops being one.

    Args:
        begin: of the object.
        before: the place in the file at which the text begins.
    """
    if begin == len(text):
        return "the end of the file"
    shown = text[begin : begin + SHOWN]
    if isinstance(error, json.JSONDecodeError):
        what = PLAIN.get(error.msg.removesuffix(":"), "it is no JSON any more")
        return f"{shown}, where {what} in {before.after(text, error.pos)}"
    if isinstance(error, RecursionError):
        return f"{shown}, which is nested too deeply"
    return f"{shown}, which has a number of too many digits"
