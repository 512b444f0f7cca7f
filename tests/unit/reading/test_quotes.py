"""Stray quotes are found wherever the blocks of a text end."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from retrain.reading.quotes import Quotes, StrayQuote

AFTER_A_CELL = (b",", b"\n", b"\r", b"")


def found(text: bytes, sizes: list[int]) -> object:
    """What the blocks of these sizes give, in turn."""
    quotes, at = Quotes(","), 0
    try:
        for size in sizes:
            quotes.feed(text[at : at + size])
            at += size
        quotes.feed(text[at:])
        quotes.end()
    except StrayQuote as stray:
        return stray.begin, stray.end
    return quotes.began


def expected(text: bytes) -> object:
    """The same, one character after the other."""
    began, is_start, at = -1, True, 0
    while at < len(text):
        sign, behind = text[at : at + 1], text[at + 1 : at + 2]
        if began >= 0:
            if sign == b'"' and behind == b'"':
                at += 1
            elif sign == b'"' and behind not in AFTER_A_CELL:
                return began, at
            elif sign == b'"':
                began = -1
        elif sign == b'"' and is_start:
            began = at
        is_start = sign in AFTER_A_CELL
        at += 1
    return began


TEXTS = st.lists(st.sampled_from([b'"', b'"', b",", b"\n", b"a"]), max_size=16).map(b"".join)


@given(TEXTS, st.lists(st.integers(1, 4)))
@example(b'\n"""""', [2, 3])
def test_it_agrees_with_a_parser_that_reads_one_character_at_a_time(text: bytes, sizes: list[int]):
    """Where a cell begins that has text behind its closing quote, or that never ends."""
    assert found(text, sizes) == expected(text)
