"""One simulated year of a champion under watch: what its tests find, by the functions of a run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from benchmarks.runs import SETTINGS, first_model
from benchmarks.worlds import FIRST_DAY, World, simulated
from retrain.data.landed import DayTotal
from retrain.data.series import GapPolicy
from retrain.monitoring.drift import paths
from retrain.monitoring.innovations import Innovations, innovations
from retrain.monitoring.limits import highest, limits
from retrain.records.counted_days import CountedDays, Head
from retrain.records.registry import Lineage


@dataclass(frozen=True, slots=True)
class Found:
    """What the watch found in one year.

    Attributes:
        days: by the name of each test, the first day of the year after which it was at its limit, after the change
            if there is one; a test that never was is left out.
        highest, reference: of each test of changes, the highest value in the year, and on the days of training.
    """

    world: str
    champion_days: int
    days: dict[str, int]
    highest: dict[str, float]
    reference: dict[str, float]

    @property
    def first(self) -> int | None:
        """The first of the days; None if no test found anything."""
        return min(self.days.values(), default=None)


def found(world: World, champion_days: int, seed: int, days: int, alpha: float) -> Found:
    """Watch one champion every day of a year."""
    seen = watched(world, champion_days, seed, days)
    season_days = SETTINGS.season_days
    reached = limits(seen, season_days, alpha)
    begin = world.change or 0
    first = {}
    for name, path in paths(seen, season_days, reached).items():
        at = (path[begin:] >= reached[name]).nonzero()[0]
        if len(at):
            first[name] = begin + int(at[0]) + 1
    own, year = highest(seen.reference, season_days), highest(seen.watched, season_days)
    return Found(world.name, champion_days, first, year, own)


def watched(world: World, champion_days: int, seed: int, days: int) -> Innovations:
    """The innovations of the first model of these days, in the year after them. Raises: SystemExit without one."""
    year = simulated(world, champion_days, seed, days)
    series = year.after(0)
    model = first_model(series)
    totals = {
        FIRST_DAY + timedelta(days=day): DayTotal(float(amount), 1)
        for day, amount in enumerate(year.after(days).values)
    }
    history = CountedDays(totals, Head.empty())
    days_sha256 = history.sha256(FIRST_DAY, series.last_day)
    lineage = Lineage(series.sha256, days_sha256, FIRST_DAY, series.last_day, "", "")
    today = max(totals)
    seen = innovations(model, lineage, history, GapPolicy.INTERPOLATE, SETTINGS.season_days, today)
    if seen is None:
        raise SystemExit("the year has no days")
    return seen
