"""The scores of a comparison by slice: weekday, month end, public holiday, days ahead. They decide nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from retrain.gate.scores import LEVELS, Loss, forecast_errors
from scoring.calendar import ordinals, weekdays_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from scoring.model import Prediction

    type Vector = NDArray[np.float64]
    type Matrix = NDArray[np.float64]
    type Mask = NDArray[np.bool_]

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
CALENDAR = MONTH_END, HOLIDAY, ORDINARY = ("month end", "public holiday", "other days")
BY_WEEKDAY, BY_CALENDAR, BY_HORIZON = "weekday", "calendar", "days ahead"
MOST_HORIZONS = 14  # slices by days ahead; of a longer horizon, each is of several days


@dataclass(frozen=True, slots=True)
class Figures:
    """Of some forecast days, against their actual amounts.

    Attributes:
        days: forecast days with an actual amount; a day that is forecast from seven origins counts seven times.
        rmse, mae: currency per day.
        bias: mean of forecast minus actual, currency per day.
        coverage_80, coverage_95: shares of the actual amounts within the interval; None without intervals.
    """

    days: int
    rmse: float
    mae: float
    bias: float
    coverage_80: float | None
    coverage_95: float | None


@dataclass(frozen=True, slots=True)
class Slice:
    """Some of the compared days, and how each model forecast them.

    Attributes:
        by: what the days are divided by: `weekday`, `calendar` or `days ahead`.
        name: of this part, for example `Monday`, `month end` or `3`.
        champion: None without a champion.
    """

    by: str
    name: str
    champion: Figures | None
    challenger: Figures
    seasonal_naive: Figures


def calendar_of(day: date, holidays: Collection[date]) -> tuple[str, ...]:
    """What the calendar says about a day; a month end may be a public holiday too."""
    is_so = {MONTH_END: (day + timedelta(days=1)).day == 1, HOLIDAY: day in holidays}
    return tuple(name for name, holds in is_so.items() if holds) or (ORDINARY,)


def slices(
    first_days: Sequence[date],
    actual: Matrix,
    made: Mapping[str, Matrix | Prediction],
    history: Vector,
    loss: Loss,
    holidays: Collection[date] = (),
) -> tuple[Slice, ...]:
    """Every slice that has a day with an actual amount.

    RMSE and bias are those of the mean forecast; MAE is that of the forecast which the loss scores, as in `score`.

    Args:
        first_days: of each origin the first day that is forecast, shape (origins,).
        actual: shape (origins, horizon), currency per day; NaN for days that are not scored.
        made: by the fields of `Slice`, each of the shape of `actual`; without `champion` where there is none.
        history: the days before, shape (n,), which say what is rounding.
    """
    measured = {name: _Measured.of(actual, each, history, loss) for name, each in made.items()}
    observed = ~np.isnan(actual)
    found = []
    for by, name, chosen in _parts(first_days, actual.shape[1], holidays):
        mask = chosen & observed
        if mask.any():
            each = {model: errors.figures(mask) for model, errors in measured.items()}
            found.append(Slice(by, name, each.get("champion"), each["challenger"], each["seasonal_naive"]))
    return tuple(found)


def _parts(
    first_days: Sequence[date], horizon_days: int, holidays: Collection[date]
) -> Iterator[tuple[str, str, Mask]]:
    """What is divided by, the name of the part, and its forecast days, shape (origins, horizon)."""
    days = ordinals(first_days)[:, None] + np.arange(horizon_days)
    for at, name in enumerate(WEEKDAYS):
        yield BY_WEEKDAY, name, weekdays_of(days) == at
    said = {day: calendar_of(date.fromordinal(day), holidays) for day in np.unique(days).tolist()}
    for name in CALENDAR:
        yield BY_CALENDAR, name, np.isin(days, [day for day, kinds in said.items() if name in kinds])
    ahead = np.broadcast_to(np.arange(1, horizon_days + 1), days.shape)
    width = -(-horizon_days // MOST_HORIZONS)
    for first in range(1, horizon_days + 1, width):
        last = min(first + width - 1, horizon_days)
        name = str(first) if first == last else f"{first} to {last}"
        yield BY_HORIZON, name, (first <= ahead) & (ahead <= last)


@dataclass(frozen=True, slots=True, eq=False)
class _Measured:
    """One model: its errors and which amounts are within its intervals, each of shape (origins, horizon)."""

    of_mean: Matrix
    of_point: Matrix
    within: tuple[Mask, ...]

    @classmethod
    def of(cls, actual: Matrix, made: Matrix | Prediction, history: Vector, loss: Loss) -> _Measured:
        bounds = () if isinstance(made, np.ndarray) else [made.interval(level) for level in LEVELS]
        return cls(
            forecast_errors(actual, Loss.RMSE.point(made), history),
            forecast_errors(actual, loss.point(made), history),
            tuple((low <= actual) & (actual <= high) for low, high in bounds),
        )

    def figures(self, mask: Mask) -> Figures:
        """Of the chosen days, of which there is at least one."""
        of_mean, shares = self.of_mean[mask], [float(np.mean(each[mask])) for each in self.within]
        return Figures(
            days=int(mask.sum()),
            rmse=float(np.sqrt(np.mean(of_mean**2))),
            mae=float(np.mean(np.abs(self.of_point[mask]))),
            bias=float(np.mean(of_mean)),
            coverage_80=shares[0] if shares else None,
            coverage_95=shares[1] if shares else None,
        )
