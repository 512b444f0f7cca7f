"""The error that users would have had under each policy, on the same days from the same origins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from retrain.gate.evaluate import with_closed_days
from retrain.gate.intervals import Interval, interval_of_mean
from retrain.gate.scores import Loss, score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from retrain.data.series import DailySeries
    from retrain.gate.assess import DecisionSettings
    from retrain.runs.whatif_course import Course
    from scoring.model import Prediction

    type Vector = NDArray[np.float64]
    type Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Against:
    """The loss beside that of another policy.

    Attributes:
        difference: of the mean losses, this one's less the other's, with a 95 % interval: currency per day, squared
            if the loss is RMSE. Negative is better.
        change: the same as a share of the other's metric: of its RMSE, not of its square.
    """

    difference: Interval
    change: Interval

    @classmethod
    def of(cls, ours: Vector, theirs: Vector, loss: Loss, horizon_days: int) -> Against | None:
        """Args: ours, theirs: shape (n,), the loss of each origin. Returns: None for too few, or a loss of zero."""
        difference, whole = interval_of_mean(ours - theirs, horizon_days), float(theirs.mean())
        if difference is None or whole <= 0:
            return None
        bounds = (1 + each / whole for each in (difference.mean, difference.low, difference.high))
        return cls(difference, Interval(*(loss.metric(max(share, 0.0)) - 1 for share in bounds)))


@dataclass(frozen=True, slots=True)
class Errors:
    """Of the forecasts of one policy, over every origin and every observed day of its horizon.

    Attributes:
        origins: from how many days was forecast; of all policies the same.
        days: how many days were forecast.
        rmse, mae: currency per day.
        mase: None where it has no scale.
        against_never, against_always: None where there are too few origins, see `interval_of_mean`.
    """

    origins: int
    days: int
    rmse: float
    mae: float
    mase: float | None
    against_never: Against | None = None
    against_always: Against | None = None


def errors_of(courses: Sequence[Course], series: DailySeries, settings: DecisionSettings) -> list[Errors | None]:
    """What the forecasts of each policy were worth against the amounts as they are now.

    Args:
        courses: the last two are those of `never` and `always`, which all are compared with.
        series: every day that counts now.
        settings: its loss says what is compared.
    Returns: one for each course; None for all of them if no day that was forecast has an amount.
    Raises: ModelError if a metric is not finite.
    """
    horizon, loss = settings.horizon_days, settings.policy.loss
    origins = _shared_origins(courses)
    if not len(origins):
        return [None] * len(courses)
    made = [_from(origins, course) for course in courses]
    actual = _actual(origins, series, horizon, made)
    scored = ~np.isnan(actual).all(axis=1)
    origins, actual, made = origins[scored], actual[scored], [each.where(scored) for each in made]
    if not len(origins):
        return [None] * len(courses)
    first = date.fromordinal(int(origins[0]))
    seen = np.where(series.observed, series.values, np.nan)[: series.position(first) + 1]
    losses = [loss.at_origins(actual, loss.point(each), seen) for each in made]
    cards = [score(actual, each, seen, settings.season_days, loss) for each in made]
    days = np.unique((origins[:, None] + np.arange(1, horizon + 1))[~np.isnan(actual)])
    return [
        Errors(
            len(origins),
            len(days),
            card.rmse,
            card.mae,
            card.mase,
            *(Against.of(ours, other, loss, horizon) for other in losses[-2:]),
        )
        for ours, card in zip(losses, cards, strict=True)
    ]


def _shared_origins(courses: Sequence[Course]) -> NDArray[np.int64]:
    """The days from which all of them have a finite forecast; another could not have been issued."""
    shared: NDArray[np.int64] | None = None
    for course in courses:
        if course.made is None:
            return np.array([], dtype=np.int64)
        usable = np.isfinite(course.made.mean).all(axis=1)
        own = course.origins[usable]
        shared = own if shared is None else np.intersect1d(shared, own)
    return np.array([], dtype=np.int64) if shared is None else shared


def _actual(
    origins: NDArray[np.int64], series: DailySeries, horizon_days: int, made: Sequence[Prediction]
) -> Matrix:
    """What the forecasts from each origin are scored against, as the gate scores them, shape (n, horizon)."""
    before = series.first_day - timedelta(days=1)
    observed, closed = series.after(before), series.closed_after(before)
    at = origins[:, None] + np.arange(1, horizon_days + 1) - series.first_day.toordinal()
    is_there, at = (at >= 0) & (at < len(observed)), np.clip(at, 0, len(observed) - 1)
    return with_closed_days(np.where(is_there, observed[at], np.nan), is_there & closed[at], made)


def _from(origins: NDArray[np.int64], course: Course) -> Prediction:
    assert course.made is not None  # noqa: S101 - all courses share the origins
    return course.made.where(np.isin(course.origins, origins))
