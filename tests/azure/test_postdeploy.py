"""The hook that azd runs after a deployment: what it does when something is not as it should be."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra import postdeploy

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
