"""One simulated year of daily looks under each policy: when a run promotes, and how good what it promotes is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from benchmarks.looks import Looks
from benchmarks.runs import SETTINGS, first_model
from benchmarks.worlds import AFTER_DAYS, HORIZON_DAYS, UNCHANGED, World, Year, simulated
from retrain.errors import NotConverged
from retrain.gate.assess import assess
from retrain.gate.decide import PromotionPolicy, Rule, Verdict
from scoring.model import ForecastModel

POLICIES = tuple(PromotionPolicy(rule) for rule in Rule)
CENTRED = f"{UNCHANGED.name}, centred"
# A champion that is made in the year is often replaced soon, so it is not followed to the end at once.
STAGE_DAYS = 90


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one policy did in one year.

    Attributes:
        world: its name; of the centred form another one.
        day: of the year after which the first promotion that counts was made; None for none.
        error: mean squared distance of the promoted model's forecasts from the conditional means over the next 60
            days, divided by the champion's; above 1 if the champion would have been better. None for no promotion.
    """

    policy: str
    world: str
    champion_days: int
    day: int | None = None
    error: float | None = None


def outcomes(world: World, champion_days: int, seed: int, days: int) -> list[Outcome]:
    """All that is counted in one simulated year.

    Only promotions after the change count. An earlier one replaces the champion, and the year goes on.
    """
    year = simulated(world, champion_days, seed, days)
    looks = Looks(year, first_model(year.after(0)), 0, days)
    found = [_followed(looks, policy) for policy in POLICIES]
    return found + ([_centred(looks, policy) for policy in POLICIES] if world == UNCHANGED else [])


def _followed(looks: Looks, policy: PromotionPolicy) -> Outcome:
    """The looks of a policy, from one champion to the next, until a promotion counts or the year ends."""
    year = looks.year
    while True:
        made = _promoted(looks, policy)
        if made is not None:
            day, winner = made
            if year.world.change is None or day > year.world.change:
                error = _error(year, day, looks.champion, winner)
                return Outcome(policy.rule, year.world.name, year.champion_days, day, error)
            looks = Looks(year, winner, day, min(day + STAGE_DAYS, year.days))
        elif looks.days < year.days:
            looks = Looks(year, looks.champion, looks.since, year.days)
        else:
            return Outcome(policy.rule, year.world.name, year.champion_days)


def _promoted(looks: Looks, policy: PromotionPolicy) -> tuple[int, ForecastModel] | None:
    """The first day of a promotion, and the model that a run promotes then."""
    for day in looks.on:
        if looks.decision(day, policy).verdict is Verdict.PROMOTE:
            found = assess(looks.year.after(day), looks.champion, replace(SETTINGS, policy=policy))
            if found.winner is not None:  # None if the winner could not be fitted to every day
                return day, found.winner.model
    return None


def _centred(looks: Looks, policy: PromotionPolicy) -> Outcome:
    """The first look at which chance alone promotes."""
    year, name = looks.year, CENTRED
    for day in looks.on:
        if looks.promotes_centred(day, policy):
            try:
                winner = Looks(year, looks.champion, 0, day).searched.finished(year.after(day)).model
            except NotConverged:
                continue
            error = _error(year, day, looks.champion, winner)
            return Outcome(policy.rule, name, year.champion_days, day, error)
    return Outcome(policy.rule, name, year.champion_days)


def _error(year: Year, day: int, champion: ForecastModel, winner: ForecastModel) -> float:
    """`Outcome.error`: both models observe day by day, their parameters do not change."""
    known = year.after(day)
    first = len(known)
    ahead = year.series.values[first : first + AFTER_DAYS + HORIZON_DAYS - 1]
    best = year.expected[first : first + AFTER_DAYS]

    def distance(model: ForecastModel) -> float:
        there = model.observe(known.after(model.origin))
        return float(np.mean((there.rolling(ahead, HORIZON_DAYS).mean - best) ** 2))

    return distance(winner) / distance(champion)
