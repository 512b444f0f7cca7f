"""Whether the last line of a text, which has no line end, seems to be cut inside its last cell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# A program that leaves out final zeros writes 196 or 196.1 where the others have two decimals, but rarely after so
# many that all have two: the first number is for one decimal too few, the second for more.
ROWS_FOR_ONE, ROWS_FOR_MORE = 40, 10
ROWS_FOR_DIGITS = 20


def last_day_is_cut(last: str, others: Sequence[str]) -> bool:
    """Whether a day is shorter than all others, which are equally long."""
    lengths = {len(text.strip()) for text in others}
    return len(others) >= ROWS_FOR_MORE and len(lengths) == 1 and len(last.strip()) < lengths.pop()


def last_amount_is_cut(last: str, others: Sequence[str]) -> bool:
    """Whether an amount has fewer decimals than all others, or far fewer digits than any."""
    cut, usual = _Length.of(last), [_Length.of(text) for text in others]
    decimals = {length.decimals for length in usual}
    if len(decimals) == 1:
        too_few = decimals.pop() - cut.decimals
        if too_few > 0 and len(usual) >= (ROWS_FOR_ONE if too_few == 1 else ROWS_FOR_MORE):
            return True
    shortest = min((length.digits for length in usual), default=0)
    return len(usual) >= ROWS_FOR_DIGITS and cut.digits <= shortest - 2 and 2 * cut.digits <= shortest


@dataclass(frozen=True, slots=True)
class _Length:
    digits: int
    decimals: int

    @classmethod
    def of(cls, text: str) -> _Length:
        decimals = re.search(r"[.,](\d*)\D*$", text)
        return cls(len(re.findall(r"\d", text)), len(decimals[1]) if decimals else 0)
