"""What forecasts: the searched order, its companions, and the median of both."""

from __future__ import annotations

import numpy as np
import pytest

from retrain.arima.ensemble import FIT_DAYS, companions, fit_alone, fit_pinned, fit_with_companions, refit
from retrain.arima.fit import FittedOrder, fit
from retrain.arima.order import Order
from retrain.errors import NotConverged
from scoring.calendar import ordinals
from tests.builders import series, weekly

SEARCHED = Order(2, 1, 1)
SIMPLE = ("(0,1,1)(0,1,1)7", "(1,1,1) with weekdays", "(1,0,1)(1,0,1)7 with mean")


def test_three_simple_orders_accompany_a_searched_one():
    """Of the same season; without one there are two."""
    assert tuple(map(str, companions(SEARCHED, 7, 400))) == SIMPLE
    assert tuple(map(str, companions(SEARCHED, 1, 400))) == ("(0,1,1)", "(1,0,1) with mean")


def test_no_order_accompanies_itself():
    """The median would count it twice."""
    assert Order(0, 1, 1, 0, 1, 1, 7) not in companions(Order(0, 1, 1, 0, 1, 1, 7), 7, 400)
    assert len(companions(Order(0, 1, 1, 0, 1, 1, 7), 7, 400)) == 2


def test_companions_share_logarithms_and_holidays():
    """Only the weekdays stay where they are."""
    order = Order(2, 1, 1, log=True, regressors=("weekdays", "month_end"))

    found = companions(order, 7, 400)

    assert all(each.log for each in found)
    assert [each.regressors for each in found] == [("month_end",), ("weekdays", "month_end"), ("month_end",)]


def test_too_few_days_have_fewer_companions():
    """As many as can be estimated."""
    assert len(companions(SEARCHED, 7, 60)) < 3
    assert companions(SEARCHED, 7, 15) == ()


def test_the_forecast_is_the_median_of_the_members():
    """Day by day."""
    model = fit_with_companions(SEARCHED, series(weekly(200)), 7).model
    days = ordinals(model.forecast(14).days)

    centers = [member.ahead(14).of(member, member.effects(days))[0] for member in model.members]

    assert len(model.members) == 4
    np.testing.assert_allclose(model.forecast(14).mean, np.median(centers, axis=0))


def test_the_name_counts_the_companions():
    """The order comes first."""
    fitted = fit_with_companions(SEARCHED, series(weekly(200)), 7)

    assert fitted.name == "(2,1,1) and 3 others"
    assert fitted.order == SEARCHED
    assert not fitted.is_pinned


def test_a_pinned_order_is_alone():
    """As the person wants it."""
    fitted = fit_pinned(SEARCHED, series(weekly(200)), 7)

    assert [each.order for each in fitted.fits] == [SEARCHED]
    assert fitted.name == "(2,1,1)"
    assert fitted.is_pinned


def test_a_refit_keeps_orders_and_takes_newer_days():
    """All members, pinned or not; the same optimum as a new fit."""
    longer = series(weekly(228))
    before = fit_with_companions(SEARCHED, series(weekly(200)), 7)

    after, new = refit(before, longer), fit_with_companions(SEARCHED, longer, 7)

    assert [each.order for each in after.fits] == [each.order for each in before.fits]
    assert after.model.origin == longer.last_day
    assert after.season_days == 7
    assert not after.is_pinned
    np.testing.assert_allclose(after.model.forecast(14).mean, new.model.forecast(14).mean, rtol=1e-6)


def test_a_companion_without_an_optimum_is_left_out(monkeypatch: pytest.MonkeyPatch):
    """The searched order without one is an error."""

    def failing(order: Order, *rest: object) -> FittedOrder:
        if str(order) == SIMPLE[0]:
            raise NotConverged(f"{order} did not converge")
        return fit(order, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr("retrain.arima.ensemble.fit", failing)

    assert [str(each.order) for each in fit_with_companions(SEARCHED, series(weekly(200)), 7).fits] == [
        str(SEARCHED),
        *SIMPLE[1:],
    ]
    with pytest.raises(NotConverged):
        fit_with_companions(Order(0, 1, 1, 0, 1, 1, 7), series(weekly(200)), 7)


def test_only_the_last_three_years_are_fitted():
    """Older days change nothing."""
    values = weekly(FIT_DAYS + 100)
    older = values.copy()
    older[:100] *= 5

    one, other = (fit_pinned(Order(0, 1, 1), series(each), 7).model.forecast(7).mean for each in (values, older))

    assert one.tolist() == other.tolist()


def test_an_absurd_day_hardly_moves_the_forecasts():
    """A typing error of a thousand times the amount, a month ago."""
    values = weekly(200, noise=10)
    wild = values.copy()
    wild[-30] *= 1000

    usual, after = (
        fit_with_companions(SEARCHED, series(each), 7).model.forecast(14).mean for each in (values, wild)
    )

    np.testing.assert_allclose(after, usual, rtol=0.15)


def test_forecasts_that_grow_without_bound_are_an_error():
    """Logarithms twice differenced: their exponential is beyond every number."""
    values = np.exp(np.linspace(0, 2, 120) ** 4 / 2)

    with pytest.raises(NotConverged, match=r"the forecasts of \(0,2,0\) of logarithms grow without bound"):
        fit_pinned(Order(0, 2, 0, log=True), series(values), 7)


def test_a_pinned_order_without_an_optimum_is_an_error_with_advice(monkeypatch: pytest.MonkeyPatch):
    """The person who pinned the order can pin a simpler one."""
    monkeypatch.setattr("retrain.arima.likelihood.MAX_ITERATIONS", 0)

    with pytest.raises(NotConverged, match=r"did not converge in 0 iterations; pin a simpler RETRAIN_ORDER$"):
        fit_pinned(Order(2, 0, 2), series(weekly(60)), 7)


@pytest.mark.parametrize("is_pinned", [True, False])
def test_a_refit_without_an_optimum_advises_only_who_pinned_the_order(
    is_pinned: bool, monkeypatch: pytest.MonkeyPatch
):
    """What a search chose, nobody can pin otherwise."""
    known = series(weekly(60))
    fitted = fit_pinned(Order(2, 0, 2), known, 7) if is_pinned else fit_alone(Order(2, 0, 2), known, 7)
    monkeypatch.setattr("retrain.arima.likelihood.MAX_ITERATIONS", 0)

    with pytest.raises(NotConverged) as error:
        refit(fitted, series(weekly(70)))

    assert ("pin a simpler RETRAIN_ORDER" in str(error.value)) == is_pinned


def test_the_artifact_says_its_orders():
    """With their parameters, by name."""
    facts = fit_with_companions(SEARCHED, series(weekly(200)), 7).model.facts

    assert [each["order"] for each in facts["orders"]] == ["(2,1,1)", *SIMPLE]
    assert facts["orders"][0]["parameters"].keys() == {"ar.L1", "ar.L2", "ma.L1", "sigma2"}
