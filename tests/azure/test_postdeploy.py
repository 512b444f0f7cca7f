"""The hook that azd runs after a deployment: what it does when something is not as it should be."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra import postdeploy
from retrain.adapters.azure.function_app import FunctionApp
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


def test_a_quota_that_is_used_up_is_not_waited_for(deployed: Cloud, capsys: pytest.CaptureFixture[str]):
    """Minutes do not mend it: what to do is told at once."""
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
