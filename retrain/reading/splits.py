"""Finds columns whose values split the rows of a day: a store, a product, a currency."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from retrain.reading.columns import Chosen

MOST_VALUES = 50
FEWEST_DAYS = 2
MOSTLY = 0.6
ROWS_A_VALUE = 4  # a column whose values are nearly all different splits nothing
NUMBER = re.compile(r"[-+\d.,:/ T]*")
DAY_END = re.compile(r"(?<=\d)[T ].*|,? \d{1,2}:.*")


def split_columns(
    names: Sequence[str], sample: Sequence[Sequence[str]], chosen: Chosen, *, has_ids: bool
) -> Iterator[str]:
    """A warning for each column that splits the days, at most three.

    Args: sample: the first cells of every column of the file.
    """
    days = [DAY_END.sub("", cell.strip()) for cell in sample[chosen.date]]
    found = 0
    for at, name in enumerate(names):
        if at not in chosen.positions and found < 3:
            values = _values_a_day(days, [cell.strip() for cell in sample[at]], has_ids=has_ids)
            if values:
                found += 1
                yield (
                    f"the column {name.strip()} has {values} values on most days; their rows are put together to "
                    f"one amount a day, and only a series key could keep them apart"
                )


def _values_a_day(days: Sequence[str], values: Sequence[str], *, has_ids: bool) -> int:
    """How many values the column has on most days; 0 if it does not split them."""
    cells = {(day, value) for day, value in zip(days, values, strict=True) if value}
    different = {value for _, value in cells}
    of_day: dict[str, int] = {}
    for day, _ in cells:
        of_day[day] = of_day.get(day, 0) + 1
    several = sorted(count for count in of_day.values() if count > 1)
    if len(of_day) < FEWEST_DAYS or len(several) < MOSTLY * len(of_day) or not 1 < len(different) <= MOST_VALUES:
        return 0
    # One row for each day and value: the file is a panel, whatever the values are.
    is_panel = not has_ids and len(cells) == len(days)
    is_category = len(days) >= ROWS_A_VALUE * len(different) and not all(map(NUMBER.fullmatch, different))
    return several[len(several) // 2] if is_panel or is_category else 0
