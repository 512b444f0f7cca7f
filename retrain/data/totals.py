"""The days of several landings together: what each day is, from every landing that has it."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from retrain.data.landed import DayTotal

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

EPOCH = date(1970, 1, 1)
# Sums of the same rows in another order differ in the last bits; that is not a changed amount.
SAME_AMOUNT = 1e-9


class Overlap(StrEnum):
    """What is done where a file without ids has days that are there already."""

    AUTO = "auto"
    RESTATE = "restate"
    ADD = "add"
    REFUSE = "refuse"


class Joins(StrEnum):
    """How the days of a landing join those of earlier landings."""

    RESTATE = "restate"
    ADD = "add"
    BY_ID = "by id"


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows with ids, of one landing. Every array has the shape (n,).

    Attributes:
        days: since 1970-01-01.
        amounts: currency.
    """

    days: NDArray[np.int32]
    ids: NDArray[np.uint64]
    amounts: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Part:
    """What one landing says.

    Attributes:
        totals: its days that count.
        rows: gives its rows of some days; asked only of a landing that joins by id.
    """

    totals: Mapping[date, DayTotal]
    joins: Joins
    rows: Callable[[Collection[date]], Rows]


def together(parts: Sequence[Part], days: Iterable[date]) -> dict[date, DayTotal]:
    """What these days are; a day that no part has is left out.

    A part that restates a day replaces what earlier parts say of it. Rows with ids count once: a row that two parts
    have, with the same id, day and amount, counts as often as the one of them that has it most often.

    Args: parts: in the order of their landing.
    """
    sums: dict[date, DayTotal] = {}
    by_id: defaultdict[date, list[int]] = defaultdict(list)
    wanted = sorted(days)
    for number, part in enumerate(parts):
        for day in wanted:
            total = part.totals.get(day)
            if total is None:
                continue
            if part.joins is Joins.BY_ID:
                by_id[day].append(number)
            elif part.joins is Joins.ADD:
                sums[day] = _sum(sums.get(day), total)
            else:
                before = sums.get(day)
                sums[day] = before if before and not by_id[day] and is_same(before, total) else total
                by_id[day].clear()
    shared = [day for day, numbers in by_id.items() if len(numbers) > 1]
    united = _united([parts[number].rows for number in sorted({n for day in shared for n in by_id[day]})], shared)
    for day, numbers in by_id.items():
        if numbers:
            of_rows = united[day] if len(numbers) > 1 else parts[numbers[0]].totals[day]
            sums[day] = _sum(sums.get(day), of_rows)
    return dict(sorted(sums.items()))


def is_same(one: DayTotal, other: DayTotal) -> bool:
    """Whether two totals differ by rounding alone."""
    return one.rows == other.rows and math.isclose(one.amount, other.amount, rel_tol=SAME_AMOUNT, abs_tol=1e-12)


def _sum(before: DayTotal | None, more: DayTotal) -> DayTotal:
    return more if before is None else DayTotal(before.amount + more.amount, before.rows + more.rows)


def _united(sources: Sequence[Callable[[Collection[date]], Rows]], days: Collection[date]) -> dict[date, DayTotal]:
    """The rows of all sources together. They are added in an order of their own, whatever that of the sources."""
    if not days:
        return {}
    kinds = [_counted(source(days)) for source in sources]
    rows, counts = _joined([rows for rows, _ in kinds]), np.concatenate([counts for _, counts in kinds])
    order, first = _sorted_kinds(rows)
    most = np.maximum.reduceat(counts[order], first)
    chosen = order[first]
    numbers, at = np.unique(rows.days[chosen], return_inverse=True)
    amounts = np.bincount(at, weights=rows.amounts[chosen] * most)
    found = np.bincount(at, weights=most)
    return {
        EPOCH + timedelta(days=int(number)): DayTotal(float(amount), int(count))
        for number, amount, count in zip(numbers, amounts, found, strict=True)
    }


def _counted(rows: Rows) -> tuple[Rows, NDArray[np.int64]]:
    """Each kind of row once, and how often it is there."""
    order, first = _sorted_kinds(rows)
    chosen = order[first]
    counts = np.diff(np.append(first, len(order)))
    return Rows(rows.days[chosen], rows.ids[chosen], rows.amounts[chosen]), counts


def _sorted_kinds(rows: Rows) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The order that puts equal rows together, and where each kind begins in it."""
    order = np.lexsort((rows.amounts, rows.ids, rows.days))
    days, ids, amounts = rows.days[order], rows.ids[order], rows.amounts[order]
    starts = np.ones(len(order), dtype=bool)
    starts[1:] = (days[1:] != days[:-1]) | (ids[1:] != ids[:-1]) | (amounts[1:] != amounts[:-1])
    return order, np.flatnonzero(starts)


def _joined(parts: Sequence[Rows]) -> Rows:
    return Rows(
        np.concatenate([part.days for part in parts]),
        np.concatenate([part.ids for part in parts]),
        np.concatenate([part.amounts for part in parts]),
    )
