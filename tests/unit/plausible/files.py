"""FileContent files that are made of amounts and numbers of rows, and what was known before them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from retrain.data.landed import Aggregate, DayTotal, FileContent
from retrain.data.series import GapPolicy
from retrain.plausible.findings import Known, findings
from tests.builders import FIRST_DAY, weekly

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import ArrayLike

    from retrain.data.findings import Finding

TODAY = date(2030, 1, 1)
EMPTY = Known({}, {}, Aggregate.MEAN, None, None, None, GapPolicy.INTERPOLATE)
type Days = Mapping[date, DayTotal]


def day(number: int) -> date:
    """Counted from the first day."""
    return FIRST_DAY + timedelta(days=number)


def days(amounts: Iterable[float], start: int = 0, rows: ArrayLike = 1) -> dict[date, DayTotal]:
    """These amounts on days in a row; `rows` of each day, or of all."""
    values = list(amounts)
    counts = np.broadcast_to(rows, len(values)).tolist()
    return {day(start + at): DayTotal(float(amount), int(counts[at])) for at, amount in enumerate(values)}


def year(seed: int = 0) -> np.ndarray:
    """A year of a shop that has a week and sells about 100 a day."""
    return weekly(365, seed=seed)


def sales(count: int, *, start: int = 0, seed: int = 0, rows: float = 50) -> dict[date, DayTotal]:
    """Days with a Poisson number of rows of about 12 each; fewer at weekends."""
    rng = np.random.default_rng((seed, start))
    expected = rows * np.resize([1.2, 1.1, 1.0, 1.0, 0.9, 0.7, 0.6], start + count)[start:]
    counts = rng.poisson(expected) + 1
    return days((float(number * 12 * rng.uniform(0.9, 1.1)) for number in counts), start, counts)


def file(content: Days, *, has_ids: bool = False, cut_short: str = "") -> FileContent:
    """A file of these days."""
    rows = sum(total.rows for total in content.values())
    return FileContent("file.csv", dict(sorted(content.items())), rows, 0, has_ids, cut_short=cut_short)


def after(history: Days, *, aggregate: Aggregate = Aggregate.SUM, **known: object) -> Known:
    """What is known when this history is in force."""
    is_daily = all(total.rows == 1 for total in history.values())
    made = replace(EMPTY, totals=history, aggregate=aggregate, is_daily=is_daily if history else None)
    return replace(made, **known)  # type: ignore[arg-type]


def found(content: Days, known: Known = EMPTY, today: date = TODAY) -> tuple[Finding, ...]:
    """What is found about a file of these days."""
    return findings(file(content), known, today)


def kinds(content: Days, known: Known = EMPTY, today: date = TODAY) -> list[str]:
    """The kinds of doubt about it."""
    return [finding.doubt.value for finding in found(content, known, today)]


def in_parts(content: Days, size: int) -> dict[date, DayTotal]:
    """The history after these days landed as files of `size` days, without what is held."""
    history: dict[date, DayTotal] = {}
    ordered = sorted(content)
    for at in range(0, len(ordered), size):
        part = {one: content[one] for one in ordered[at : at + size]}
        held = found(part, after(history))
        dropped = (
            set(part) if any(not finding.days for finding in held) else {x for each in held for x in each.days}
        )
        history |= {one: total for one, total in part.items() if one not in dropped}
    return history
