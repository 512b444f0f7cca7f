"""Checks the quotes of delimited text block by block: text behind a closing quote swallows rows elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

QUOTE = ord('"')
LINE_ENDS = b"\n\r"


class StrayQuote(Exception):
    """A quoted cell that begins at byte `begin`; its closing quote at `end` has text behind it."""

    def __init__(self, begin: int, end: int) -> None:
        self.begin, self.end = begin, end
        super().__init__(f"a stray quote at byte {begin}")


class Unchecked:
    """Takes any quotes."""

    def feed(self, block: bytes) -> None:
        """See `Quotes`."""

    def end(self) -> None:
        """See `Quotes`."""


@dataclass(slots=True)
class Quotes:
    """Follows the quotes of a text as Arrow's parser does: a cell is quoted if a quote is its first character.

    Attributes:
        began: the byte at which the open quoted cell begins; -1 while none is open.
    """

    delimiter: str
    began: int = -1
    _carried: bytes = b"\n"  # the byte before the next block, and the last one, whose neighbour is not known yet
    _at: int = -1  # of the first carried byte in the text
    _closed: int = -2
    _reopens: int = -1

    def feed(self, block: bytes) -> None:
        """Take the next block. Raises: StrayQuote."""
        data = self._carried + block
        if len(data) > 2:
            self._check(data)
            self._at += len(data) - 2
            self._carried = data[-2:]
        else:
            self._carried = data

    def end(self) -> None:
        """The text has ended. Raises: StrayQuote."""
        self.feed(b"\n\n")

    def _check(self, data: bytes) -> None:
        if data.find(b'"', 1, len(data) - 1) < 0:
            return
        cells = np.frombuffer(data, np.uint8)
        places = np.flatnonzero(cells[1:-1] == QUOTE) + 1
        around = np.zeros(256, dtype=bool)
        around[[QUOTE, ord(self.delimiter), *LINE_ENDS]] = True
        is_closing = np.arange(len(places)) % 2 == (0 if self.began >= 0 else 1)
        neighbours = np.where(is_closing, cells[places + 1], cells[places - 1])
        # A quote before an opening one must be a closing one: the first of a doubled pair.
        first_is_doubled = self._at + int(places[0]) - 1 == self._closed
        regular = around[neighbours].all() and (is_closing[0] or cells[places[0] - 1] != QUOTE or first_is_doubled)
        if regular:
            self._skip(places, cells, is_closing)
        else:
            self._follow(places.tolist(), data)

    def _skip(self, places: np.ndarray, cells: np.ndarray, is_closing: np.ndarray) -> None:
        """Every quote opens or closes a cell, in turn."""
        starts = ~is_closing & (cells[places - 1] != QUOTE)
        begin = self.began if self.began >= 0 else self._reopens
        if starts.any():
            begin = self._at + int(places[starts][-1])
        if is_closing.any():
            self._closed = self._at + int(places[is_closing][-1])
        self.began, self._reopens = (-1, begin) if is_closing[-1] else (begin, -1)

    def _follow(self, places: list[int], data: bytes) -> None:
        """One quote after the other, where some stand inside a cell that is not quoted."""
        after_a_cell = self.delimiter.encode() + LINE_ENDS
        for place in places:
            at, before, behind = self._at + place, data[place - 1], data[place + 1]
            if self.began >= 0:
                if behind != QUOTE and behind not in after_a_cell:
                    raise StrayQuote(self.began, at)
                self._reopens, self.began, self._closed = self.began, -1, at
            elif self._closed == at - 1:
                self.began = self._reopens
            elif before in after_a_cell:
                self.began = at
