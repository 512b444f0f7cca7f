"""The comparison: its significance test, and that no model is scored on days it was fitted to."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from retrain.arima.ensemble import FittedModel, fit_pinned
from retrain.arima.order import Order
from retrain.arima.procedure import Procedure
from retrain.data.series import DailySeries, GapPolicy, daily_series
from retrain.errors import ModelError, SeriesTooShort
from retrain.gate.evaluate import Comparison, compare
from retrain.gate.rolling import RollingForecasts, Terms, rolling_forecasts
from retrain.gate.scores import Loss
from retrain.gate.significance import DieboldMariano, diebold_mariano
from tests.builders import FIRST_DAY, series, weekly

if TYPE_CHECKING:
    from collections.abc import Callable


AR = Order(1, 0, 0, mean=True)


def fit(order: Order, known: DailySeries) -> FittedModel:
    """The order alone."""
    return fit_pinned(order, known, 7)


def along(challenger: FittedModel, history: DailySeries, terms: Terms) -> RollingForecasts:
    """The challenger's forecasts, its order fitted again."""
    return rolling_forecasts(Procedure(order=challenger.order), challenger, history, terms)


def rolled(values: np.ndarray, trained: int, champion: FittedModel | None = None) -> Comparison:
    history = series(values)
    challenger = fit(AR, history.through(history.first_day + timedelta(days=trained - 1)))
    model = (champion or challenger).model
    return compare(model, along(challenger, history, Terms()), history, Terms())


def test_the_intervals_of_the_true_model_are_calibrated():
    """On a long series of the process that was fitted."""
    measured = rolled(100 + np.random.default_rng(3).normal(0, 5, 900), trained=200)

    assert measured.challenger.coverage_80 == pytest.approx(0.80, abs=0.04)
    assert measured.challenger.coverage_95 == pytest.approx(0.95, abs=0.02)
    assert measured.seasonal_naive.coverage_80 is None


def test_one_day_ahead_the_test_is_the_paired_t_test():
    """With Harvey, Leybourne & Newbold's correction it equals SciPy's test."""
    from scipy.stats import ttest_rel

    rng = np.random.default_rng(5)
    theirs, ours = rng.gamma(2, 1, 60), rng.gamma(2, 0.9, 60)

    expected = ttest_rel(theirs, ours, alternative="greater")
    found = diebold_mariano(theirs, ours, horizon=1)

    assert found is not None
    assert found.statistic == pytest.approx(expected.statistic)
    assert found.p_value == pytest.approx(expected.pvalue)


def test_the_test_is_one_sided():
    """Swapping the models changes the sign of the statistic, and p to 1 - p."""
    rng = np.random.default_rng(6)
    better, worse = rng.gamma(2, 1, 80), rng.gamma(2, 1.5, 80)

    found, swapped = diebold_mariano(worse, better, 7), diebold_mariano(better, worse, 7)

    assert found is not None
    assert swapped is not None
    assert found.p_value < 0.05
    assert swapped.statistic == pytest.approx(-found.statistic)
    assert swapped.p_value == pytest.approx(1 - found.p_value)


def test_equal_losses_give_a_p_value_of_one_half():
    """There is no evidence for either model."""
    same = np.ones(40)

    assert diebold_mariano(same, same, 7) == DieboldMariano(0.0, 0.5)


@pytest.mark.parametrize(
    ("champion", "challenger"),
    [
        (np.arange(7.0), np.ones(7)),
        (np.full(40, 3.0), np.ones(40)),
        (0.1 + np.linspace(1, 2, 40), np.linspace(1, 2, 40)),
    ],
    ids=["fewer origins than one needs", "a constant", "a constant but for rounding"],
)
def test_a_test_that_is_not_defined_is_none(champion: np.ndarray, challenger: np.ndarray):
    """It decides nothing unless the policy asks for significance; then it does not promote."""
    assert diebold_mariano(champion, challenger, 7) is None


def test_losses_that_are_no_numbers_are_an_error():
    """NaN is not a difference of zero."""
    losses = np.ones(40)
    losses[3] = np.nan

    with pytest.raises(ModelError, match="Diebold-Mariano"):
        diebold_mariano(losses, np.ones(40), 7)


