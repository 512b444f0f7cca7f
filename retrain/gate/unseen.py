"""The days of a comparison: the actual amount, and the forecast that each model made one day ahead."""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass, fields
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class UnseenDay:
    """One day of a comparison; NaN for a number that does not exist.

    Attributes:
        amount: the actual amount, currency per day.
        champion, challenger, seasonal_naive: the forecast of each, one day ahead, currency per day; of a model of
            logarithms the mean if the loss is RMSE, otherwise the median.
        champion_loss, challenger_loss: mean loss of the forecast of the whole horizon that begins with this day;
            currency per day, squared if the loss is RMSE.
    """

    day: date
    amount: float
    champion: float
    challenger: float
    seasonal_naive: float
    champion_loss: float
    challenger_loss: float


HEADER = ",".join(field.name for field in fields(UnseenDay))


def as_csv(days: Iterable[UnseenDay]) -> str:
    """A header and one line per day; the numbers keep every bit, NaN is an empty cell."""
    return "".join(f"{line}\n" for line in (HEADER, *(",".join(map(_cell, astuple(day))) for day in days)))


def from_csv(text: str) -> tuple[UnseenDay, ...]:
    """The inverse of `as_csv`. Raises: ValueError or TypeError for any other text."""
    header, *lines = text.splitlines() or [""]
    if header != HEADER:
        raise ValueError(f"the header is {header[:100]!r}, expected {HEADER!r}")
    return tuple(_day(*line.split(",")) for line in lines)


def _cell(value: date | float) -> str:
    if isinstance(value, date):
        return value.isoformat()
    return "" if math.isnan(value) else repr(float(value))


def _day(day: str, *numbers: str) -> UnseenDay:
    return UnseenDay(date.fromisoformat(day), *(float(number or "nan") for number in numbers))
