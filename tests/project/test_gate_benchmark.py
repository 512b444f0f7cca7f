"""The simulated years of `make bench-gate`: what they know, and that their looks decide as runs do."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks.gate import figure, wilson
from benchmarks.gate_page import BEGIN, END, PAGE, table, write_tables
from benchmarks.looks import Looks
from benchmarks.result import Table
from benchmarks.runs import SETTINGS, first_model
from benchmarks.worlds import CHANGE, UNCHANGED, WORLDS, World, Year, simulated
from benchmarks.years import POLICIES, Outcome, outcomes
from retrain.gate.assess import assess
from retrain.gate.decide import PromotionPolicy, Rule, Verdict
from tests.builders import series
from tests.sweeps import in_drills

if TYPE_CHECKING:
    from pathlib import Path

EVIDENCE, BETTER = PromotionPolicy(Rule.EVIDENCE), PromotionPolicy(Rule.BETTER)
TURNED = next(world for world in WORLDS if world.name == "week turned")
CHAMPION_DAYS = 120


@cache
def looks(year: Year) -> Looks:
    return Looks(year, first_model(year.after(0)), 0, year.days)


@cache
def seasonal_walk(days: int) -> Year:
    """Amounts of which nothing is known but those of a week before, so that the seasonal naive is best."""
    steps = np.random.default_rng(5).normal(0, 10, (-(-(CHAMPION_DAYS + days) // 7), 7))
    amounts = (1000 + np.cumsum(steps, axis=0)).ravel()[: CHAMPION_DAYS + days]
    return Year(UNCHANGED, series(amounts), CHAMPION_DAYS, days, np.zeros((len(amounts), 7)))


@pytest.mark.parametrize(
    "year", [*in_drills(simulated(TURNED, CHAMPION_DAYS, 1, 150)), seasonal_walk(100)], ids=["turned", "naive"]
)
def test_a_look_decides_as_a_run_on_the_same_days_does(year: Year):
    """Under every policy; the comparison is the same to the last bit, although nothing was fitted for it."""
    followed = looks(year)
    for day, policy in zip((28, 84, year.days), cycle(POLICIES), strict=False):
        run = assess(year.after(day), followed.champion, replace(SETTINGS, policy=policy))
        assert run.measured is not None
        same = replace(
            run.measured,
            challenger_trained_through=followed.measured(day).challenger_trained_through,
            refits_kept=followed.measured(day).refits_kept,
        )

        assert followed.measured(day) == same
        assert run.decision.verdict is followed.decision(day, policy).verdict
        assert run.decision.reason.startswith(followed.decision(day, policy).reason)


def test_the_seasonal_naive_is_compared_where_the_search_loses_to_it():
    """As in a run."""
    followed = looks(seasonal_walk(100))

    assert any(followed.measured(day).is_naive for day in followed.on)


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name.replace(" ", "-"))
def test_the_expected_amounts_are_the_best_forecasts(world: World):
    """A day ahead only the shock is missing; a week ahead the error does not depend on what is expected."""
    year = simulated(without_outliers(world), 365, 0, days=3000)
    expected, values = year.expected, year.series.values
    day_ahead = values[: len(expected)] - expected[:, 0]
    week_ahead = values[6:] - expected[:, 6]

    assert np.std(day_ahead) == pytest.approx(8, rel=0.05)
    assert np.mean(day_ahead) == pytest.approx(0, abs=0.6)
    assert abs(np.corrcoef(week_ahead, expected[:, 6])[0, 1]) < 0.06


def without_outliers(world: World) -> World:
    return UNCHANGED if world.has_outliers else world


def test_one_day_in_a_month_is_an_outlier():
    """Of either sign."""
    world = next(world for world in WORLDS if world.has_outliers)
    year = simulated(world, 365, 0, days=3000)

    errors = year.series.values[: len(year.expected)] - year.expected[:, 0]

    far = np.abs(errors) > 40
    assert 1 / 40 < far.mean() < 1 / 15  # the noise of the day after remembers none of it
    assert (errors[far] > 0).any()
    assert (errors[far] < 0).any()


def test_a_real_gain_does_not_promote_when_the_models_are_made_equal():
    """The same looks promote as they are, and do not when what is expected of them is taken out."""
    followed = looks(simulated(TURNED, CHAMPION_DAYS, 2, 200))

    assert followed.decision(200, EVIDENCE).verdict is Verdict.PROMOTE
    assert not followed.promotes_centred(200, EVIDENCE)


@pytest.mark.long
def test_only_promotions_after_the_change_count():
    """`better` promotes before it too; the year goes on with that champion."""
    found = {outcome.policy: outcome for outcome in outcomes(TURNED, CHAMPION_DAYS, 0, CHANGE + 60)}

    year = simulated(TURNED, CHAMPION_DAYS, 0, CHANGE + 60)
    before = Looks(year, first_model(year.after(0)), 0, CHANGE)
    assert any(before.decision(day, BETTER).verdict is Verdict.PROMOTE for day in before.on)
    assert found["better"].day is not None
    assert found["better"].day > CHANGE
    assert found["better"].error is not None
    assert found["better"].error < 1


def test_the_figures_of_a_row_are_shares_of_its_years():
    """With the days from the change to the median promotion."""
    key = ("evidence", "week turned", 182)
    made = [(110, 0.5), (120, 0.9), (150, 1.2), (None, None)]

    row = figure(key, [Outcome(*key, day, error) for day, error in made])

    assert row["promoted"] == 0.75
    assert row["worse_after"] == pytest.approx(1 / 3)
    assert row["median_days_after_change"] == 120 - CHANGE
    assert (row["low"], row["high"]) == wilson(3, 4)


def test_a_row_without_promotions_says_so():
    """None, not zero, where there is nothing to take the share of."""
    row = figure(("evidence", UNCHANGED.name, 182), [Outcome("evidence", UNCHANGED.name, 182)])

    assert (row["promoted"], row["worse_after"], row["median_days_after_change"]) == (0, None, None)


def test_the_interval_of_a_share_is_wilsons():
    """Of 0 of 10, and of 81 of 263. Source: Newcombe (1998), Statistics in Medicine 17, table I."""
    assert wilson(0, 10) == pytest.approx((0, 0.2775), abs=1e-4)
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)


def test_the_tables_of_the_page_are_replaced_and_its_text_is_not(tmp_path: Path):
    """What is between the two marks."""
    page = tmp_path / "page.md"
    page.write_text(f"Before.\n\n{BEGIN}\nold\n{END}\n\nAfter.\n")

    write_tables(page, "Two years.", [Table("years", ({"world": "one"},))])

    text = page.read_text()
    assert text.startswith(f"Before.\n\n{BEGIN}\nTwo years.\n\n**Years**\n\n| world |")
    assert text.endswith(f"{END}\n\nAfter.\n")
    assert "old" not in text


def test_the_page_shows_the_policies_of_a_world_side_by_side():
    """With a dash where there is no number."""
    keys = [(policy, UNCHANGED.name, 182) for policy in ("evidence", "better")]
    found = [
        figure(key, [Outcome(*key, day, error)])
        for key, day, error in zip(keys, (None, 28), (None, 1.1), strict=True)
    ]

    (line,) = table(found).rows

    assert line["`evidence` promotes"] == "0 % (0 % to 79.3 %)"
    assert (line["`evidence`: worse"], line["`better`: worse"]) == ("–", "100 %")
    assert line["`better`: median days"] == "–"


def test_the_page_in_docs_has_the_marks():
    """So that a run of an hour does not end without its page."""
    text = PAGE.read_text()

    assert text.index(BEGIN) < text.index(END)


def test_a_page_without_the_marks_is_refused(tmp_path: Path):
    """Nothing is written."""
    page = tmp_path / "page.md"
    page.write_text("text")

    with pytest.raises(SystemExit, match="does not have the lines"):
        write_tables(page, "Two years.", [])

    assert page.read_text() == "text"
