"""Every value is checked, and it is known where it came from."""

from __future__ import annotations

import re

import pytest

from retrain.errors import ConfigError
from retrain.settings import names, parse


def test_nothing_set_is_a_working_configuration():
    """A folder, a week, a fair gate."""
    settings = parse({"PATH": "/bin"})

    assert (settings.storage.store, settings.forecasting.season_days) == ("folder", 7)
    assert settings.policy.min_gain == 0.0
    assert settings.forecasting.pinned_order is None


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("RETRAIN_HORIZON_DAYS", "week", "RETRAIN_HORIZON_DAYS is 'week'"),
        ("RETRAIN_HORIZON_DAYS", "0", "greater than or equal to 1"),
        ("RETRAIN_MIN_UNSEEN_DAYS", "13", "must be at least twice RETRAIN_HORIZON_DAYS, which is 7"),
        ("RETRAIN_AGGREGATE", "median", "'mean', 'sum' or 'count'"),
        ("RETRAIN_ORDER", "2-0-2", "write p,d,q or p,d,q,P,D,Q"),
        ("RETRAIN_ORDER", "50,0,2", "at most 9,2,9,4,1,4"),
        ("RETRAIN_ORDER", "\u0661,0,\u0661", "write p,d,q or p,d,q,P,D,Q"),
        ("RETRAIN_ROOT", "", "name a folder; write . for the current one"),
        ("RETRAIN_ROOT", "  ", "name a folder; write . for the current one"),
        ("RETRAIN_ALPHA", "5", "less than 1"),
        ("RETRAIN_SCHEDULE", "daily", "RETRAIN_SCHEDULE is 'daily'"),
        ("RETRAIN_ID_COLUMN", "paidamount", "they must differ"),
        ("TRANSACTIONS_CONTAINER", "Not A Container", "TRANSACTIONS_CONTAINER"),
        ("RETRAIN_ACQUIRE_URL", "file:///etc/passwd", "RETRAIN_ACQUIRE_URL"),
        ("RETRAIN_STORE", "blob", "TRANSACTIONS_STORAGE is not set. Add it to Values in local.settings.json"),
    ],
)
@pytest.mark.parametrize("source", ["environment", "flag"])
def test_a_wrong_value_names_the_setting_and_what_it_may_be(source: str, name: str, value: str, message: str):
    """One sentence that the operator can act on, wherever the value came from."""
    given = {name: value}

    with pytest.raises(ConfigError, match=re.escape(message)):
        parse(given) if source == "environment" else parse({}, given)


def test_all_that_is_wrong_is_told_at_once():
    """Names, values of several groups, and what does not fit together; nobody has to try again for each."""
    with pytest.raises(ConfigError) as told:
        parse(
            {"RETRAIN_STOER": "blob", "RETRAIN_ALPHA": "5", "RETRAIN_PORT": "1"}, {"RETRAIN_HORIZON_DAYS": "week"}
        )
    with pytest.raises(ConfigError) as together:
        parse({"RETRAIN_STORE": "blob", "RETRAIN_ID_COLUMN": "PaidAmount"})

    faults, unfit = (str(each.value).split(" Also: ") for each in (told, together))
    assert [fault.split()[0] for fault in faults] == [
        "RETRAIN_STOER", "RETRAIN_PORT", "RETRAIN_HORIZON_DAYS", "RETRAIN_ALPHA",
    ]  # fmt: skip
    assert len(unfit) == 2


def test_everything_that_azure_needs_is_named_at_once():
    """Whoever begins with RETRAIN_PLATFORM=azure sets all of it in one go."""
    with pytest.raises(ConfigError) as told:
        parse({"RETRAIN_PLATFORM": "azure", "RETRAIN_WORKSPACE": "w"})

    missing = str(told.value).partition(" are not set")[0].split(", ")
    assert missing == [
        f"RETRAIN_{name}" for name in ("SUBSCRIPTION", "RESOURCE_GROUP", "REGISTRY", "LOCATION", "PULL_IDENTITY")
    ]


