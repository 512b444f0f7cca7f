"""A forecast that was taken apart, as a person reads it in a terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from retrain.monitoring.explain import LAST_DAYS
from retrain.monitoring.taken_apart import LEVEL, PARTS, SPREAD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrain.monitoring.explain import Explanation
    from retrain.monitoring.taken_apart import Pull, TakenApart

NAMES = dict(
    zip(PARTS, ("level", "season", "", "month end", "public holiday", f"last {LAST_DAYS} days"), strict=True)
)
SAID = {
    LEVEL: "the week around the day, as it was expected before the last days",
    "season": "how the day differs from its week",
    "weekday": "its effect beside an average open day",
    SPREAD: "from the median to the mean",
    "last_days": "what the amounts of these days have changed",
}
MOST_PULLS = 5
NEGLIGIBLE = 1e-9  # of the largest part


def lines(found: Explanation) -> Iterator[str]:
    """Who forecasts, from what; the parts, one a line; and the days that pull most."""
    apart = found.found
    ahead = (apart.day - found.origin).days
    when = f"{apart.day:%Y-%m-%d %a}, {ahead} {'day' if ahead == 1 else 'days'} ahead"
    yield f"version    {found.version}, trained through {found.trained_through}"
    yield f"origin     {found.origin}, the newest day that it knows"
    yield from (f"warning    {note[0].upper()}{note[1:]}." for note in found.notes)
    yield f"forecast   {when}: {apart.forecast:,.1f}"
    if apart.is_closed:
        yield "explained  the day is closed, so its forecast is 0 and has no parts"
        return
    yield f"explained  {_who(found)}"
    yield from _parts(apart)
    yield from _pulls(apart)


def _who(found: Explanation) -> str:
    orders = " and ".join(found.orders)
    if found.members == 1:
        return orders
    middle = "in the middle" if len(found.orders) == 1 else "in the middle, whose mean is the median"
    return f"{orders}: of {found.members} members, {middle} on this day"


def _parts(apart: TakenApart) -> Iterator[str]:
    """One line a part: its amount and its share, or its factor."""
    if apart.log:
        yield "           the model is one of logarithms, so every part but the level is a factor"
    largest = max(map(abs, apart.parts.values()))
    for name, value in apart.parts.items():
        if abs(value) > NEGLIGIBLE * largest or name == LEVEL:
            label = NAMES.get(name) or (f"{apart.day:%A}" if name == "weekday" else name)
            numbers = _factor(name, value) if apart.log else _amount(name, value, apart.forecast)
            yield f"           {label:<15}{numbers}  {SAID.get(name, '')}".rstrip()
    yield f"           {'forecast':<15}{apart.forecast:>12,.1f}"


def _amount(name: str, value: float, forecast: float) -> str:
    sign = "" if name == LEVEL else "+"
    share = f"{value / forecast:{sign}.1%}" if forecast else "-"
    return f"{value:>{sign}12,.1f}{share:>9}"


def _factor(name: str, value: float) -> str:
    if name == LEVEL:
        return f"{math.exp(value):>12,.1f}{'':>9}"
    return f"{f'x {math.exp(value):.3f}':>12}{math.expm1(value):>+9.1%}"


def _pulls(apart: TakenApart) -> Iterator[str]:
    """Those that change the forecast most."""
    most = sorted(apart.pulls, key=lambda pull: (-abs(pull.adds), pull.day))[:MOST_PULLS]
    for number, pull in enumerate(most):
        yield f"{'' if number else 'pulls':<11}{_pull(pull, log=apart.log)}"


def _pull(pull: Pull, *, log: bool) -> str:
    adds = f"{math.expm1(pull.adds):>+12.1%}" if log else f"{pull.adds:>+12,.1f}"
    bounded = "; its surprise was bounded" if pull.is_bounded else ""
    return f"{pull.day:%Y-%m-%d %a} {adds}  amount {pull.amount:,.1f}, expected {pull.expected:,.1f}{bounded}"
