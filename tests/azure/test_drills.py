"""Drills: whatever Azure does, the old champion answers, the run says why, and the next one succeeds.

Each drill begins with version 1 in production and a year that has not landed yet. What came of them is the table in
docs/azure-drills.md, which `make drills` writes and a test compares.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from retrain.adapters.azure import pipeline
from retrain.doors.champion_forecast import champion_forecast as forecast
from retrain.records.ledger import Ledger
from retrain.records.request import RUN_ID
from retrain.wiring import releaser
from tests.azure.drills import MISHAPS, PASSING, PLACES, STATUSES, Mishap, Place
from tests.azure.drills_page import (
    ANSWER_LOST,
    CANCELLED,
    NEVER_STARTS,
    NODE_LOST,
    NOT_RELEASED,
    STALE,
    mishap_names,
    page,
)
from tests.builders import ONE, TWO

if TYPE_CHECKING:
    from retrain.records.champion import Pointer
    from tests.azure.cloud import Cloud

pytestmark = pytest.mark.long
HOUR_SECONDS = 3600
JOB_SECONDS = 60  # a job that is killed at once takes less than one on an idle machine
TABLE = Path(__file__).parents[2] / "docs" / "azure-drills.md"

refusals: dict[str, dict[int, str]] = defaultdict(dict)
mishaps: dict[str, str] = {}


@pytest.fixture
def serving(cloud: Cloud) -> Cloud:
    """Version 1 answers."""
    assert cloud.land("one.csv", ONE)["model"]["version"] == "1"
    return cloud


def champion(cloud: Cloud) -> str:
    """Who answers at the stable route, by a real forecast."""
    version: str = forecast(1, cloud.settings, cloud.context)["version"]
    return version


def told(cloud: Cloud, reason: str) -> str:
    """A reason without what differs from one drill to the next."""
    reason = RUN_ID.sub("RUN", reason.replace(cloud.name, "MODEL"))
    reason = re.sub(r"\b\d{4}-\d\d-\d\d \d\d:\d\d UTC", "TIME", reason)
    return re.sub(r"resourceGroups/\S+/providers/", "", re.sub(r"/?subscriptions/[0-9-]+/", "", reason))


def see_that_nothing_moved(cloud: Cloud, report: dict[str, Any], step: str, says: str) -> None:
    """The run failed and says why; version 1 answers, and nothing else runs."""
    assert report["status"] == "failed", report["reason"]
    assert report["error"]["step"] == step
    assert re.search(says, report["reason"])
    assert report["reason"].endswith("the champion stays")
    assert champion(cloud) == "1"
    assert cloud.running == ["1"]


def see_that_the_next_run_succeeds(cloud: Cloud) -> None:
    """Once Azure is well again: one version more, one service more."""
    cloud.azure.heal()
    cloud.overrides.pop("RETRAIN_READY_SECONDS", None)
    report = cloud.run()

    assert (report["status"], report["verdict"]) == ("done", "promote"), report["reason"]
    assert champion(cloud) == report["model"]["version"] == "2"
    assert cloud.running == ["1", "2"]


def came_of(cloud: Cloud, mishap: Mishap) -> str:
    """What came of a promotion with a mishap: the reason of its failure, or that it was got over."""
    cloud.overrides |= mishap.overrides
    mishap.happens(cloud.azure)
    report = cloud.land("two.csv", TWO)

    if mishap.says:
        see_that_nothing_moved(cloud, report, mishap.step, mishap.says)
        see_that_the_next_run_succeeds(cloud)
        return told(cloud, report["reason"])
    assert (report["status"], champion(cloud)) == ("done", "2"), report["reason"]
    assert cloud.running == ["1", "2"]
    return "tried again: promoted"


EVERY = [pytest.param(place, status, id=f"{place.call}-{status}") for place in PLACES for status in STATUSES]


@pytest.mark.parametrize(("place", "status"), EVERY)
def test_a_refused_call_keeps_the_champion(serving: Cloud, place: Place, status: int):
    """For as long as it is refused; where nothing depends on the call, the promotion goes on without it."""
    if "RETRAIN_JOBS" in place.overrides:
        by_jobs(serving)
        serving.azure.jobs_start = False
    serving.overrides |= place.overrides
    serving.azure.fail(place.method, place.path, status, STATUSES[status], times=None)
    report = serving.land("two.csv", TWO)
    serving.overrides |= {"RETRAIN_JOBS": "inline"}
    assert was_refused(serving, place, status)

    if not place.step:
        if report["status"] == "promoting":
            serving.run()
            report = serving.ledger.run(report["run_id"]).as_json()
        assert (report["status"], champion(serving)) == ("done", "2"), report["reason"]
        refusals[place.call][status] = "goes on"
        return
    says = {403: "give this identity the role", 429: "busy", 500: "busy", 503: "busy"}.get(status, STATUSES[status])
    see_that_nothing_moved(serving, report, place.step, says)
    see_that_the_next_run_succeeds(serving)
    refusals[place.call][status] = f"fails at {place.step}"


@pytest.mark.parametrize("status", PASSING)
def test_refusals_that_pass_are_tried_again(serving: Cloud, status: int):
    """One at every call of a promotion, each asking to come again in an hour: nobody waits so long, it succeeds."""
    by_jobs(serving)
    serving.azure.jobs_start = False
    for place in PLACES:
        serving.azure.fail(place.method, place.path, status, STATUSES[status], times=1, retry_after=HOUR_SECONDS)
    assert serving.land("two.csv", TWO)["status"] == "promoting"
    serving.overrides |= {"RETRAIN_JOBS": "inline", "RETRAIN_KEEP_SERVICES": "1"}
    serving.run()

    assert [place.call for place in PLACES if not was_refused(serving, place, status)] == []
    assert (champion(serving), serving.running) == ("2", ["2"])


@pytest.mark.parametrize("mishap", MISHAPS, ids=lambda mishap: mishap.what)
def test_a_mishap_keeps_the_champion_or_is_got_over(serving: Cloud, mishap: Mishap):
    """Either way it is said, and nothing is left behind."""
    mishaps[mishap.what] = came_of(serving, mishap)


def test_a_pointer_that_somebody_else_has_moved_is_not_moved_again(serving: Cloud, monkeypatch: pytest.MonkeyPatch):
    """Its ETag is stale: the condition fails, and the new service goes."""
    read = Ledger.pointer

    def stale(ledger: Ledger) -> Pointer:
        pointer = read(ledger)
        store = serving.context.state
        stored = store.read("champion.json")
        assert stored is not None
        store.write("champion.json", stored.data)  # the same words, another state
        return pointer

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "pointer", stale)
        report = serving.land("two.csv", TWO)

    see_that_nothing_moved(serving, report, "switch", "was changed")
    see_that_the_next_run_succeeds(serving)
    mishaps[STALE] = re.sub(r"https\S+/", "", told(serving, report["reason"]))


def was_refused(cloud: Cloud, place: Place, status: int) -> bool:
    """Whether the fault struck: a path that nothing asks for would prove nothing."""
    return any(
        (call.method, call.status, call.note) == (place.method, status, STATUSES[status])
        and re.search(place.path, call.path)
        for call in cloud.azure.calls[cloud.calls_before :]
    )


def by_jobs(cloud: Cloud) -> None:
    """From here on promotions are jobs, whose parts are released."""
    cloud.overrides |= {"RETRAIN_JOBS": "azureml", "RETRAIN_JOB_MINUTES": "30"}
    releaser(cloud.settings).release(lambda _stage, _detail: None)


def see_that_the_job_failed(cloud: Cloud, run_id: str, what: str, says: str) -> None:
    """The timer has marked the run, and asked for another job in its own; taken over, that promotes."""
    report = cloud.ledger.run(run_id).as_json()
    assert report["status"] == "failed", report["reason"]
    assert re.search(says, report["reason"])
    assert (champion(cloud), cloud.running) == ("1", ["1"])
    mishaps[what] = told(cloud, report["reason"])
    cloud.azure.heal()
    cloud.overrides["RETRAIN_JOBS"] = "inline"
    cloud.run()
    assert (champion(cloud), cloud.running) == ("2", ["1", "2"])


def test_a_job_that_never_starts_is_given_up(serving: Cloud):
    """Half an hour is a setting; before it is over, everybody waits."""
    by_jobs(serving)
    serving.azure.jobs_start = False
    run_id = serving.land("two.csv", TWO)["run_id"]
    waiting = serving.run()
    serving.later = timedelta(minutes=31)
    serving.run()

    assert waiting["status"] == "queued"
    see_that_the_job_failed(serving, run_id, NEVER_STARTS, "no step since submit .* was cancelled")


def test_a_job_that_is_cancelled_is_noticed(serving: Cloud):
    """By the next trigger, with the job's own word."""
    by_jobs(serving)
    serving.azure.jobs_start = False
    run_id = serving.land("two.csv", TWO)["run_id"]
    serving.azure.cancel_job(f"retrain-{run_id}")
    serving.run()

    see_that_the_job_failed(serving, run_id, CANCELLED, "has canceled")


