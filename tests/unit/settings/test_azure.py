"""What `RETRAIN_PLATFORM=azure` needs, and what jobs are told."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from retrain.errors import ConfigError
from retrain.settings import parse
from retrain.settings.azure import DECIDING_SECONDS


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
        "RETRAIN_PULL_IDENTITY": "/subscriptions/s/providers/userAssignedIdentities/i",
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
        ({"RETRAIN_TLS": ""}, "`off` is plain HTTP"),
        ({"RETRAIN_JOBS": "inline", "RETRAIN_READY_SECONDS": "600"}, "a Function is ended after 1800 s"),
        ({"RETRAIN_IDENTITY": "i"}, "write RETRAIN_PULL_IDENTITY"),
        ({"RETRAIN_STATE_CONTAINER": "transactions"}, "use two containers"),
    ],
)
def test_what_azure_needs_is_asked_for_by_name(changed: dict[str, str], says: str):
    """At the start, not in the middle of a promotion."""
    parse(azure())

    with pytest.raises(ConfigError, match=re.escape(says)):
        parse(azure(**changed))


def test_an_inline_promotion_ends_before_the_function_does():
    """Every limit together, with time to decide before; a job has longer ones."""
    inline, jobs = parse(azure(RETRAIN_JOBS="inline")), parse(azure())
    host = json.loads((Path(__file__).parents[3] / "host.json").read_text())
    hours, minutes, seconds = map(int, host["functionTimeout"].split(":"))

    assert inline.azure.inline_seconds(inline.platform) <= hours * 3600 + minutes * 60 + seconds - DECIDING_SECONDS
    assert jobs.azure.build_seconds > inline.azure.build_seconds
    assert jobs.azure.operation_seconds > inline.azure.operation_seconds


def test_a_job_is_told_every_choice_and_no_secret():
    """What is left at its default needs no telling."""
    told = parse(azure(RETRAIN_MIN_GAIN="0.02", RETRAIN_ACQUIRE_URL="https://x/y?sig=TOPSECRET")).as_environment

    assert parse(told) == parse(azure(RETRAIN_MIN_GAIN="0.02"))
    assert "TOPSECRET" not in str(told)


def test_a_job_is_told_what_a_flag_has_changed():
    """A flag does what the variable does."""
    by_flag = parse(azure(), {"RETRAIN_HORIZON_DAYS": "3"})
    by_variable = parse(azure(RETRAIN_HORIZON_DAYS="3"))

    assert by_flag.as_environment == by_variable.as_environment
    assert by_flag.as_environment["RETRAIN_HORIZON_DAYS"] == "3"


def test_a_connection_string_is_not_told_to_a_job():
    """It is a secret."""
    told = parse(azure(RETRAIN_JOBS="inline", TRANSACTIONS_STORAGE="AccountKey=hunter2")).as_environment

    assert "TRANSACTIONS_STORAGE" not in told
    assert "hunter2" not in str(told)
