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
from retrain.doors.cli import main as retrain
from retrain.doors.output import EXIT_CODES, complain
from retrain.errors import RetrainError, ServiceUnavailable
from retrain.poll import poll
from retrain.settings import parse

if TYPE_CHECKING:
    from collections.abc import Sequence

STEPS = ("subscribe", "release", "doctor")
SERVICE = EXIT_CODES["service"]
ATTEMPTS, PAUSE_SECONDS = 6, 60.0  # a role that was just given is in force after some minutes
ANSWER_SECONDS, START_SECONDS = 60, 300
QUESTION = "/api/runs?newest=1"


def main(steps: Sequence[str] = STEPS) -> int:
    """Every step in its order, then a question to the app; the exit code of the first that fails."""
    try:
        take_over(os.environ)
        _prepare()
    except RetrainError as error:
        complain(f"{error}; mend that, then run `azd up`")
        return EXIT_CODES.get(error.kind, 1)
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
        return EXIT_CODES.get(error.kind, 1)
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
    """The exit code of a command, which is tried again while Azure refuses or does not answer.

    A quota that is used up, or a setting that is wrong, has another code: minutes do not mend it.
    """
    for attempt in range(1, ATTEMPTS + 1):
        code = retrain([step])
        if code != SERVICE or attempt == ATTEMPTS:
            break
        complain(f"a new role is not in force at once; trying again in {PAUSE_SECONDS:g} s")
        time.sleep(PAUSE_SECONDS)
    return code


def _asked() -> str:
    """Ask the deployed app for its newest run. Raises: ServiceUnavailable if it does not answer as it should."""
    settings = parse(os.environ)
    with closing(arm(settings)) as azure:
        app = FunctionApp(azure, settings)
        address, key = app.address(), app.key()
    told = "it has no key for its functions"
    for _ in poll(START_SECONDS):
        try:
            answer = requests.get(f"{address}{QUESTION}", headers={"x-functions-key": key}, timeout=ANSWER_SECONDS)
        except requests.RequestException as error:
            told = type(error).__name__
            continue
        if answer.ok:
            return f"{address} answers: {len(answer.json()['runs'])} run(s) so far"
        told = f"{answer.status_code} {answer.reason}"
    raise ServiceUnavailable(f"GET {address}{QUESTION}: {told} for {START_SECONDS} s; see the log of {app.where}")


if __name__ == "__main__":
    sys.exit(main())
