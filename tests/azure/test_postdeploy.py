"""The hook that azd runs after a deployment: what it does when something is not as it should be."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra import postdeploy, providers
from infra.settings import take_over
from retrain.adapters.azure.function_app import FunctionApp
from retrain.errors import ConfigError
from tests.functions.worker import Worker

if TYPE_CHECKING:
    from tests.azure.cloud import Cloud

ROOT = Path(__file__).parents[2]
SUBSCRIPTIONS = r"/eventSubscriptions/"


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing waits for minutes."""
    monkeypatch.setattr(postdeploy, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(postdeploy, "START_SECONDS", 0)


@pytest.mark.usefixtures("deployed")
def test_it_asks_the_app_and_tells_the_answer(capsys: pytest.CaptureFixture[str]):
    """Over HTTP, with the key of its functions; from the store, as the app's own identity."""
    code = postdeploy.main(["subscribe"])

    assert code == 0
    assert re.search(r"https://localhost:\d+ answers: 0 run\(s\) so far", capsys.readouterr().out)


def test_it_ends_at_the_first_step_that_fails(
    deployed: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """With what is wrong, what to do, and the exit code of the command."""
    monkeypatch.setenv("RETRAIN_FUNCTION_APP", "")
    code = postdeploy.main(["subscribe", "release"])
    told = capsys.readouterr()

    assert code == 4
    assert "RETRAIN_FUNCTION_APP is not set" in told.err
    assert "`retrain subscribe` failed; mend what it names, then run `azd hooks run postdeploy`" in told.err
    assert "retrain release" not in told.out
    assert not [call for call in deployed.azure.calls[deployed.calls_before :] if call.method == "PUT"]


def test_a_role_that_is_not_in_force_yet_is_waited_for(deployed: Cloud, capsys: pytest.CaptureFixture[str]):
    """It takes some minutes after it was given."""
    deployed.azure.fail("PUT", SUBSCRIPTIONS, 403, "AuthorizationFailed", times=2)
    code = postdeploy.main(["subscribe"])

    assert code == 0
    assert capsys.readouterr().err.count("a new role is not in force at once") == 2


@pytest.mark.parametrize(
    ("status", "times", "why"),
    [
        (503, 8, "Azure or the app does not answer yet"),  # an SDK has tried some of them again itself
        (404, 2, "what was just made is not seen at once"),
    ],
)
def test_what_passes_is_waited_for_with_its_own_reason(
    deployed: Cloud, capsys: pytest.CaptureFixture[str], status: int, times: int, why: str
):
    """A resource that was just made is not found everywhere at once."""
    deployed.azure.fail("PUT", SUBSCRIPTIONS, status, "AsTheStatusSays", times=times)

    assert postdeploy.main(["subscribe"]) == 0
    assert f"{why}; trying again" in capsys.readouterr().err


def test_a_refusal_that_no_minute_mends_is_not_waited_for(deployed: Cloud, capsys: pytest.CaptureFixture[str]):
    """No role is promised for it."""
    deployed.azure.fail("PUT", SUBSCRIPTIONS, 400, "InvalidRequest", times=None)

    assert postdeploy.main(["subscribe"]) == 5
    assert "trying again" not in capsys.readouterr().err


def test_a_host_that_starts_while_it_is_asked_is_waited_for(
    deployed: Cloud, worker: Worker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """It slept since the last step: it is called, and makes its key a moment later."""
    monkeypatch.setattr(postdeploy, "START_SECONDS", 30)
    deployed.azure.app.deploy(worker, looks=3)

    assert postdeploy.main([]) == 0
    assert "answers: 0 run(s) so far" in capsys.readouterr().out


@pytest.mark.usefixtures("deployed")
def test_a_key_that_was_renewed_meanwhile_is_read_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """The host answers 401 to the old one."""
    monkeypatch.setattr(postdeploy, "START_SECONDS", 30)
    keys, real = iter(["old"]), FunctionApp.key
    monkeypatch.setattr(FunctionApp, "key", lambda app: next(keys, None) or real(app))

    assert postdeploy.main([]) == 0
    assert "answers: 0 run(s) so far" in capsys.readouterr().out


@pytest.mark.parametrize("body", [b"<html>starting</html>", b"[]", b"{}", b'{"runs": null}'])
def test_an_answer_that_is_no_list_of_runs_is_none(
    deployed: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], body: bytes
):
    """The platform shows a page of its own while an app starts."""
    monkeypatch.setattr(deployed.azure.app, "page", body)

    assert postdeploy.main([]) == 5
    assert "an answer that is no list of runs for 0 s; see the log of" in capsys.readouterr().err


def test_a_quota_that_is_used_up_is_not_waited_for(
    deployed: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Minutes do not mend it: what to do is told at once."""
    monkeypatch.setenv("RETRAIN_JOBS", "azureml")
    deployed.azure.cores_of_jobs = 0
    code = postdeploy.main(["release"])
    told = capsys.readouterr().err

    assert code == 4
    assert told.count("0 of 0 cores left for jobs") == 1
    assert "trying again" not in told


def test_a_role_that_is_missing_is_not_waited_for_without_end(deployed: Cloud, capsys: pytest.CaptureFixture[str]):
    """The last message says which one."""
    deployed.azure.fail("PUT", SUBSCRIPTIONS, 403, "AuthorizationFailed", times=None)
    code = postdeploy.main(["subscribe"])
    told = capsys.readouterr().err

    assert code == 5
    assert told.count("give this identity the role EventGrid Contributor") == postdeploy.ATTEMPTS


def test_an_app_that_does_not_answer_is_named(deployed: Cloud, capsys: pytest.CaptureFixture[str]):
    """With the question, and where to look."""
    app = deployed.azure.app
    app.answers = False
    code = postdeploy.main([])
    told = capsys.readouterr().err

    assert code == 5
    assert re.search(r"GET https://localhost:\d+/api/runs\?newest=1: 503 .* for 0 s; see the log of", told)
    assert app.keys["default"] not in told


def test_what_is_given_to_the_app_is_given_to_the_hook():
    """By the rule of the template; what only the app can read stays out."""
    vault = "RETRAIN_NOTIFY_URL=@Microsoft.KeyVault(SecretUri=https://v/secrets/s)"
    environment = {
        "RETRAIN_JOBS": "azureml",
        "AZURE_RETRAIN_SETTINGS": f"RETRAIN_JOBS=inline; RETRAIN_BASE_IMAGE = a=b;{vault};OTHER=1;",
    }

    take_over(environment)

    del environment["AZURE_RETRAIN_SETTINGS"]
    assert environment == {"RETRAIN_JOBS": "inline", "RETRAIN_BASE_IMAGE": "a=b"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "RETRAIN_NOTIFY_URL=@Microsoft.KeyVault(VaultName=v;SecretName=s)",
            "cut at a semicolon; write .*SecretUri",
        ),
        ("=x", "no NAME=VALUE"),
        ("RETRAIN_NOTIFY_KINDS=promotion;failure", "'failure' is no NAME=VALUE"),
        ("TRANSACTIONS_CONTAINER=sales", "the template decides TRANSACTIONS_CONTAINER"),
    ],
)
def test_what_would_not_be_in_force_as_it_is_written_is_refused(text: str, why: str):
    """The app would have a part of a value, or another one."""
    with pytest.raises(ConfigError, match=why):
        take_over({"AZURE_RETRAIN_SETTINGS": text})


def test_it_ends_at_a_setting_that_is_refused(
    deployed: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Before anything is asked of Azure."""
    monkeypatch.setenv("AZURE_RETRAIN_SETTINGS", "RETRAIN_STORE=folder")
    before = len(deployed.azure.calls)

    assert postdeploy.main(["subscribe"]) == 4
    assert "take it out" in capsys.readouterr().err
    assert len(deployed.azure.calls) == before


def test_without_quota_a_promotion_in_the_process_is_released(
    deployed: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """The message about quota names this way out, so it has to be one."""
    deployed.azure.cores_of_jobs = 0
    monkeypatch.setenv("RETRAIN_JOBS", "azureml")
    monkeypatch.setenv("AZURE_RETRAIN_SETTINGS", "RETRAIN_JOBS=inline")

    assert postdeploy.main(["release"]) == 0
    assert "cores left" not in capsys.readouterr().err


def test_the_provider_of_container_groups_is_registered(deployed: Cloud, capsys: pytest.CaptureFixture[str]):
    """No resource of the template does it, and a first promotion would be refused."""
    deployed.azure.provider = "NotRegistered"

    assert postdeploy.main([]) == 0
    assert "Microsoft.ContainerInstance was registered" in capsys.readouterr().out
    assert deployed.azure.provider == "Registered"


def test_who_may_not_register_it_is_told_what_an_owner_does(deployed: Cloud, capsys: pytest.CaptureFixture[str]):
    """It may be registered; whether it is, `retrain doctor` says."""
    deployed.azure.fail("GET", "providers/Microsoft.ContainerInstance$", 403, "AuthorizationFailed", times=None)

    assert postdeploy.main([]) == 0
    assert "`az provider register --namespace Microsoft.ContainerInstance --wait`" in capsys.readouterr().out


def test_a_registration_that_does_not_end_is_told(
    deployed: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """With the command that waits for it."""
    monkeypatch.setattr(providers, "REGISTER_SECONDS", 0)
    deployed.azure.provider = "Unregistering"
    deployed.azure.fail("POST", "/register$", 409, "MissingSubscriptionRegistration", "namespace 'N'", times=None)

    assert postdeploy.main([]) == 5
    assert "`az provider register --namespace NAME --wait`" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "value"), [("RETRAIN_TARGET", "managed-online"), ("RETRAIN_PLATFORM", "local")])
def test_a_provider_that_nothing_needs_is_left_alone(
    deployed: Cloud, monkeypatch: pytest.MonkeyPatch, name: str, value: str
):
    """Only container groups are made later, by the app."""
    deployed.azure.provider = "NotRegistered"
    monkeypatch.setenv(name, value)

    postdeploy.main(["subscribe"])

    assert deployed.azure.provider == "NotRegistered"