def test_both_models_share_every_origin_of_the_unseen_days():
    """151 unseen days and a horizon of 7 make 145 origins, step one day."""
    measured = rolled(weekly(251), trained=100)

    assert (measured.unseen_days, measured.origins) == (151, 145)


def test_the_same_model_as_champion_and_challenger_has_the_same_scores():
    """If there is no refit."""
    history = series(weekly(140))
    model = fit(AR, history.through(history.first_day + timedelta(days=99)))

    terms = Terms(refit_days=365)
    measured = compare(model.model, along(model, history, terms), history, terms)

    assert measured.champion == measured.challenger


def test_the_seasonal_naive_repeats_the_last_known_week():
    """A series that repeats itself exactly is forecast without error, also beyond one week."""
    week = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0])
    values = np.tile(week, 20)
    values[:50] += np.random.default_rng(0).normal(0, 0.1, 50)
    history = series(values)
    challenger = fit(Order(1, 0, 0, mean=True), history.through(history.first_day + timedelta(days=99)))

    terms = Terms(horizon_days=14)
    measured = compare(None, along(challenger, history, terms), history, terms)

    assert measured.seasonal_naive.rmse == 0
    assert measured.champion is None
    assert measured.test is None


def test_before_the_first_whole_cycle_the_seasonal_naive_repeats_the_day_before():
    """It never takes an amount from the end of the series, which is not known yet."""
    values = weekly(60)
    history = series(values)
    challenger = fit(AR, history.through(FIRST_DAY + timedelta(days=19)))

    terms = Terms(season_days=28, refit_days=100)
    measured = compare(None, along(challenger, history, terms), history, terms)

    made = [day.seasonal_naive for day in measured.days]
    assert made[:8] == values[19:27].tolist()
    assert made[8:] == values[: len(made) - 8].tolist()
    assert measured.challenger.mase is None


@pytest.mark.parametrize("loss", Loss)
def test_a_verdict_by_absolute_errors_rests_on_the_medians_of_logarithms(loss: Loss):
    """For champion and challenger: in the scorecards, the losses of the days, and the test."""
    history = series(np.exp(weekly(120, level=4, noise=0.4)))
    known = history.through(FIRST_DAY + timedelta(days=79))
    challenger = fit(Order(1, 0, 0, mean=True, log=True), known)
    champion = fit(Order(0, 0, 1, mean=True, log=True), known).model

    terms = Terms(refit_days=100, loss=loss)
    measured = compare(champion, along(challenger, history, terms), history, terms)

    unseen, losses = history.after(known.last_day), []
    for model, card in ((champion, measured.champion), (challenger.model, measured.challenger)):
        made = model.rolling(unseen, 7)
        point = made.mean if loss is Loss.RMSE else np.exp(made.center)
        errors = point - np.lib.stride_tricks.sliding_window_view(unseen, 7)
        losses.append(np.mean(errors**2 if loss is Loss.RMSE else np.abs(errors), axis=1))
        assert card is not None
        assert card.mae == pytest.approx(np.mean(np.abs(errors)))
    np.testing.assert_allclose([day.champion_loss for day in measured.days], losses[0])
    np.testing.assert_allclose([day.challenger_loss for day in measured.days], losses[1])
    assert measured.test == diebold_mariano(losses[0], losses[1], 7)


def test_a_statistic_that_is_nan_is_an_error():
    """It is never read as an improvement."""
    with pytest.raises(ModelError, match="Diebold-Mariano"):
        DieboldMariano(float("nan"), 0.01)


def forecasts_of(compare_them: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """What champion, challenger and seasonal naive forecast at the origins that are scored."""
    made: list[np.ndarray] = []
    at_origins = Loss.at_origins

    def spy(self: Loss, actual: np.ndarray, forecast: np.ndarray, history: np.ndarray) -> np.ndarray:
        made.append(forecast)
        return at_origins(self, actual, forecast, history)

    with monkeypatch.context() as spying:
        spying.setattr(Loss, "at_origins", spy)
        compare_them()
    return made


@pytest.mark.parametrize("origin", [0, 13, 14, 20])
def test_no_forecast_depends_on_a_day_after_its_origin(origin: int, monkeypatch: pytest.MonkeyPatch):
    """Other amounts after an origin change no forecast up to that origin, also after refits."""
    values = weekly(140)
    rewritten = values.copy()
    rewritten[100 + origin :] += np.random.default_rng(origin).normal(0, 50, 40 - origin)

    before = forecasts_of(lambda: rolled(values, trained=100), monkeypatch)
    after = forecasts_of(lambda: rolled(rewritten, trained=100), monkeypatch)

    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one[: origin + 1], other[: origin + 1])


