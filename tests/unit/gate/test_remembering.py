"""A memory of fits changes no verdict and saves the fits."""

from __future__ import annotations

import numpy as np

from retrain.arima.ensemble import fit_pinned
from retrain.arima.order import Order
from retrain.data.series import DailySeries
from retrain.gate.assess import DecisionSettings, assess
from retrain.gate.remembering import RememberingSettings
from tests.builders import level_days, series

ARMA = Order(1, 0, 1, mean=True)
OLD = level_days(100, seed=1, level=200)
LOWER = np.concatenate([OLD, level_days(60, seed=2, level=160)])
CHAMPION = fit_pinned(ARMA, series(OLD), 7).model


def test_looks_of_one_champion_give_what_they_give_without_a_memory():
    """Every look asks again for the fits of the one before."""
    remembering = RememberingSettings(order=ARMA)

    for days in (130, 137, 151, 160):
        known: DailySeries = series(LOWER[:days])
        with_memory, without = (
            assess(known, CHAMPION, each) for each in (remembering, DecisionSettings(order=ARMA))
        )
        assert with_memory.decision == without.decision
        assert with_memory.measured is not None
        assert without.measured is not None
        assert with_memory.measured.days == without.measured.days


def test_a_later_look_makes_only_the_fits_that_are_new():
    """A week later, at most one refit is."""
    settings = RememberingSettings(order=ARMA)
    assess(series(LOWER[:145]), CHAMPION, settings)
    before = set(settings.fits)

    assess(series(LOWER[:146]), CHAMPION, settings)

    assert before
    assert set(settings.fits) == before
