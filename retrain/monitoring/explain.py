"""Why the champion forecasts what it forecasts: the forecast of one day and its parts, from what is known now."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from retrain.errors import UsageError
from retrain.monitoring.issued import informed, told_now
from retrain.monitoring.observed_days import age_notes, usable_days
from retrain.monitoring.taken_apart import TakenApart, observed_one_by_one, taken_apart
from retrain.records.history import Histories
from scoring.calendar import consecutive

if TYPE_CHECKING:
    from retrain.data.series import Days
    from retrain.monitoring.observed_days import Told
    from retrain.monitoring.taken_apart import Observed
    from retrain.records.context import Context
    from retrain.settings import Settings
    from scoring.model import ForecastModel

LAST_DAYS = 14  # each weekday twice
MOST_AHEAD = 365  # what a service forecasts at most
RELEARNED_DAYS = 1000  # of the training, after which nothing of the days before is left


@dataclass(frozen=True, slots=True)
class Explanation:
    """The champion's forecast of one day.

    Attributes:
        origin: the last day that the champion knows.
        orders: of the members that are explained.
        members: how many there are in all.
        notes: what the champion could not be told.
    """

    version: str
    trained_through: date
    origin: date
    members: int
    orders: tuple[str, ...]
    notes: tuple[str, ...]
    found: TakenApart

    def as_json(self) -> dict[str, Any]:
        """One object; days as YYYY-MM-DD."""
        found = self.found
        return {
            "version": self.version,
            "trained_through": self.trained_through.isoformat(),
            "origin": self.origin.isoformat(),
            "day": found.day.isoformat(),
            "forecast": found.forecast,
            "log": found.log,
            "closed": found.is_closed,
            "parts": found.parts,
            "last_days": [{**asdict(pull), "day": pull.day.isoformat()} for pull in found.pulls],
            "members": self.members,
            "orders": list(self.orders),
            "notes": list(self.notes),
        }


def explain(day: date | None, settings: Settings, context: Context) -> Explanation:
    """Take the champion's forecast of a day apart, by default of the day after the newest known one.

    Raises: NotFound if there is no champion; UsageError for a day that is known, or too far ahead.
    """
    registered = context.registry.of_record(context.champion_of(context.ledger.pointer()).version)
    model, history = context.registry.load(registered), Histories(context.state).days()
    today, gaps = context.now().date(), settings.data.gaps
    told = told_now(registered.lineage, model, history, gaps, today)
    now = informed(model, told)
    chosen = _day(day, now.origin)
    found = taken_apart(now, chosen, _last_days(model, now, told, usable_days(history, gaps, today)))
    return Explanation(
        version=registered.version,
        trained_through=model.origin,
        origin=now.origin,
        members=len(now.members),
        orders=tuple(_order(now, at) for at in found.members),
        notes=(*told.notes, *age_notes(now.origin, today)),
        found=found,
    )


def _day(day: date | None, origin: date) -> date:
    chosen = day or origin + timedelta(days=1)
    if chosen <= origin:
        raise UsageError(
            f"--day is {chosen}, and the champion knows the days up to {origin}; `retrain history --from {chosen}` "
            "shows its amount"
        )
    if (chosen - origin).days > MOST_AHEAD:
        raise UsageError(
            f"--day is {chosen}; it must be one of the {MOST_AHEAD} days after {origin}, the newest known day"
        )
    return chosen


def _order(model: ForecastModel, at: int) -> str:
    """The order of a member as its artifact names it, or else its number."""
    orders = model.facts.get("orders", [])
    return str(orders[at]["order"]) if at < len(orders) else f"member {at + 1}"


def _last_days(model: ForecastModel, now: ForecastModel, told: Told, usable: Days) -> list[Observed]:
    """What each of the last days has changed in the champion, ascending.

    Of the days that it was trained on, a version holds only what they add up to. Those among the last days are
    observed anew, after the days before them, by the same model. As far as that differs from the training, it is a
    part of what was expected before the last days.

    Args:
        now: the model after it was told.
        usable: every day that may be told, ascending.
    """
    before = now.origin - timedelta(days=LAST_DAYS)
    if told.restart:
        return _observed_anew(model, told.observed, before)
    learned = {day: amount for day, amount in usable.items() if 0 <= (model.origin - day).days < RELEARNED_DAYS}
    trained = _observed_anew(model, learned, before) if before < model.origin else []
    newer = consecutive(told.observed, model.origin + timedelta(days=1))
    cut = max((before - model.origin).days, 0)
    return trained + observed_one_by_one(model.observe(newer[:cut]), newer[cut:])


def _observed_anew(model: ForecastModel, days: Days, before: date) -> list[Observed]:
    """What the days after `before` change in a model that has learned the days until then; nothing without any."""
    first = min(days, default=date.max)
    if first > before:
        return []
    amounts, cut = consecutive(days, first), (before - first).days + 1
    return observed_one_by_one(model.restarted(first, amounts[:cut]), amounts[cut:])
