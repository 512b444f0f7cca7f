"""Against a real subscription: `pytest -m live`, with the app settings of docs/azure.md in the environment.

It makes what a deployment makes, under a name that nobody else uses, and removes what costs money: the services. It
leaves the images, the registered models and the two containers behind, which cost cents a month.
"""

from __future__ import annotations

import os
import secrets
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from retrain.doors.champion_forecast import champion_forecast as forecast
from retrain.records.ledger import Ledger
from retrain.records.request import Trigger
from retrain.runs.dispatch import work_off
from retrain.settings import Settings, names, parse
from retrain.wiring import connect, releaser
from tests.builders import FIRST_DAY, ONE, TWO, ask, csv_file, level_days

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.live, pytest.mark.timeout(7200)]

JOB_SECONDS = 3600
POLL_SECONDS = 10.0
SAME = csv_file(level_days(160, seed=2, level=160)[100:], FIRST_DAY + timedelta(days=160))


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    """The settings of this shell, under a model name of their own; its services are removed at the end."""
    if not os.environ.get("RETRAIN_SUBSCRIPTION"):
        pytest.skip("RETRAIN_SUBSCRIPTION is not set; docs/azure.md tells what else a live run needs")
    name = f"live-{secrets.token_hex(3)}"
    own = {
        "RETRAIN_PLATFORM": "azure",
        "RETRAIN_STORE": "blob",
        "RETRAIN_MODEL_NAME": name,
        "TRANSACTIONS_CONTAINER": f"{name}-in",
        "RETRAIN_STATE_CONTAINER": f"{name}-state",
        "RETRAIN_FORECASTS_CONTAINER": f"{name}-forecasts",
        "RETRAIN_ORDER": "1,0,1",
        "RETRAIN_POLICY": "better",
        "RETRAIN_MIN_GAIN": "0.05",
    }
    made = {**{key: os.environ[key] for key in names() if key in os.environ}, **own}
    yield made
    platform = connect(parse(made)).platform
    for service in platform.services():
        platform.remove(service.name)


def land(settings: Settings, name: str, data: bytes) -> dict[str, Any]:
    """A file lands, and its run is waited for: made here, or by the process that holds the lock, such as a job."""
    context = connect(settings)
    context.inbox.write(name, data)
    request = ask(Trigger.BLOB, context, file=name)
    deadline = time.monotonic() + JOB_SECONDS
    while time.monotonic() < deadline:
        work_off(settings, context)
        report = Ledger(context.state).run(request.run_id).as_json()
        if report["status"] not in {"queued", "promoting"}:
            return report
        time.sleep(POLL_SECONDS)
    pytest.fail(f"run {request.run_id} has not ended within {JOB_SECONDS} s")


def test_the_first_model_is_promoted_by_the_triggered_process(environment: dict[str, str]):
    """Image, group, proof and pointer, without a job; and the service forecasts."""
    settings = parse({**environment, "RETRAIN_JOBS": "inline"})
    report = land(settings, "one.csv", ONE)

    assert report["status"] == "done", report["reason"]
    assert forecast(3, settings, connect(settings))["version"] == "1"


def test_a_better_model_is_promoted_by_a_job(environment: dict[str, str]):
    """From released components, on the compute of the settings."""
    settings = parse({**environment, "RETRAIN_JOBS": "azureml"})
    releaser(settings).release(lambda _stage, _detail: None)
    report = land(settings, "two.csv", TWO)

    assert report["status"] == "done", report["reason"]
    assert forecast(3, settings, connect(settings))["version"] == "2"


def test_a_model_that_is_not_better_changes_nothing(environment: dict[str, str]):
    """The champion stays, and answers."""
    settings = parse({**environment, "RETRAIN_JOBS": "azureml"})
    report = land(settings, "same.csv", SAME)

    assert report["verdict"] == "keep", report["reason"]
    assert forecast(3, settings, connect(settings))["version"] == "2"
