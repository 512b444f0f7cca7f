"""What each day was to a champion: its amount less the forecast of the day before, in standard deviations. Pure.

While nothing changes they are independent. Of a champion that leaves something of one day in the next, as the
seasonal naive does, they are not, on its days of training either: then what the day before tells is taken away, so
that the tests have independent values (prewhitening, Box, Jenkins & Reinsel, Time Series Analysis, section 11.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from retrain.monitoring.issued import informed, knows_enough
from retrain.monitoring.observed_days import MOST_OBSERVATIONS, REACH_DAYS, Told, usable_days
from scoring.calendar import consecutive
from scoring.model import FIRST_DAYS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrain.data.series import Days, GapPolicy
    from retrain.records.counted_days import CountedDays
    from retrain.records.registry import Lineage
    from scoring.model import ForecastModel

    type Vector = NDArray[np.float64]

MOST_DAYS = 730  # that are watched, the newest
MOST_REFERENCE_DAYS = 365  # of the training, the newest, after those in which the state settles
LEAST_REFERENCE_DAYS = 28
DEPENDENT = 0.25  # correlation of one day with the next on the days of training, from which on it is taken away
BOUND = 3.0  # standard deviations of the day before that count at most: it may be absurd
INSIDE = NormalDist().inv_cdf(0.9)  # standard deviations within which the interval of 80 % lies
LONGEST_SEARCH = 8  # seasons back in which the naive forecast looks for an amount


@dataclass(frozen=True, slots=True, eq=False)
class Innovations:
    """One value a day, in days in a row; NaN for a day that is missing, closed, held or of no use to the model.

    Attributes:
        first: the first day that is watched.
        watched: shape (n,), standardised and independent, of the days that the champion was not trained on.
        reference: shape (m,), the same of days that it was trained on; empty if they are too few.
        outside: shape (n,), 1 if the amount was outside the interval of 80 %, otherwise 0.
        losses: shape (n,), how much worse the champion's median was than the seasonal naive, as a share of both
            absolute errors: from -1 to 1.
        trained_days: how many days it was trained on.
    """

    first: date
    watched: Vector
    reference: Vector
    outside: Vector
    losses: Vector
    trained_days: int


def innovations(
    model: ForecastModel,
    lineage: Lineage,
    history: CountedDays,
    gaps: GapPolicy,
    season_days: int,
    today: date,
) -> Innovations | None:
    """Those of a champion, from the amounts that count now.

    The reference is filtered again from an unknown state, which the first days of it make known. If days of the
    training were corrected, the champion begins with a state that knows the corrected ones.

    Returns: None if corrected days are too few for that, or there are no days to watch.
    """
    usable = usable_days(history, gaps, today)
    begin, end = lineage.trained_from, lineage.trained_through
    learned = {day: amount for day, amount in usable.items() if begin <= day <= end}
    unseen = {day: amount for day, amount in usable.items() if end < day <= end + timedelta(days=REACH_DAYS)}
    start = _begun(model, learned) if history.is_corrected(lineage) else model
    if start is None or not unseen:
        return None
    amounts = consecutive(unseen, start.origin + timedelta(days=1))
    before, amounts = amounts[:-MOST_DAYS], amounts[-MOST_DAYS:]
    start = start.observe(before) if len(before) else start
    found, medians = _standardised(start, amounts)
    first = start.origin + timedelta(days=1)
    naive = _naive(usable, first, len(amounts), season_days)
    reference = _reference(model, learned)
    outside = np.where(np.isfinite(found), np.abs(found) > INSIDE, np.nan)
    white = _whitened(np.concatenate([reference, found]), reference)
    parts = white[len(reference) :], white[: len(reference)]
    return Innovations(first, *parts, outside, _losses(amounts, medians, naive), (end - begin).days + 1)


def _begun(model: ForecastModel, learned: Days) -> ForecastModel | None:
    """The model after the days of its training as they are now; None if they are too few."""
    told = Told(dict([*learned.items()][-MOST_OBSERVATIONS:]), restart=True)
    return informed(model, told) if learned and knows_enough(model, told) else None


def _standardised(start: ForecastModel, amounts: Vector) -> tuple[Vector, Vector]:
    """The standardised innovations of the next days, and the medians that were forecast; shape (n,) each."""
    made = start.rolling(amounts, 1)
    use = np.isfinite(amounts) & ~np.broadcast_to(made.closed, made.center.shape)[:, 0]
    use &= (amounts > 0) | (not start.log)
    values = np.full(len(amounts), np.nan)
    values[use] = np.log(amounts[use]) if start.log else amounts[use]
    variance = made.variance[:, 0]
    use &= variance > 0
    found = np.full(len(amounts), np.nan)
    found[use] = (values[use] - made.center[use, 0]) / np.sqrt(variance[use])
    return found, np.asarray(made.median[:, 0])


def _reference(model: ForecastModel, learned: Days) -> Vector:
    """The innovations of the newest days of the training, after as many as make a state known."""
    if not learned:
        return np.empty(0)
    amounts = consecutive(learned, min(learned))[-(MOST_REFERENCE_DAYS + FIRST_DAYS) :]
    if len(amounts) < FIRST_DAYS + LEAST_REFERENCE_DAYS:
        return np.empty(0)
    first = max(learned) - timedelta(days=len(amounts) - 1)
    return _standardised(model.restarted(first, amounts[:FIRST_DAYS]), amounts[FIRST_DAYS:])[0]


def _whitened(values: Vector, reference: Vector) -> Vector:
    """The values without what the day before tells of them, if they depend on it. Args: reference: see there."""
    known = np.clip(reference, -BOUND, BOUND)
    pairs = np.isfinite(known[1:]) & np.isfinite(known[:-1])
    if pairs.sum() < LEAST_REFERENCE_DAYS:
        return values
    before, after = known[:-1][pairs], known[1:][pairs]
    size = float(before @ before)
    correlation = float(before @ after) / size if size > 0 else 0.0
    if not DEPENDENT < abs(correlation) < 1:
        return values
    told = np.concatenate([[0.0], np.nan_to_num(np.clip(values[:-1], -BOUND, BOUND))])
    return np.asarray((values - correlation * told) / np.sqrt(1 - correlation**2))


def _naive(days: Days, first: date, count: int, season_days: int) -> Vector:
    """The newest amount of the same day of an earlier season, shape (count,); NaN where there is none."""
    reach = LONGEST_SEARCH * season_days
    begin = first - timedelta(days=reach)
    every = np.full(reach + count, np.nan)
    for day, amount in days.items():
        if 0 <= (at := (day - begin).days) < len(every):
            every[at] = amount
    found = np.full(count, np.nan)
    for seasons in range(LONGEST_SEARCH, 0, -1):
        earlier = every[reach - seasons * season_days :][:count]
        found = np.where(np.isfinite(earlier), earlier, found)
    return found


def _losses(amounts: Vector, medians: Vector, naive: Vector) -> Vector:
    """See `Innovations.losses`."""
    own, other = np.abs(amounts - medians), np.abs(amounts - naive)
    both = own + other
    share = np.divide(own - other, both, out=np.zeros(len(both)), where=both > 0)
    return np.where(np.isfinite(both), share, np.nan)