def test_a_job_whose_node_is_lost_is_noticed(serving: Cloud):
    """Its own message stands in the run's reason."""
    by_jobs(serving)
    serving.azure.kill_steps = {"register": "the node was lost"}
    run_id = serving.land("two.csv", TWO)["run_id"]
    serving.azure.wait_for_jobs(JOB_SECONDS)
    serving.azure.jobs_start = False
    serving.run()

    see_that_the_job_failed(serving, run_id, NODE_LOST, "the node was lost")


def test_a_job_whose_parts_were_not_released_is_not_submitted(serving: Cloud, monkeypatch: pytest.MonkeyPatch):
    """The command that is missing is named."""
    serving.overrides["RETRAIN_JOBS"] = "azureml"
    with monkeypatch.context() as patch:
        patch.setattr(
            pipeline, "fingerprint", lambda _context, _settings: "0" * 12
        )  # as after a deployment of other code
        report = serving.land("two.csv", TWO)

    see_that_nothing_moved(serving, report, "submit", "run `retrain release`")
    serving.overrides["RETRAIN_JOBS"] = "inline"
    see_that_the_next_run_succeeds(serving)
    mishaps[NOT_RELEASED] = re.sub(r":[0-9a-f]{12}", "", told(serving, report["reason"]))


def test_a_submission_whose_answer_is_lost_is_one_job(serving: Cloud):
    """The SDK asks again, is told that there is such a job, and that is what was wanted."""
    by_jobs(serving)
    serving.azure.jobs_start = False
    serving.azure.drop("PUT", "/jobs/retrain-", done=True)
    report = serving.land("two.csv", TWO)

    assert report["status"] == "promoting"
    assert serving.azure.job(f"retrain-{report['run_id']}")["properties"]["status"] == "Queued"
    mishaps[ANSWER_LOST] = "tried again: one job"


def test_the_table_is_what_the_drills_came_to():
    """Every cell of it was seen in this run, by this process; the order is that of the lists of drills."""
    asked = {(place.call, status) for place in PLACES for status in STATUSES}
    seen = {(call, status) for call, cells in refusals.items() for status in cells}
    assert sorted(asked - seen) == [], "these drills failed or did not run; run `make drills`, which runs them all"
    assert [what for what in mishap_names() if what not in mishaps] == [], "these failed or did not run"
    found = page(refusals, mishaps)
    if os.environ.get("WRITE_TABLES"):
        TABLE.write_text(found)

    assert TABLE.read_text() == found, "run `make drills WRITE_TABLES=1` and look at what has changed"
