"""One frozen group for each concern, and two whole groups that decide."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, asdict, fields
from typing import Any

import pytest
from pydantic import ValidationError

from retrain.arima.order import Order
from retrain.gate.assess import DecisionSettings
from retrain.gate.decide import PromotionPolicy
from retrain.settings import known_settings, names, parse
from retrain.settings.forecasting import ForecastingSettings
from retrain.settings.groups import groups
from retrain.settings.policy import PolicySettings

ANOTHER = {
    "RETRAIN_SEASON_DAYS": "12",
    "RETRAIN_ORDER": "1,0,0",
    "RETRAIN_COUNTRY": "US",
    "RETRAIN_HORIZON_DAYS": "3",
    "RETRAIN_MIN_UNSEEN_DAYS": "35",
    "RETRAIN_REFIT_DAYS": "10",
    "RETRAIN_POLICY": "better",
    "RETRAIN_ALPHA": "0.01",
    "RETRAIN_LOSS": "mae",
    "RETRAIN_MIN_GAIN": "0.02",
}
"""For each setting that decides, a value that is not the default."""


def test_no_setting_is_in_two_groups():
    """Nor has two names."""
    assert len(set(names())) == len(names())


@pytest.mark.parametrize("group", groups())
def test_a_group_is_frozen(group: str):
    """So are the settings as a whole."""
    settings: Any = parse({})
    field = next(known.field for known in known_settings() if known.group == group)

    with pytest.raises(ValidationError):
        setattr(getattr(settings, group), field, None)
    with pytest.raises(FrozenInstanceError):
        setattr(settings, group, None)


def test_every_field_of_the_groups_that_decide_is_a_field_of_the_decision():
    """By the same name, and no other; a new one cannot be forgotten."""
    of_decision = {field.name for field in fields(DecisionSettings)}
    of_policy = {field.name for field in fields(PromotionPolicy)}

    assert set(ForecastingSettings.model_fields) == of_decision - {"policy"}
    assert set(PolicySettings.model_fields) == of_policy


def test_the_example_changes_every_setting_that_decides():
    """Otherwise the next test would leave one out."""
    assert list(ANOTHER) == [known.name for known in known_settings() if known.group in {"forecasting", "policy"}]


@pytest.mark.parametrize("name", ANOTHER)
def test_a_setting_that_decides_changes_the_decision_settings(name: str):
    """And with them the question that a run's verdict answers."""
    changed = parse({name: ANOTHER[name]}).decision

    assert asdict(changed) != asdict(parse({}).decision)


def test_the_defaults_of_the_settings_are_those_of_the_gate():
    """They are written in two places."""
    assert parse({}).decision == DecisionSettings()


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("2,0,2", Order(2, 0, 2, mean=True)),
        ("1,1,1", Order(1, 1, 1)),
        ("1,0,1,0,1,1", Order(1, 0, 1, 0, 1, 1, season_days=7)),
    ],
)
def test_a_pinned_order_has_a_mean_where_nothing_is_differenced(order: str, expected: Order):
    """2,0,2 is the order that the predecessor used."""
    settings = parse({"RETRAIN_ORDER": order})

    assert settings.forecasting.pinned_order == settings.decision.order == expected
