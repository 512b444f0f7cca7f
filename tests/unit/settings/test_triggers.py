"""The settings that the platform reads by itself: what it would refuse in silence is refused here by name."""

from __future__ import annotations

import pytest

from retrain.errors import ConfigError
from retrain.settings import parse


@pytest.mark.parametrize(
    "schedule",
    [
        "0 0 3 * * *",
        "0 */5 * * * *",
        "30 0,15,30 8-18/2 1-7 Jan,jul MON-FRI",
        "0 0 0 31 december Sunday",
        "59 59 23 31 12 6",
        "5/10 0 0 * * 0",
    ],
)
def test_a_schedule_of_six_fields_is_taken(schedule: str):
    """Names of months and days too."""
    assert parse({"RETRAIN_SCHEDULE": schedule}).triggers.schedule == schedule


@pytest.mark.parametrize(
    ("schedule", "field"),
    [
        ("daily", ""),
        ("0 3 * * *", ""),
        ("60 0 3 * * *", "second is '60'"),
        ("99 99 99 * * *", "second is '99'"),
        ("0 60 3 * * *", "minute is '60'"),
        ("0 0 24 * * *", "hour is '24'"),
        ("0 0 3 0 * *", "day is '0'"),
        ("0 0 3 * 13 *", "month is '13'"),
        ("0 0 3 * * 7", "day of the week is '7'"),
        ("a b c d e f", "second is 'a'"),
        ("0 0 3 * * Mo", "day of the week is 'Mo'"),
        ("0 */0 3 * * *", "minute is '*/0'"),
        ("0 1, 3 * * *", "minute is '1,'"),
        ("0 *-5 3 * * *", "minute is '*-5'"),
        ("0 0 3 ? * *", "day is '?'"),
        ("0 ٣ 3 * * *", "minute is '٣'"),
    ],
)
def test_a_schedule_that_the_host_would_refuse_is_refused_here(schedule: str, field: str):
    """It would have no timer, which every lost event relies on."""
    with pytest.raises(ConfigError) as refused:
        parse({"RETRAIN_SCHEDULE": schedule})

    assert "RETRAIN_SCHEDULE" in str(refused.value)
    assert field in str(refused.value)


@pytest.mark.parametrize(
    "uri",
    [
        "https://acct.blob.core.windows.net",
        "https://acct.z01.blob.storage.azure.net/",
        "https://acct-secondary.blob.core.windows.net",
        "https://localhost:10000/acct",
    ],
)
def test_the_storage_account_is_known_by_every_kind_of_address(uri: str):
    """Events are those of its system topic."""
    assert parse({"TRANSACTIONS_STORAGE__blobServiceUri": uri}).storage.account == "acct"


def test_without_an_address_there_is_no_storage_account():
    """As with a connection string."""
    assert parse({}).storage.account == ""
