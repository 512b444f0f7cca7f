"""What azd runs after each deployment of the code: subscribe to events, release, look at everything, ask the app.

It changes nothing that is there already, so `azd hooks run postdeploy` may be run at any time. azd tells it the
settings: they are outputs of the template. Whoever deploys signs in by `az` or `azd`.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

if sys.version_info[:2] != (3, 13):
    sys.exit(
        f"infra/postdeploy.py: this is Python {sys.version.split()[0]}; put Python 3.13 first on the PATH as "
        "python3, remove the folder infra/infra_env, which azd keeps, and run `azd hooks run postdeploy`"
    )
sys.path.insert(0, str(Path(__file__).parents[1]))

import requests

from infra.providers import register
from infra.settings import take_over
from retrain.adapters.azure.function_app import FunctionApp
from retrain.adapters.azure.rest import arm
from retrain.doors.cli import execute
from retrain.doors.output import complain, exit_code, refuse
from retrain.errors import AccessDenied, NotFound, RetrainError, ServiceUnavailable
from retrain.poll import poll
from retrain.settings import parse

if TYPE_CHECKING:
    from collections.abc import Sequence

STEPS = ("subscribe", "release", "doctor")
ATTEMPTS, PAUSE_SECONDS = 6, 60.0
PASSES = {
    AccessDenied: "a new role is not in force at once",
    ServiceUnavailable: "Azure or the app does not answer yet",
    NotFound: "what was just made is not seen at once",
}
"""Failures that end by themselves after some minutes, with the reason to wait."""
ANSWER_SECONDS, START_SECONDS = 60, 300
REFUSED = "401 "  # by a host that has another key by now
QUESTION = "/api/runs?newest=1"


def main(steps: Sequence[str] = STEPS) -> int:
    """Every step in its order, then a question to the app; the exit code of the first that fails."""
    try:
        take_over(os.environ)
        _prepare()
    except RetrainError as error:
        complain(f"{error}; mend that, then run `azd up`")
        return exit_code(error.kind)
    for step in steps:
        _tell(f"retrain {step}")
        code = _repeated(step)
        if code != 0:
            complain(f"`retrain {step}` failed; mend what it names, then run `azd hooks run postdeploy`")
            return code
    try:
        _tell(_asked())
    except RetrainError as error:
        complain(f"{error}; mend that, then run `azd hooks run postdeploy`")
        return exit_code(error.kind)
    return 0


def _prepare() -> None:
    """Services on container groups need their resource provider. Raises: RetrainError."""
    settings = parse(os.environ)
    if settings.platform.name == "azure" and settings.azure.target == "aci":
        _tell(register(settings))


def _tell(line: str) -> None:
    sys.stdout.write(f"\n{line}\n")
    sys.stdout.flush()


def _repeated(step: str) -> int:
    """The exit code of a command, which is tried again while it fails for a reason that may pass.

    Minutes mend neither a quota that is used up, nor a wrong setting, nor a webhook that refuses.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return execute([step])
        except RetrainError as error:
            code = refuse(error.as_json(), as_json=False)
            why = next((reason for kind, reason in PASSES.items() if isinstance(error, kind)), None)
        if why is None or attempt == ATTEMPTS:
            break
        complain(f"{why}; trying again in {PAUSE_SECONDS:g} s")
        time.sleep(PAUSE_SECONDS)
    return code


def _asked() -> str:
    """Ask the deployed app for its newest run. Raises: ServiceUnavailable if it does not answer as it should.

    The app may have slept since the last step: then its host starts anew, and knows no key for a while.
    """
    settings = parse(os.environ)
    key, told = "", "it has no key for its functions"
    with closing(arm(settings)) as azure:
        app = FunctionApp(azure, settings)
        address = app.address()
        app.wake()
        for _ in poll(START_SECONDS):
            key = key or app.key()
            if not key:
                continue
            runs, told = _answer(f"{address}{QUESTION}", key)
            if runs is not None:
                return f"{address} answers: {runs} run(s) so far"
            key = "" if told.startswith(REFUSED) else key
    raise ServiceUnavailable(f"GET {address}{QUESTION}: {told} for {START_SECONDS} s; see the log of {app.where}")


def _answer(question: str, key: str) -> tuple[int | None, str]:
    """How many runs the app tells of; None, and what it answers instead."""
    try:
        answer = requests.get(question, headers={"x-functions-key": key}, timeout=ANSWER_SECONDS)
    except requests.RequestException as error:
        return None, type(error).__name__
    if not answer.ok:
        return None, f"{answer.status_code} {answer.reason}"
    try:
        return len(answer.json()["runs"]), ""
    except (ValueError, TypeError, KeyError):
        return None, "an answer that is no list of runs"


if __name__ == "__main__":
    sys.exit(main())
