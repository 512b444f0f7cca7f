"""What follows from the settings of a decision."""

from __future__ import annotations

import pytest

from retrain.gate.assess import DecisionSettings


@pytest.mark.parametrize(("season_days", "days"), [(1, 21), (7, 21), (8, 24), (31, 93)])
def test_a_first_model_needs_three_weeks_and_three_seasons(season_days: int, days: int):
    """Whichever is longer."""
    assert DecisionSettings(season_days=season_days).min_training_days == days
