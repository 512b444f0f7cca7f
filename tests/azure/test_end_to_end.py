"""The whole route on Azure, from the template to a forecast.

The template is deployed, azd's hook subscribes, releases and looks; a blob lands, Event Grid tells the app, a job
promotes, the champion answers; a second file changes nothing. Every call has its role from the template.

What runs here runs in production: the Functions worker, the SDKs, the job's processes, the scoring service. Azurite
stands for the storage, the emulator for Azure Resource Manager and for what it would start.
"""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from retrain.trace import span_of
from tests.azure import specs
from tests.azure.azd_up import app_settings, deploy_code, of_the_product, run_hook
from tests.azure.cloud import CLIENT_ID, PULL_IDENTITY, Cloud, hurry
from tests.azure.emulator import emulator
from tests.azure.emulator.gate import Gate
from tests.builders import FIRST_DAY, csv_file, weekly
from tests.functions.worker import HttpAnswer, Worker
from tests.telemetry.collector import collecting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.azure.emulator import Emulator
    from tests.azure.emulator.timeline import Call
    from tests.azurite import SecureAzurite

pytestmark = pytest.mark.timeout(900)  # the story takes less than a minute on an idle machine

ROOT = Path(__file__).parents[2]
RECORD = ROOT / "build" / "azure-end-to-end.txt"
JOB_SECONDS = 300  # a job takes less than thirty on an idle machine
YEARS = weekly(160, seed=1)
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
UPLOAD = f"00-{TRACE}-{SPAN}-01"
SETTINGS = {"RETRAIN_JOBS": "azureml", "RETRAIN_MIN_GAIN": "0.05", "RETRAIN_COMMIT": "0a1b2c3"}


@dataclass(frozen=True)
class Story:
    """What came of it, in the order in which it happened."""

    azure: Emulator
    template: dict[str, str]
    hooked: int
    calls: list[Call]
    handed_over: dict[str, Any]
    promoted: dict[str, Any]
    first_forecast: HttpAnswer
    kept: dict[str, Any]
    last_forecast: HttpAnswer
    services: list[str]
    spans: list[dict[str, Any]]
    service_log: list[str]

    def puts(self, kind: str) -> list[Any]:
        """The bodies that made resources of a kind, in order."""
        return [call.body for call in self.calls if call.method == "PUT" and f"/{kind}/" in call.path]


