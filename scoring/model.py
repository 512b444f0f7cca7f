"""One model version: the median of one or a few ARIMAs, read from JSON, run with NumPy alone.

Each member is a state space; all observe the same days. The forecast of a day is the median of the members'
centers; its variance is the mean of their mean squared distances from it, as for a mixture. One member that runs
away moves the center not at all and the variance little. The forecast of a closed day is zero, and no member
observes it.
Source: medians of a few simple forecasts, Petropoulos & Svetunkov (2020), Int. J. Forecasting 36, 110-115.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from scoring.absurd import without_absurd
from scoring.blocks import observe_all
from scoring.calendar import Agenda, Closures, ordinals, weekdays_of
from scoring.state_space import StateSpace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    type Vector = NDArray[np.float64]

FORMAT = 4
RUN_AWAY = 4.0  # times the median of the members' mean squared distances: the most that one counts as
FIRST_DAYS = 60  # after so many days, a state that was unknown is known
GOLDEN_DAYS = 14
GOLDEN_TOLERANCE = 1e-9  # relative; BLAS on other processors differs in the last bits only


class BadArtifact(ValueError):
    """The artifact cannot be read, or does not reproduce its golden forecasts; it must not be served."""


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """Normal distributions of the amounts, or of their logarithms.

    Attributes:
        center: shape (h,) for one origin, (origins, h) for many; currency per day, or its logarithm.
        variance: the same shape; of the amount or of its logarithm, not of the mean.
        log: True for logarithms; for many origins shape (origins, 1), because a search may decide otherwise later.
        closed: True for days whose amount is known to be zero, of the shape of `center`; False if there are none.
    """

    center: Vector
    variance: Vector
    log: bool | NDArray[np.bool_]
    closed: bool | NDArray[np.bool_] = field(default=False, kw_only=True)

    @property
    def mean(self) -> Vector:
        """The expected amounts, currency per day.

        Source for logarithms: Hyndman & Athanasopoulos (2021), Forecasting: principles and practice, section 5.6.
        """
        return self._amounts(self.center + self.variance / 2, self.center)

    @property
    def median(self) -> Vector:
        """The amounts that are exceeded as often as not, currency per day."""
        return self._amounts(self.center, self.center)

    def _amounts(self, logarithms: Vector, amounts: Vector) -> Vector:
        """The first where the prediction is of logarithms, otherwise the second; zero on closed days."""
        with np.errstate(over="ignore"):
            found = np.where(self.log, np.exp(np.where(self.log, logarithms, 0.0)), amounts)
        return np.where(self.closed, 0.0, found)

    def where(self, chosen: NDArray[np.bool_]) -> Prediction:
        """Only the chosen origins."""
        log, closed = self._by_origin
        return Prediction(self.center[chosen], self.variance[chosen], log[chosen], closed=closed[chosen])

    @staticmethod
    def joined(parts: Sequence[Prediction]) -> Prediction:
        """The rows of all parts."""
        centers, variances = ([getattr(part, name) for part in parts] for name in ("center", "variance"))
        log, closed = (np.vstack(each) for each in zip(*(part._by_origin for part in parts), strict=True))
        return Prediction(np.vstack(centers), np.vstack(variances), log, closed=closed)

    @property
    def _by_origin(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """`log`, shape (origins, 1), and `closed`, shape (origins, h)."""
        log = np.broadcast_to(self.log, (len(self.center), 1))
        return log, np.broadcast_to(self.closed, self.center.shape)

    def interval(self, level: float) -> tuple[Vector, Vector]:
        """Lower and upper bounds of the interval of `level` percent, each of the same shape.

        Raises: ValueError unless 0 < level < 100.
        """
        if not 0 < level < 100:
            raise ValueError(f"level is {level}; it must be between 0 and 100 percent")
        half = NormalDist().inv_cdf(0.5 + level / 200) * np.sqrt(self.variance)
        low, high = self.center - half, self.center + half
        return self._amounts(low, low), self._amounts(high, high)


@dataclass(frozen=True, slots=True, eq=False)
class Forecast(Prediction):
    """The prediction for the days after the origin.

    Attributes:
        days: the dates, shape (h,).
    """

    days: tuple[date, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ForecastModel:
    """One model version, and its state after the days that it has observed.

    Attributes:
        origin: the last observed day.
        members: at least one.
        log: True if the members describe the logarithms of the amounts.
        closures: the closed days that were known when it was fitted.
        facts: the other content of the artifact: orders, parameters, lineage; not used in computations.
    """

    origin: date
    members: tuple[StateSpace, ...]
    log: bool = False
    closures: Closures = field(default_factory=Closures)
    facts: dict[str, Any] = field(default_factory=dict)

    def forecast(self, horizon_days: int) -> Forecast:
        """Means and variances of the `horizon_days` days after the origin."""
        days = self._days(horizon_days)
        agenda = Agenda.of(days, self.closures)
        moments = [
            agenda.spread(member.ahead(horizon_days).of(member, member.effects(agenda.passing)))
            for member in self.members
        ]
        return Forecast(*_combined(moments), self.log, days, closed=agenda.closed)

    def observe(self, amounts: Sequence[float] | Vector) -> Self:
        """The model after it has observed the days after its origin; its parameters do not change.

        For a model of logarithms, a day whose amount is not above zero counts as missing. Amounts of
        closed days are not used.

        Args:
            amounts: shape (n,), currency per day, consecutive from the day after the origin; NaN for a
                missing day.
        """
        return self._observed(amounts, 0)

    def _observed(self, amounts: Sequence[float] | Vector, unknown: int) -> Self:
        """`observe`, the first `unknown` observations of it one by one."""
        first = self.origin.toordinal() + 1
        days = np.arange(first, first + len(amounts))
        passing = self._passing(days)
        days, values = days[passing], self._values(np.asarray(amounts, dtype=np.float64)[passing], days[passing])
        members = tuple(observe_all(member, values, days, unknown) for member in self.members)
        return replace(self, origin=self.origin + timedelta(days=len(amounts)), members=members)

    def _values(self, amounts: Vector, days: NDArray[np.int64]) -> Vector:
        """What the members observe of the amounts of days, given by their ordinals; NaN for nothing. Shape (n,)."""
        used = np.isfinite(amounts) & ~np.isin(days, [day.toordinal() for day in self.closures.days])
        if self.log:
            used &= amounts > 0
        values = np.full(len(amounts), np.nan)
        values[used] = np.log(amounts[used]) if self.log else amounts[used]
        return values

    def _passing(self, days: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which days, given by their ordinals, are days of the members: all but closed weekdays."""
        return ~np.isin(weekdays_of(days), list(self.closures.weekdays))

    def usable(self, days: Sequence[date], amounts: Sequence[float]) -> int:
        """How many of the amounts of these days would change what the model knows; a restart needs FIRST_DAYS."""
        numbers = ordinals(days)
        values = self._values(np.asarray(amounts, dtype=np.float64), numbers)
        return int((self._passing(numbers) & np.isfinite(values)).sum())

    def restarted(self, first_day: date, amounts: Vector) -> Self:
        """The model, its parameters being what they are, as if it had observed these days alone.

        What it has observed so far is forgotten: days of it have been corrected since. Surprises are bounded only
        once the state is known, so absurd amounts among the first days count as missing.

        Args:
            first_day: the day of `amounts[0]`.
            amounts: shape (n,), currency per day; NaN for missing days.
        """
        kept = amounts[np.isfinite(amounts) & ((amounts > 0) if self.log else True)]
        values = np.log(kept) if self.log else kept
        sizes = np.abs(values[values != 0])
        size = float(np.median(sizes)) if len(sizes) else 1.0  # of a mean, one absurd amount would make anything
        blank = replace(
            self,
            origin=first_day - timedelta(days=1),
            members=tuple(member.before_any_day(size) for member in self.members),
        )
        usable = np.concatenate([without_absurd(amounts[:FIRST_DAYS]), amounts[FIRST_DAYS:]])
        return blank._observed(usable, FIRST_DAYS)

    def rolling(self, amounts: Vector, horizon_days: int) -> Prediction:
        """A forecast before each day of `amounts`, as long as a whole horizon of `amounts` follows.

        Args:
            amounts: shape (n,), the days after the origin.
        Returns: shape (n - horizon_days + 1, horizon_days); row i is made after i observed days.
        """
        origins, days = len(amounts) - horizon_days + 1, self._days(len(amounts))
        numbers = ordinals(days)
        values = self._values(amounts, numbers).tolist()
        whole = Agenda.of(days, self.closures)
        agendas = [whole.part(origin, horizon_days) for origin in range(origins)]
        moments = []
        for member in self.members:
            ahead, effects, rows = member.ahead(horizon_days), member.effects(numbers), []
            for origin, agenda in enumerate(agendas):
                coming = effects[origin : origin + horizon_days]
                if agenda.has_closed:
                    coming = coming[agenda.passes]
                rows.append(agenda.spread(ahead.of(member, coming)))
                if whole.passes[origin]:
                    member = member.observe(values[origin], days[origin])
            made = np.array(rows).reshape(-1, 2, horizon_days)
            moments.append((made[:, 0], made[:, 1]))
        closed = np.array([agenda.closed for agenda in agendas]).reshape(-1, horizon_days)
        return Prediction(*_combined(moments), self.log, closed=closed)

    def _days(self, count: int) -> tuple[date, ...]:
        return tuple(self.origin + timedelta(days=step + 1) for step in range(count))

    def to_json(self) -> bytes:
        """The artifact: canonical JSON, so that the same model has the same sha256."""
        golden = self.forecast(GOLDEN_DAYS)
        document = {
            **self.facts,
            "format": FORMAT,
            "frequency": "D",
            "trained_through": self.origin.isoformat(),
            "log": self.log,
            "closed": self.closures.as_json(),
            "members": [member.as_json() for member in self.members],
            "golden": {"mean": golden.mean.tolist(), "variance": golden.variance.tolist()},
        }
        return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read an artifact and verify that it reproduces its golden forecasts.

        Raises: BadArtifact if it cannot be read, has another format, or does not reproduce them.
        """
        try:
            document = json.loads(data)
            if document.get("format") != FORMAT:
                raise BadArtifact(
                    f"the artifact has format {document.get('format')!r}; this service reads {FORMAT}"
                )
            golden = document.pop("golden")
            model = cls(
                origin=date.fromisoformat(document.pop("trained_through")),
                members=tuple(StateSpace.from_json(member) for member in document.pop("members")),
                log=bool(document.pop("log")),
                closures=Closures.from_json(document.pop("closed")),
                facts={key: value for key, value in document.items() if key not in {"format", "frequency"}},
            )
            again = model.forecast(len(golden["mean"]))
            expected = np.array([golden["mean"], golden["variance"]], dtype=np.float64)
        except BadArtifact:
            raise
        except (KeyError, TypeError, AttributeError, ValueError) as exc:
            raise BadArtifact(f"the artifact cannot be read: {type(exc).__name__}: {exc}") from exc
        if not np.allclose([again.mean, again.variance], expected, rtol=GOLDEN_TOLERANCE, atol=0.0):
            raise BadArtifact("the artifact does not reproduce its golden forecasts; do not serve it")
        return model


def _combined(moments: Sequence[tuple[Vector, Vector]]) -> tuple[Vector, Vector]:
    """The median of the members' centers, and the mean of their mean squared distances from it; of their shape."""
    centers, variances = (np.array(parts) for parts in zip(*moments, strict=True))
    center = np.median(centers, axis=0)
    squares = variances + (centers - center) ** 2
    return center, np.minimum(squares, RUN_AWAY * np.median(squares, axis=0)).mean(axis=0)
