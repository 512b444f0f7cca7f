"""What the catalogue and the jobs promise: nothing is listed twice, nothing is submitted twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from retrain.adapters.azure.azureml import Workspace
from retrain.adapters.azure.catalog import AzureMlCatalog
from retrain.doors.cli import main
from retrain.errors import ConfigError, Conflict
from retrain.ports import Job, Jobs
from retrain.records.outbox import event_of
from retrain.records.registry import Lineage, RegisteredModel
from retrain.records.request import new_run_id
from retrain.records.run import Run
from retrain.settings import parse
from retrain.wiring import releaser
from tests.builders import ONE, TWO

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

    from tests.azure.cloud import Cloud


VERSION = RegisteredModel(
    "m",
    "1",
    "ab" * 32,
    Lineage("cd" * 32, "ef" * 32, date(2023, 1, 2), date(2023, 4, 11), "(1,0,0)", "0.1.0"),
    "run",
)


def catalog(cloud: Cloud) -> AzureMlCatalog:
    """The listener of this world's outbox."""
    (found,) = cloud.context.listeners
    assert isinstance(found, AzureMlCatalog)
    return found


def version_of(cloud: Cloud, sha256: str = "ab" * 32) -> RegisteredModel:
    """Version 1 under this world's name."""
    return replace(VERSION, name=cloud.name, artifact_sha256=sha256)


def jobs(cloud: Cloud) -> Jobs:
    """Jobs whose parts are released, and which wait for a node for ever."""
    cloud.overrides["RETRAIN_JOBS"] = "azureml"
    releaser(cloud.settings).release(lambda _stage, _detail: None)
    cloud.azure.jobs_start = False
    found = cloud.context.jobs
    assert found is not None
    return found


def studio(cloud: Cloud) -> MLClient:
    """What a person sees."""
    return Workspace(cloud.settings).client


def test_the_facts_of_a_version_add_up(cloud: Cloud):
    """Its properties stay what they were at first; Azure ML's own parser reads its address."""
    from azure.ai.ml._utils._storage_utils import AzureMLDatastorePathUri

    model = version_of(cloud)
    catalog(cloud).show_model(model, {"run": "r", "rmse": "12.5"})
    catalog(cloud).show_model(model, {"champion": "yes"})
    listed = studio(cloud).models.get(cloud.name, "1")

    assert listed.tags == {"run": "r", "rmse": "12.5", "champion": "yes"}
    assert listed.properties == {"run": "r", "rmse": "12.5"}
    assert AzureMLDatastorePathUri(str(listed.path)).path == f"artifacts/{model.artifact_sha256}.json"
    assert [each.version for each in studio(cloud).models.list(cloud.name)] == ["1"]


def test_a_version_that_is_another_model_is_a_conflict(cloud: Cloud):
    """Somebody else registers under this name."""
    catalog(cloud).show_model(version_of(cloud), {})

    with pytest.raises(Conflict, match="RETRAIN_MODEL_NAME"):
        catalog(cloud).show_model(version_of(cloud, "ef" * 32), {})


def test_a_promotion_lists_its_version_and_its_image_once(cloud: Cloud):
    """However often the event comes; the version before is no longer the champion there."""
    cloud.land("one.csv", ONE)
    report = cloud.land("two.csv", TWO)
    run = Run.model_validate(report)
    catalog(cloud).receive(event_of(run, cloud.context.now()), run)
    first, second = (studio(cloud).models.get(cloud.name, version) for version in ("1", "2"))

    assert (first.tags["champion"], second.tags["champion"]) == ("no", "yes")
    assert first.tags["champion_until"] == second.tags["champion_since"]
    assert second.tags["rmse"] == f"{report['challenger']['rmse']:.6g}"
    image = report["promotion"]["build"]["image"]
    listed = list(studio(cloud).environments.list(f"{cloud.name}-image"))
    assert [one.version for one in listed if one.version.startswith("2-")] == [f"2-{image.rpartition(':')[2][:12]}"]


def test_a_list_that_was_away_catches_up(cloud: Cloud):
    """The promotion does not wait for it; the next trigger brings what it has missed, in order."""
    cloud.azure.fail("PUT", r"/models/[^/]+/versions/", 503, "ServiceUnavailable", times=None)
    promoted = [cloud.land("one.csv", ONE), cloud.land("two.csv", TWO)]
    waiting = list(cloud.ledger.outbox.waiting())
    cloud.azure.heal()
    cloud.run()

    assert [report["status"] for report in promoted] == ["done", "done"]
    assert [event.kind for event in waiting] == ["promotion", "promotion"]
    assert "azure-ml" in waiting[0].trouble
    assert [each.version for each in studio(cloud).models.list(cloud.name)] == ["2", "1"]
    assert list(cloud.ledger.outbox.waiting()) == []


def test_a_run_has_one_job(cloud: Cloud):
    """However often it is submitted; named after the run."""
    run_id = new_run_id(cloud.context.now())
    ours = jobs(cloud)

    assert ours.submit(run_id) == ours.submit(run_id) == f"retrain-{run_id}"
    puts = [call for call in cloud.azure.calls if call.method == "PUT" and run_id in call.path]
    assert len(puts) == 1
    assert ours.look(run_id) == Job(ended=False)


def test_a_job_that_is_not_there_is_none(cloud: Cloud):
    """That is another answer than one that failed."""
    assert jobs(cloud).look(new_run_id(cloud.context.now())) is None


def test_a_cancelled_job_has_ended_and_says_so(cloud: Cloud):
    """Cancelling it again, or one that never was, is nothing."""
    run_id = new_run_id(cloud.context.now())
    ours = jobs(cloud)
    ours.submit(run_id)
    ours.cancel(run_id)
    ours.cancel(run_id)
    ours.cancel(new_run_id(cloud.context.now()))

    ended = ours.look(run_id)
    assert ended is not None
    assert ended.ended
    assert "has canceled" in ended.failure


def test_a_release_is_made_once_for_each_state_of_the_code(cloud: Cloud):
    """The second builds nothing and says the same."""
    cloud.overrides["RETRAIN_JOBS"] = "azureml"
    first = releaser(cloud.settings).release(lambda _stage, _detail: None)
    builds = [call for call in cloud.azure.calls if call.path.endswith("/scheduleRun")]

    assert releaser(cloud.settings).release(lambda _stage, _detail: None) == first
    assert [call for call in cloud.azure.calls if call.path.endswith("/scheduleRun")] == builds
    assert first["register component"].split(":")[1] == first["environment"].split(":")[1]


def test_the_release_command_prints_what_there_is(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """A line each."""
    for name, value in cloud.environment.items():
        monkeypatch.setenv(name, value)

    assert main(["release"]) == 0
    assert capsys.readouterr().out.splitlines()[0].startswith("datastore           retrain_")


def test_there_is_nothing_to_release_on_this_machine():
    """Jobs are for Azure."""
    with pytest.raises(ConfigError, match="RETRAIN_PLATFORM=azure"):
        releaser(parse({}))