def test_of_very_many_faults_the_first_are_told():
    """An environment of another program does not fill the log."""
    with pytest.raises(ConfigError) as told:
        parse({f"RETRAIN_{'X' * 100}_{number}": "" for number in range(1000)})

    assert str(told.value).endswith("Also: 995 more settings are wrong")
    assert len(str(told.value)) < 1000


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("RETRAIN_HORIZONT_DAYS", "RETRAIN_HORIZONT_DAYS is not a setting; did you mean RETRAIN_HORIZON_DAYS?"),
        ("RETRAIN_STOER", "RETRAIN_STOER is not a setting; did you mean RETRAIN_STORE?"),
        ("RETRAIN_XQZJ", "RETRAIN_XQZJ is not a setting; "),
    ],
)
def test_an_unknown_name_in_the_environment_is_refused(name: str, hint: str):
    """A misspelt setting would be ignored otherwise."""
    with pytest.raises(ConfigError, match=re.escape(hint)):
        parse({name: "7"})


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("horizon_days", "RETRAIN_HORIZON_DAYS"),
        ("RETRAIN_HORIZON", "RETRAIN_HORIZON_DAYS"),
        ("TRANSACTION_STORAGE", "TRANSACTIONS_STORAGE"),
    ],
)
def test_an_unknown_flag_is_refused_and_the_nearest_name_is_told(name: str, meant: str):
    """Even without the prefix, which other programs' variables in the environment do not have."""
    parse({name: "7"} if not name.startswith("RETRAIN_") else {})

    with pytest.raises(ConfigError, match=re.escape(f"{name} is not a setting; did you mean {meant}?")):
        parse({}, {name: "7"})


def test_a_flag_wins_over_the_environment_and_that_over_the_default():
    """And the source of each value is remembered."""
    settings = parse({"RETRAIN_HORIZON_DAYS": "5", "RETRAIN_REFIT_DAYS": "10"}, {"RETRAIN_HORIZON_DAYS": "3"})

    assert (settings.forecasting.horizon_days, settings.forecasting.refit_days) == (3, 10)
    assert settings.sources["RETRAIN_HORIZON_DAYS"] == "flag"
    assert settings.sources["RETRAIN_REFIT_DAYS"] == "environment"
    assert settings.sources["RETRAIN_SEASON_DAYS"] == "default"
    assert list(settings.sources) == names()


@pytest.mark.parametrize(
    ("name", "instead"),
    [("RETRAIN_SIGNIFICANCE", "set RETRAIN_POLICY=evidence and RETRAIN_ALPHA"), ("RETRAIN_FLOOR", "remove it")],
)
def test_a_setting_of_an_earlier_version_tells_what_to_do_instead(name: str, instead: str):
    """It is refused, so that nobody believes that it still decides."""
    with pytest.raises(ConfigError, match=f"{name} is not a setting any more: .*{instead}"):
        parse({name: "0.05"})


@pytest.mark.parametrize("name", ["RETRAIN_ORDER", "RETRAIN_COMMIT"])
def test_an_empty_optional_setting_has_its_default(name: str):
    """As in the sample, where each of them is empty."""
    settings = parse({name: ""})

    assert settings == parse({})
    assert settings.sources[name] == "default"


def test_an_empty_flag_takes_back_what_the_environment_says():
    """To search for the order once, for example."""
    assert parse({"RETRAIN_ORDER": "1,0,0"}, {"RETRAIN_ORDER": ""}) == parse({})


def test_a_country_without_known_holidays_is_refused():
    """At the start, not in the first search."""
    with pytest.raises(ConfigError, match="RETRAIN_COUNTRY is 'XX'"):
        parse({"RETRAIN_COUNTRY": "XX"})
    assert parse({"RETRAIN_COUNTRY": "US-CA"}).forecasting.country == "US-CA"


@pytest.mark.parametrize(("order", "season"), [("1,0,0,1,0,0", "1"), ("2,0,0,1,0,0", "2"), ("0,1,3,0,1,1", "3")])
def test_an_order_that_nothing_can_fit_is_refused(order: str, season: str):
    """A season of one day, or one whose lags are plain lags already."""
    with pytest.raises(ConfigError, match=r"RETRAIN_ORDER is .* RETRAIN_SEASON_DAYS"):
        parse({"RETRAIN_ORDER": order, "RETRAIN_SEASON_DAYS": season})


def test_too_short_a_probation_is_refused():
    """It could find nothing, and would look as if all were well."""
    with pytest.raises(ConfigError, match=r"RETRAIN_PROBATION_DAYS.*write 56 or more"):
        parse({"RETRAIN_PROBATION_DAYS": "28"})
