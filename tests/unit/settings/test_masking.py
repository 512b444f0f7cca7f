"""No secret is shown, wherever it was pasted."""

from __future__ import annotations

import pytest

from retrain.errors import ConfigError
from retrain.settings import parse
from retrain.settings.masking import masked

SECRET = "TOPSECRET"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"https://host/path?sv=1&sig={SECRET}", "https://host/path?***"),
        (f"https://host/path#{SECRET}", "https://host/path#***"),
        (f"https://user:{SECRET}@host/path", "https://***@host/path"),
        (f"https://user:a@{SECRET}@host/path", "https://***@host/path"),
        (f"https://user:a/{SECRET}@host/path", "https://***@host/path"),
        (f"https://user:a?{SECRET}@host/path", "https://***"),
        (f"https://host/path?sig=a@{SECRET}", "https://***"),
        (f"AccountName=a;AccountKey={SECRET}==;EndpointSuffix=b", "AccountName=a;AccountKey=***;EndpointSuffix=b"),
        (f"BlobEndpoint=http://host/a;AccountKey={SECRET}", "BlobEndpoint=http://host/a;AccountKey=***"),
        (f"sv=1&sig={SECRET}&se=2", "sv=1&sig=***&se=2"),
        (f"AccountKey = {SECRET}; EndpointSuffix=b", "AccountKey=***; EndpointSuffix=b"),
    ],
)
def test_the_part_that_may_be_a_secret_is_masked(text: str, shown: str):
    """The rest stays readable."""
    assert masked(text) == shown
    assert SECRET not in masked(text)


PASTED = "dGhpc2lzYXNlY3JldGtleW9mMzhjaGFyYWN0ZXJz"


@pytest.mark.parametrize(
    "given",
    [
        {"RETRAIN_SCHEDULE": f"0 0 3 * * AccountKey={PASTED}"},
        {"RETRAIN_DATE_COLUMN": PASTED, "RETRAIN_AMOUNT_COLUMN": PASTED},
        {PASTED: "="},
    ],
    ids=["part of a schedule", "two columns", "a name"],
)
def test_a_refusal_repeats_nothing_that_may_be_a_secret(given: dict[str, str]):
    """Also where a part of a value is named, or what it must not be."""
    with pytest.raises(ConfigError) as told:
        parse({}, given)

    assert PASTED not in str(told.value)


@pytest.mark.parametrize("text", ["", "0 0 3 ? * *", "https://host/path", "/subscriptions/s/subnets/n", "2,0,2"])
def test_a_value_without_a_secret_is_shown_unchanged(text: str):
    """For most settings."""
    assert masked(text) == text


def test_the_settings_in_force_show_no_secret():
    """Neither those that are one nor those that have one in an address."""
    settings = parse(
        {
            "TRANSACTIONS_STORAGE": f"AccountKey={SECRET}",
            "RETRAIN_ACQUIRE_URL": f"https://me:{SECRET}@host/history.csv?sig={SECRET}",
            "RETRAIN_DATE_COLUMN": f"AccountKey={SECRET}",
        }
    )
    shown = {each.setting.name: each.value for each in settings.in_force()}

    assert shown["TRANSACTIONS_STORAGE"] == "***"
    assert shown["RETRAIN_ACQUIRE_URL"] == "https://***@host/history.csv?***"
    assert SECRET not in str(shown)


def test_settings_that_are_printed_show_no_secret():
    """Not even with `repr`, which a log of arguments uses."""
    settings = parse({"RETRAIN_STORE": "blob", "TRANSACTIONS_STORAGE": f"AccountKey={SECRET}"})

    assert SECRET not in repr(settings)


@pytest.mark.parametrize("name", ["TRANSACTIONS_STORAGE__blobServiceUri", "RETRAIN_ACQUIRE_URL"])
@pytest.mark.parametrize("value", [f"AccountKey={SECRET};sig={SECRET}", SECRET])
def test_a_refused_value_of_a_setting_for_addresses_is_not_shown(name: str, value: str):
    """Somebody pastes a connection string or a signed address into the wrong place."""
    with pytest.raises(ConfigError, match=name) as refused:
        parse({name: value})

    assert SECRET not in str(refused.value)
