"""What is implausible about a readable file: found between reading and accepting it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from retrain.data.open_enum import OpenEnum

if TYPE_CHECKING:
    from datetime import date


class Doubt(OpenEnum):
    """The kinds of findings."""

    SCALE = "scale"
    SPREAD = "spread"
    ABSURD_DAY = "absurd day"
    ROWS = "rows a day"
    GAP = "gap"
    FUTURE = "future"
    CADENCE = "cadence"
    CUT_SHORT = "cut short"
    RESTATED = "restated"
    TRAINED_ON = "trained on"
    CONSTANT = "constant"
    OVERLAP = "overlap"


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason to hold a file, or some of its days.

    Attributes:
        days: the days that are held, ascending; empty if it is the whole file.
        found, expected: for a person, with numbers and units.
    """

    doubt: Doubt
    days: tuple[date, ...]
    found: str
    expected: str
