"""What the catalogue and the jobs promise: nothing is listed twice, nothing is submitted twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from retrain.adapters.azure.azureml import Workspace
from retrain.doors.cli import main
from retrain.errors import ConfigError, Conflict
from retrain.ports import Catalog, Job, Jobs
from retrain.records.request import new_run_id
from retrain.settings import parse
from retrain.wiring import releaser

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

    from tests.azure.cloud import Cloud

IMAGE = "forecastsacr.azurecr.io/m@sha256:" + "ab" * 32


def catalog(cloud: Cloud) -> Catalog:
    found = cloud.context.catalog
    assert found is not None
    return found


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


def test_what_is_told_of_a_version_adds_up(cloud: Cloud):
    """Its properties stay what they were at first; Azure ML's own parser reads its address."""
    from azure.ai.ml._utils._storage_utils import AzureMLDatastorePathUri

    catalog(cloud).show_model(cloud.name, "1", "artifacts/a.json", {"run": "r", "rmse": "12.5"})
    catalog(cloud).show_model(cloud.name, "1", "artifacts/a.json", {"champion": "yes"})
    model = studio(cloud).models.get(cloud.name, "1")

    assert model.tags == {"run": "r", "rmse": "12.5", "champion": "yes"}
    assert model.properties == {"run": "r", "rmse": "12.5"}
    assert AzureMLDatastorePathUri(str(model.path)).path == "artifacts/a.json"
    assert [listed.version for listed in studio(cloud).models.list(cloud.name)] == ["1"]


def test_a_version_that_is_another_model_is_a_conflict(cloud: Cloud):
    """Somebody else registers under this name."""
    catalog(cloud).show_model(cloud.name, "1", "artifacts/a.json", {})

    with pytest.raises(Conflict, match="RETRAIN_MODEL_NAME"):
        catalog(cloud).show_model(cloud.name, "1", "artifacts/b.json", {})


def test_an_image_is_listed_once(cloud: Cloud):
    """Beside the model, under its version and its digest."""
    catalog(cloud).show_image(cloud.name, "1", IMAGE)
    catalog(cloud).show_image(cloud.name, "1", IMAGE)

    listed = list(studio(cloud).environments.list(f"{cloud.name}-image"))
    assert [environment.version for environment in listed] == ["1-abababababab"]
    assert studio(cloud).environments.get(f"{cloud.name}-image", "1-abababababab").image == IMAGE


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
