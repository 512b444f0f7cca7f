"""The champion's issued forecasts against the actual amounts, beside the champion before it and last week."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

from retrain.data.holidays import holidays_between
from retrain.errors import DamagedRecord
from retrain.monitoring.issued import IssuedForecasts, forecast_to_issue
from retrain.monitoring.performance import Forecasted, Performance, forecasted, performance, seasonal_naive
from retrain.monitoring.watch import watched
from retrain.records.counted_days import CountedDays
from retrain.records.history import Histories
from retrain.records.landing_log import Decided, LandedFile
from retrain.records.watched import Watched

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from retrain.data.landed import DayTotal
    from retrain.data.series import Days
    from retrain.monitoring.issued import Issued
    from retrain.records.context import Context
    from retrain.records.history import History
    from retrain.records.registry import RegisteredModel, Registry
    from retrain.settings import Settings
    from scoring.model import ForecastModel

    type Other = tuple[RegisteredModel, ForecastModel]


@dataclass(frozen=True, slots=True)
class Review:
    """What the issued forecasts of a champion were worth.

    Attributes:
        previous: the champion before it; None for the first.
        origins: how many forecasts are compared; of several with one origin, the last that was issued.
        watch: how the days compare with what the champion expected.
        unread: what is damaged and is left out: issued forecasts by their names, and the champion before.
        by_actual: `as_corrected` with the amounts that count now, `as_first_accepted` with those that counted
            first; for each, the performance of `champion`, `previous` and `seasonal_naive` from the same origins.
    """

    champion: str
    previous: str | None
    origins: int
    first_origin: date | None
    last_origin: date | None
    watch: Watched
    unread: list[str]
    by_actual: dict[str, dict[str, Performance]]

    def as_json(self) -> dict[str, Any]:
        """One object."""
        found = asdict(self) | {"watch": self.watch.as_json()}
        days = {name: found[name] and found[name].isoformat() for name in ("first_origin", "last_origin")}
        return {
            **{name: value for name, value in found.items() if name != "by_actual"},
            **days,
            **found["by_actual"],
        }


def review(since: date, settings: Settings, context: Context) -> Review:
    """Compare what the champion has issued from this day on with the actual amounts.

    The one before it is computed from what was known at each origin, as it would have been issued.

    Raises: NotFound if there is no champion; DamagedRecord if the champion is damaged.
    """
    pointer = context.ledger.pointer()
    version = context.champion_of(pointer).version
    previous = next((each.version for each in reversed(pointer.champions) if each.version != version), None)
    unread: list[str] = []
    issued = _last_of_each_origin(IssuedForecasts(context.state).since(since, version, unread))
    past = _Past(Histories(context.state))
    other = _other(previous, context.registry, unread)
    made = {
        "champion": [day for each in issued for day in forecasted(each)],
        "previous": [day for each in issued for day in _of_other(other, each, past, settings)] if other else [],
        "seasonal_naive": [day for each in issued for day in _naive(each, past, settings.decision.season_days)],
    }
    holidays = _holidays(settings.decision.country, made["champion"])
    registered = context.registry.of_record(version)
    model = context.registry.load(registered)
    watch = watched(registered, model, past.now, settings, context.now().date())
    actuals = {"as_corrected": past.now.days, "as_first_accepted": past.first_known}
    return Review(
        version,
        previous,
        len(issued),
        issued[0].origin if issued else None,
        issued[-1].origin if issued else None,
        watch,
        unread,
        {
            name: {model: performance(days, actual, holidays) for model, days in made.items()}
            for name, actual in actuals.items()
        },
    )


def _holidays(country: str, forecasts: list[Forecasted]) -> Collection[date]:
    """The public holidays of these years."""
    days = [each.day for each in forecasts]
    return holidays_between(country, min(days), max(days)) if days else ()


def _last_of_each_origin(issued: Iterable[Issued]) -> list[Issued]:
    last: dict[date, Issued] = {}
    for each in issued:
        if each.origin not in last or last[each.origin].run_id < each.run_id:
            last[each.origin] = each
    return list(last.values())


class _Past:
    """The history as it was, read once for each state of it."""

    def __init__(self, histories: Histories) -> None:
        self._histories = histories
        self._after: dict[int, History] = {}

    def after(self, entries: int) -> History:
        if entries not in self._after:
            self._after[entries] = self._histories.after(entries)
        return self._after[entries]

    @cached_property
    def now(self) -> History:
        return self._histories.read()

    @cached_property
    def first_known(self) -> Days:
        """Each day's amount when it counted first: that of the landing which brought it."""
        found: dict[date, DayTotal] = {}
        landings = {entry.run_id: entry for entry in self.now.log.looks if isinstance(entry, LandedFile)}
        for entry in self.now.log.entries:
            match entry:
                case LandedFile():
                    brought = self._histories.brought(entry)
                    counting = brought.keys() - entry.held
                case Decided(kind="accepted") if entry.of in landings:
                    brought = self._histories.brought(landings[entry.of])
                    counting = brought.keys() & entry.days
                case _:
                    continue
            found = {day: brought[day] for day in counting} | found
        return CountedDays(found, self.now.head).days


def _other(version: str | None, registry: Registry, unread: list[str]) -> Other | None:
    """Another version and its model; None if there is none, or if it is damaged, which is noted."""
    if version is None:
        return None
    try:
        registered = registry.of_record(version)
        return registered, registry.load(registered)
    except DamagedRecord:
        unread.append(f"version {version}")
        return None


def _of_other(other: Other, issued: Issued, past: _Past, settings: Settings) -> list[Forecasted]:
    """What another version would have issued at the same origin, from what was known then."""
    registered, model = other
    made = forecast_to_issue(
        registered,
        model,
        past.after(issued.entries),
        settings.data.gaps,
        len(issued.days),
        issued.run_id,
        issued.origin,
    )
    return [each for each in forecasted(made) if made.origin == issued.origin]


def _naive(issued: Issued, past: _Past, season_days: int) -> list[Forecasted]:
    days = [each.day for each in issued.days]
    return seasonal_naive(past.after(issued.entries).days, issued.origin, days, season_days)
