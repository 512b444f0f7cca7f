"""Every setting is known, documented and checked."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from retrain.arima.order import Order
from retrain.errors import ConfigError
from retrain.settings import Settings, names, parse

ROOT = Path(__file__).parents[3]


def test_nothing_set_is_a_working_configuration():
    """A folder, a week, a fair gate."""
    settings = parse({"PATH": "/bin"})

    assert (settings.store, settings.season_days, settings.policy.min_gain) == ("folder", 7, 0.0)
    assert settings.pinned_order is None


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("RETRAIN_HORIZON_DAYS", "week", "RETRAIN_HORIZON_DAYS is 'week'"),
        ("RETRAIN_HORIZON_DAYS", "0", "greater than or equal to 1"),
        ("RETRAIN_MIN_UNSEEN_DAYS", "13", "must be at least twice RETRAIN_HORIZON_DAYS, which is 7"),
        ("RETRAIN_AGGREGATE", "median", "'mean', 'sum' or 'count'"),
        ("RETRAIN_ORDER", "2-0-2", "write p,d,q or p,d,q,P,D,Q"),
        ("RETRAIN_ORDER", "50,0,2", "at most 9,2,9,4,1,4"),
        ("RETRAIN_SIGNIFICANCE", "5", "less than 1"),
        ("RETRAIN_SCHEDULE", "daily", "RETRAIN_SCHEDULE is 'daily'"),
        ("TRANSACTIONS_CONTAINER", "Not A Container", "TRANSACTIONS_CONTAINER"),
        ("RETRAIN_ACQUIRE_URL", "file:///etc/passwd", "RETRAIN_ACQUIRE_URL"),
        ("RETRAIN_HORIZONT_DAYS", "7", "is no setting; did you mean RETRAIN_HORIZON_DAYS?"),
        ("RETRAIN_STORE", "blob", "TRANSACTIONS_STORAGE is not set. Add it to Values in local.settings.json"),
    ],
)
def test_a_wrong_value_names_the_setting_and_what_it_may_be(name: str, value: str, message: str):
    """One sentence that the operator can act on."""
    with pytest.raises(ConfigError, match=re.escape(message)):
        parse({name: value})


def test_a_secret_is_in_no_message():
    """Not even when it is what is wrong."""
    settings = parse({"RETRAIN_STORE": "blob", "TRANSACTIONS_STORAGE": "AccountKey=hunter2"})

    assert "hunter2" not in repr(settings)


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
    assert parse({"RETRAIN_ORDER": order}).pinned_order == expected


def test_the_sample_holds_every_setting_and_parses():
    """So that nobody has to look for one."""
    values = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]

    assert set(names()) == values.keys() - {"FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsStorage"}
    assert parse(values).store == "blob"


def test_the_sample_shows_the_defaults():
    """Apart from what makes it run under `func start` with Azurite."""
    values = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]
    local = {"RETRAIN_STORE", "RETRAIN_BLOB_SOURCE", "TRANSACTIONS_STORAGE"}

    shown, default = parse(values), parse({})

    for name, field in Settings.model_fields.items():
        if field.alias not in local:
            assert getattr(shown, name) == getattr(default, name)


def test_the_documentation_lists_every_setting_with_its_default():
    """The table is checked, not trusted."""
    table = (ROOT / "docs" / "settings.md").read_text()

    for field in Settings.model_fields.values():
        row = next((line for line in table.splitlines() if line.startswith(f"| `{field.alias}`")), "")
        assert str(field.description) in row, f"docs/settings.md lacks {field.alias}"


def test_a_country_without_known_holidays_is_refused():
    """At the start, not in the first search."""
    with pytest.raises(ConfigError, match="RETRAIN_COUNTRY is 'XX'"):
        parse({"RETRAIN_COUNTRY": "XX"})
    assert parse({"RETRAIN_COUNTRY": "US-CA"}).country == "US-CA"


@pytest.mark.parametrize(("order", "season"), [("1,0,0,1,0,0", "1"), ("2,0,0,1,0,0", "2"), ("0,1,3,0,1,1", "3")])
def test_an_order_that_nothing_can_fit_is_refused(order: str, season: str):
    """A season of one day, or one whose lags are plain lags already."""
    with pytest.raises(ConfigError, match=r"RETRAIN_ORDER is .* RETRAIN_SEASON_DAYS"):
        parse({"RETRAIN_ORDER": order, "RETRAIN_SEASON_DAYS": season})


def azure(**changed: str) -> dict[str, str]:
    """Settings that are complete for Azure, but for what is changed."""
    whole = {
        "RETRAIN_PLATFORM": "azure",
        "RETRAIN_STORE": "blob",
        "RETRAIN_SUBSCRIPTION": "s",
        "RETRAIN_RESOURCE_GROUP": "g",
        "RETRAIN_WORKSPACE": "w",
        "RETRAIN_REGISTRY": "forecastsacr",
        "RETRAIN_LOCATION": "westeurope",
        "RETRAIN_IDENTITY": "/subscriptions/s/providers/userAssignedIdentities/i",
        "TRANSACTIONS_STORAGE__blobServiceUri": "https://account.blob.core.windows.net",
        "TRANSACTIONS_STORAGE__clientId": "c",
    }
    return {**whole, **changed}


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"RETRAIN_WORKSPACE": ""}, "RETRAIN_WORKSPACE is not set"),
        ({"RETRAIN_LOCATION": ""}, "RETRAIN_LOCATION is not set"),
        ({"RETRAIN_TARGET": "kubernetes"}, "RETRAIN_KUBERNETES_COMPUTE is not set"),
        ({"RETRAIN_MODEL_NAME": "Daily_Transactions"}, "lower-case letters"),
        ({"RETRAIN_MODEL_NAME": "d" * 41}, "at most 40"),
        ({"RETRAIN_REGISTRY": "forecasts.azurecr.io"}, "RETRAIN_REGISTRY is 'forecasts.azurecr.io'"),
        ({"RETRAIN_STORE": "folder"}, "needs RETRAIN_STORE=blob"),
        ({"TRANSACTIONS_STORAGE__clientId": ""}, "TRANSACTIONS_STORAGE__clientId"),
        ({"TRANSACTIONS_STORAGE": "UseDevelopmentStorage=true"}, "RETRAIN_JOBS=inline"),
        ({"RETRAIN_TARGET": "managed-online", "RETRAIN_TLS": "tls"}, "for container groups"),
        ({"RETRAIN_TLS": "requests"}, "RETRAIN_TLS is 'requests'"),
        ({"RETRAIN_STATE_CONTAINER": "transactions"}, "every record would be taken for a landed file"),
    ],
)
def test_what_azure_needs_is_asked_for_by_name(changed: dict[str, str], says: str):
    """At the start, not in the middle of a promotion."""
    parse(azure())

    with pytest.raises(ConfigError, match=re.escape(says)):
        parse(azure(**changed))


@pytest.mark.parametrize("name", ["TRANSACTIONS_STORAGE__blobServiceUri", "RETRAIN_ACQUIRE_URL"])
def test_what_may_hold_a_secret_is_never_shown(name: str):
    """Somebody pastes a connection string or a signed address into the wrong place."""
    with pytest.raises(ConfigError, match=name) as refused:
        parse(azure(**{name: "AccountKey=TOPSECRET;sig=TOPSECRET"}))

    assert "TOPSECRET" not in str(refused.value)


def test_a_job_is_told_every_choice_and_no_secret():
    """What is left at its default needs no telling."""
    told = parse(azure(RETRAIN_MIN_GAIN="0.02", RETRAIN_ACQUIRE_URL="https://x/y?sig=TOPSECRET")).as_environment

    assert parse(told) == parse(azure(RETRAIN_MIN_GAIN="0.02"))
    assert "TOPSECRET" not in str(told)