def with_a_gap(after: float) -> DailySeries:
    """150 days of which 110 to 119 are missing; `after` is the amount of day 120."""
    days = {FIRST_DAY + timedelta(days=day): amount for day, amount in enumerate(weekly(150).tolist())}
    days[FIRST_DAY + timedelta(days=120)] = after
    return daily_series(
        {day: days[day] for day in days if not 110 <= (day - FIRST_DAY).days < 120}, GapPolicy.INTERPOLATE
    )


def test_interpolated_days_are_not_scored_and_not_used_before_the_gap_ends(monkeypatch: pytest.MonkeyPatch):
    """The amount after a gap changes the interpolation, and no forecast that is made before it."""

    def compared(history: DailySeries) -> Comparison:
        challenger = fit(AR, history.through(FIRST_DAY + timedelta(days=99)))
        terms = Terms(refit_days=3)
        return compare(challenger.model, along(challenger, history, terms), history, terms)

    low, high = with_a_gap(0.0), with_a_gap(1000.0)
    before = forecasts_of(lambda: compared(low), monkeypatch)
    after = forecasts_of(lambda: compared(high), monkeypatch)

    assert (compared(low).unseen_days, compared(low).origins) == (40, 44 - 4)  # four horizons lie inside the gap
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one[: 21 - 4], other[: 21 - 4])
        assert not np.array_equal(one[21 - 4], other[21 - 4])


def test_each_unseen_day_has_its_one_day_ahead_forecasts():
    """A missing day has no amount; a day that begins a horizon of missing days has no line."""
    history, cutoff = with_a_gap(50.0), FIRST_DAY + timedelta(days=99)
    challenger = fit(AR, history.through(cutoff))
    champion = fit(Order(2, 0, 0, mean=True), history.through(cutoff)).model
    terms = Terms(refit_days=1000)
    measured = compare(champion, along(challenger, history, terms), history, terms)

    unseen = history.after(cutoff)
    lines = {(row.day - cutoff).days - 1: row for row in measured.days}
    assert sorted(lines) == [at for at in range(len(unseen) - 6) if not np.isnan(unseen[at : at + 7]).all()]
    observed = np.mean([np.isfinite(unseen[at : at + 7]).sum() for at in lines])
    for at, row in lines.items():
        for model, forecast, loss in (
            (champion, row.champion, row.champion_loss),
            (challenger.model, row.challenger, row.challenger_loss),
        ):
            made = model.observe(unseen[:at]).forecast(7).mean
            assert forecast == pytest.approx(made[0])
            assert loss == pytest.approx(np.nansum((made - unseen[at : at + 7]) ** 2) / observed)
        assert row.amount == pytest.approx(unseen[at], nan_ok=True)
    at = min(lines)
    assert lines[at].seasonal_naive == history.values[history.position(cutoff) - 6]
    assert any(np.isnan(row.amount) for row in measured.days)


def test_too_few_unseen_days_are_refused():
    """They must include a whole horizon."""
    with pytest.raises(SeriesTooShort, match="6 unseen days"):
        rolled(weekly(106), trained=100)


@pytest.mark.parametrize("first_day", [0, 60], ids=["it has seen more", "the days after its origin are missing"])
def test_a_champion_that_cannot_be_brought_to_the_cutoff_is_an_error(first_day: int):
    """Its forecasts would be compared with the amounts of other days, and it would lose."""
    values, start = weekly(160), FIRST_DAY + timedelta(days=first_day)
    history = series(values[first_day:], start)
    challenger = fit(AR, history.through(FIRST_DAY + timedelta(days=98)))
    origin = FIRST_DAY + timedelta(days=99 if not first_day else 49)
    champion = fit(AR, series(values).through(origin)).model

    with pytest.raises(ModelError, match=f"the champion is trained through {origin}"):
        compare(champion, along(challenger, history, Terms()), history, Terms())