@pytest.fixture(scope="module")
def story(vault: SecureAzurite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Told once; every test below looks at another side of it."""
    with (
        pytest.MonkeyPatch.context() as patch,
        emulator(tmp_path_factory.mktemp("azure"), vault, runner="process") as azure,
        closing(Gate(vault, azure)) as gate,
        Worker(ROOT) as worker,
        collecting() as collector,
    ):
        hurry(patch)
        worker.trace_parent = UPLOAD
        template = app_settings(azure)
        cloud = Cloud(
            azure,
            gate.storage,
            "daily-transactions",
            {
                **of_the_product(template),
                **SETTINGS,
                "RETRAIN_VAULT_URL": azure.vault.url,
                "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            },
        )
        queues = {"TRANSACTIONS_STORAGE__queueServiceUri": gate.storage.queue_url}
        for name, value in {**azure.environment, **cloud.environment, **queues}.items():
            patch.setenv(name, value)
        deploy_code(azure, cloud, worker)
        hooked = run_hook(azure, patch)
        azure.note("one.csv lands")
        azure.app.cool(503)
        handed_over = _land(worker, cloud, "one.csv", csv_file(YEARS[:100]))
        azure.wait_for_jobs(JOB_SECONDS)
        promoted = cloud.ledger.run(handed_over["run_id"]).as_json()
        spans, service_log = collector.spans(), cloud.context.platform.log("daily-transactions-v1")
        first_forecast = worker.http("forecast", "GET", days="3")
        azure.note("two.csv lands")
        kept = _land(worker, cloud, "two.csv", csv_file(YEARS[100:], FIRST_DAY + timedelta(days=100)))
        last_forecast = worker.http("forecast", "GET", days="3")
        azure.record(RECORD)
        yield Story(
            azure, template, hooked, azure.calls, handed_over, promoted, first_forecast, kept, last_forecast,
            azure.services(), spans, service_log,
        )  # fmt: skip


def _land(worker: Worker, cloud: Cloud, name: str, data: bytes) -> dict[str, Any]:
    """Upload a blob, wait until Event Grid and the app have done with it, and ask the app for its newest run."""
    cloud.azure.upload(cloud.settings.storage.transactions_container, name, data)
    cloud.azure.wait_for_events(JOB_SECONDS)
    assert cloud.azure.app.errors == []
    newest: dict[str, Any] = worker.http("list_runs", "GET", newest="1").body["runs"][0]
    return newest


def test_the_hook_subscribes_releases_looks_and_asks(story: Story):
    """All of it succeeds for whoever deploys, with the roles of the template and no others."""
    assert story.hooked == 0
    assert [body["properties"]["filter"]["subjectBeginsWith"] for body in story.puts("eventSubscriptions")][-1] == (
        f"/blobServices/default/containers/{story.template['TRANSACTIONS_CONTAINER']}/"
    )


def test_the_first_delivery_to_a_cold_app_is_repeated(story: Story):
    """Each file has landed once."""
    assert [one.status for one in story.azure.events.deliveries] == [503, 202, 202]


def test_the_trigger_submits_and_does_not_wait(story: Story):
    """The event is answered while the job is on its way; the verdict and its reason are on record already."""
    assert (story.handed_over["status"], story.handed_over["verdict"]) == ("promoting", "promote")
    assert story.handed_over["promotion"]["submit"]["job"] == f"retrain-{story.handed_over['run_id']}"


def test_the_job_makes_it_champion(story: Story):
    """Every step is on record, and the run is done."""
    assert story.promoted["status"] == "done", story.promoted["reason"]
    steps = ["submit", "register", "build", "deploy", "prove", "switch", "confirm", "retire"]
    assert list(story.promoted["promotion"]) == steps
    assert story.promoted["model"]["version"] == "1"


def test_upload_run_job_and_proof_are_one_trace(story: Story):
    """The job has sent the run and its steps to the collector, and the service has logged who asked for proof."""
    whole, *steps = story.spans
    asked = [json.loads(line[line.index("{") :]) for line in story.service_log if TRACE in line]

    assert {span["traceId"] for span in story.spans} == {TRACE}
    assert (whole["parentSpanId"], whole["spanId"]) == (SPAN, span_of(story.promoted["run_id"]))
    assert [span["name"] for span in steps] == [f"promotion {step}" for step in story.promoted["promotion"]]
    assert {(one["route"], one["parent_id"]) for one in asked} == {("/forecast", whole["spanId"])}


def test_the_stable_route_answers_from_the_container(story: Story):
    """The first days after the training data."""
    answer = story.first_forecast

    assert answer.status == 200, answer.body
    assert (answer.body["version"], answer.body["origin"]) == ("1", "2023-04-11")
    assert len(answer.body["forecast"]) == 3


def test_a_second_file_whose_model_is_not_better_registers_nothing(story: Story):
    """One model, one image, one group, one job; the champion answers from the last day that landed."""
    assert story.kept["verdict"] == "keep", story.kept["reason"]
    assert {body["properties"]["modelUri"] for body in story.puts("models")} == {
        story.puts("models")[0]["properties"]["modelUri"]
    }
    assert len(story.puts("jobs")) == len(story.puts("containerGroups")) == 1
    assert story.services == ["daily-transactions-v1"]
    assert (story.last_forecast.body["version"], story.last_forecast.body["origin"]) == ("1", "2023-06-10")


def test_the_registered_model_carries_its_lineage(story: Story):
    """What it was made from, how it measured, what it runs as, since when it is champion."""
    told = story.puts("models")[-1]["properties"]["tags"]

    assert told["data_sha256"] == story.promoted["data"]["sha256"]
    assert told["trained_through"] == "2023-04-11"
    assert told["run"] == story.promoted["run_id"]
    assert told["git_commit"] == "0a1b2c3"
    assert float(told["rmse"]) == pytest.approx(story.promoted["challenger"]["rmse"], rel=1e-5)
    assert "@sha256:" in told["image"]
    assert told["service"].startswith("https://")
    assert told["champion"] == "yes"


def test_the_container_group_is_what_it_should_be(story: Story):
    """By digest, with a secret key, both probes, a label of its own, and an identity that pulls."""
    group = story.puts("containerGroups")[0]
    container = group["properties"]["containers"][0]["properties"]
    key = next(one for one in container["environmentVariables"] if one["name"] == "SCORING_KEY")

    assert "@sha256:" in container["image"]
    assert set(key) == {"name", "secureValue"}
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert group["properties"]["ipAddress"]["dnsNameLabel"].startswith("daily-transactions-v1-")
    assert group["identity"] == {"type": "UserAssigned", "userAssignedIdentities": {PULL_IDENTITY: {}}}
    assert group["properties"]["imageRegistryCredentials"] == [
        {"server": "forecastsacr.azurecr.io", "identity": PULL_IDENTITY}
    ]
    assert group["tags"]["retrain-version"] == "1"


def test_the_job_is_two_steps_of_released_components(story: Story):
    """Named after the run, under a named identity, told every setting and no secret."""
    job = story.puts("jobs")[0]["properties"]
    register, deploy = job["jobs"]["register"], job["jobs"]["deploy"]

    assert job["jobType"] == "Pipeline"
    assert job["settings"]["default_compute"].endswith("serverless")
    for half, step in (("register", register), ("deploy", deploy)):
        assert f"/components/retrain_{half}/versions/" in step["componentId"]
        assert step["inputs"]["run"]["value"] == story.promoted["run_id"]
        assert step["identity"] == {"identity_type": "Managed", "client_id": CLIENT_ID}
        assert step["environment_variables"]["RETRAIN_MIN_GAIN"] == "0.05"
        assert "TRANSACTIONS_STORAGE" not in step["environment_variables"]
    assert deploy["inputs"]["after"]["value"] == "${{parent.jobs.register.outputs.done}}"


def test_components_and_environment_were_released_beforehand(story: Story):
    """Their version is the code's own fingerprint, and no step's result is ever reused."""
    components = [body["properties"]["componentSpec"] for body in story.puts("components")]

    assert [spec["command"] for spec in components] == [
        "python -m retrain promote --run ${{inputs.run}} --step register --report ${{outputs.done}}",
        "python -m retrain promote --run ${{inputs.run}} --step deploy",
    ]
    assert all(spec["is_deterministic"] is False for spec in components)
    assert len({spec["version"] for spec in components}) == 1
    assert all(spec["environment"].endswith(f"/retrain/versions/{spec['version']}") for spec in components)


def test_every_body_fits_microsofts_schema(story: Story):
    """Closed: a key that they do not name is a mistake of ours."""
    if not specs.FOLDER.is_dir():
        pytest.skip("Microsoft's schemas are not beside the project")
    checked = {call.line: found for call in story.calls if (found := specs.problems(call)) is not None}

    assert len(checked) >= 10
    assert {line: found for line, found in checked.items() if found} == {}


def test_it_leaves_a_record(story: Story):
    """Every call and every piece of work, in order, with its time; no secret among them."""
    record = RECORD.read_text()

    for line in (
        "eventSubscriptions/retrainer-app",
        "attempt 2: 202",
        "scheduleRun",
        "containerGroups/daily-transactions-v1",
        "models/daily-transactions/versions/1",
    ):
        assert line in record
    assert "secureValue" not in record
    assert not [name for name, key in story.azure.app.keys.items() if key in record]
