"""`retrain doctor` on Azure: a healthy deployment is all ok, and each fault has its line with what to do.

The roles of the template are asked for at every call, in Azure Resource Manager and before the storage.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from retrain.adapters.azure.pipeline import released_as
from retrain.adapters.azure.rest import arm, storage
from retrain.doctor.check import Finding, Outcome, examine
from retrain.doctor.report import checks_of
from retrain.doctor.storage import QUEUE, QUEUE_URI, VERSION
from retrain.doors.cli import main
from retrain.settings import parse
from tests.azure.cloud import CLIENT_ID as APP
from tests.azure.doctor_faults import FAULTS, Fault
from tests.azure.emulator.access import DEPLOYER, Assignment, of_the_template
from tests.azure.emulator.gate import Gate
from tests.azure.emulator.world import NETWORK, PROVIDERS, WORKSPACE_PATH
from tests.functions.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.azure.cloud import Cloud
    from tests.azure.emulator import Emulator
    from tests.azurite import SecureAzurite

ROOT = Path(__file__).parents[2]
SUBNET = f"{PROVIDERS}Microsoft.Network/virtualNetworks/{NETWORK}/subnets/services"
GROUP = PROVIDERS.removesuffix("/providers/")
READER = Assignment(DEPLOYER, "acdd72a7-3385-48ef-bd42-f606fba81ae7", GROUP)
IDENTITY_VARIABLES = ("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "MSI_ENDPOINT", "MSI_SECRET")


@pytest.fixture(scope="module")
def gate(azure: Emulator, vault: SecureAzurite) -> Iterator[SecureAzurite]:
    """Storage that asks for roles."""
    standing = Gate(vault, azure)
    yield standing.storage
    standing.close()


@pytest.fixture
def deployed(cloud: Cloud, gate: SecureAzurite, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """A whole deployment: containers, queue, vault, subnet, app, subscription and release."""
    whole = {
        "RETRAIN_JOBS": "azureml",
        "RETRAIN_KEYS": "vault",
        "RETRAIN_VAULT_URL": cloud.azure.vault.url,
        "RETRAIN_SUBNET": SUBNET,
    }
    cloud = replace(cloud, storage=gate, overrides=whole)
    queue_url = {QUEUE_URI: gate.queue_url, "TRANSACTIONS_STORAGE__credential": "managedidentity"}
    told = {**cloud.environment, **queue_url, "RETRAIN_SCHEDULE": "0 0 * * * *"}
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    cloud.azure.deployed.settings = told
    base, _, account = gate.queue_url.rpartition("/")
    storage(base, cloud.settings).call("PUT", f"/{account}/{QUEUE}", "creating the queue", headers=VERSION)
    context = cloud.context
    context.inbox.write("seen.csv", b"")
    context.state.write("seen", b"")
    name, code = released_as(cloud.settings)
    component = f"{WORKSPACE_PATH}/components/{name}/versions/{code}"
    body = {"properties": {"componentSpec": {"command": "retrain"}}}
    arm(cloud.settings).put(component, "registering the component", body, api_version="2024-10-01")
    cloud.azure.app.deploy(worker)
    # Whoever deploys looks, with the right to see the whole resource group.
    monkeypatch.setenv("TRANSACTIONS_STORAGE__clientId", DEPLOYER)
    cloud.azure.added = frozenset({READER})
    return cloud


@pytest.fixture
def subscribed(deployed: Cloud) -> Cloud:
    """The same, with the event subscription."""
    assert main(["subscribe"]) == 0
    return deployed


def looked(capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    """The exit code, and each line by its name."""
    capsys.readouterr()
    code = main(["doctor", "--json"])
    told = json.loads(capsys.readouterr().out)
    return code, {line["name"]: line for line in told["checks"]}


def found_by(name: str) -> Finding:
    """What one check finds, without the others."""
    checks = checks_of(lambda: parse(os.environ), os.environ)
    (line,) = examine(check for check in checks if check.name == name)
    return line.finding


LINES = {
    "settings", "python", "packages", "identity", "containers", "store", "queue", "host", "jobs", "workspace",
    "registry", "container groups", "quota of services", "pull identity", "pulling images", "subnet", "vault",
    "quota of jobs", "release", "sweep", "app", "app settings", "host keys", "event subscription",
}  # fmt: skip


def test_a_healthy_deployment_is_all_ok(
    subscribed: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """For whoever deployed it, on a laptop; everything that is used is looked at."""
    for name in IDENTITY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", f"{subscribed.azure.az.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("TRANSACTIONS_STORAGE__clientId", APP)
    code, lines = looked(capsys)

    assert [line for line in lines.values() if line["outcome"] != "ok"] == []
    assert (code, set(lines)) == (0, LINES)
    assert lines["identity"]["text"].startswith("signed in by az as ")


@pytest.mark.usefixtures("subscribed")
def test_the_app_sees_what_it_needs_and_warns_of_the_rest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """With the roles of the template, no line is a fault: keys and subscriptions are not the app's to see."""
    monkeypatch.setenv("TRANSACTIONS_STORAGE__clientId", APP)
    code, lines = looked(capsys)

    assert {name for name, line in lines.items() if line["outcome"] != "ok"} == {
        "pulling images", "app", "app settings", "host keys", "event subscription",
    }  # fmt: skip
    assert code == 0


def test_a_look_changes_nothing(subscribed: Cloud, capsys: pytest.CaptureFixture[str]):
    """Neither in Azure Resource Manager nor in the stores."""
    names = [sorted(store.names("")) for store in (subscribed.context.inbox, subscribed.context.state)]
    before = len(subscribed.azure.calls)
    looked(capsys)
    sent = {
        (call.method, call.path.rpartition("/")[2])
        for call in subscribed.azure.calls[before:]
        if call.method != "GET"
    }

    assert [sorted(store.names("")) for store in (subscribed.context.inbox, subscribed.context.state)] == names
    assert sent == {
        ("POST", "cancel"), ("POST", "listBuildSourceUploadUrl"), ("POST", "list"), ("POST", "listkeys"),
        ("DELETE", "retrain-doctor"), ("POST", "getFullUrl"),
    }  # fmt: skip


@pytest.mark.parametrize("wrong", FAULTS, ids=lambda wrong: wrong.what)
def test_each_fault_has_its_line(deployed: Cloud, wrong: Fault, monkeypatch: pytest.MonkeyPatch):
    """With what to do."""
    if wrong.line == "event subscription":
        assert main(["subscribe"]) == 0
    wrong.happens(deployed)
    for name, value in wrong.variables.items():
        monkeypatch.setenv(name, value)
    found = found_by(wrong.line)

    assert found.outcome == wrong.outcome, found
    assert wrong.says in found.text
    assert wrong.advises in found.advice


def test_a_fault_of_one_thing_is_told_once(deployed: Cloud, capsys: pytest.CaptureFixture[str]):
    """Who is not signed in does not wait for a dozen refusals."""
    deployed.azure.granted = False
    _, lines = looked(capsys)

    assert [name for name, line in lines.items() if line["outcome"] == "fault"] == ["identity"]
    assert lines["workspace"]["text"] == "not looked at, because of the fault of identity"


@pytest.mark.parametrize(
    ("role", "line"),
    [
        ("Storage Blob Data Owner", "store"),
        ("Storage Queue Data Contributor", "queue"),
        ("Key Vault Secrets Officer", "vault"),
        ("Container Registry Tasks Contributor", "registry"),
        ("AzureML Data Scientist", "workspace"),
        ("Azure Container Instances Contributor Role", "container groups"),
        ("Managed Identity Operator", "pull identity"),
        ("Network Contributor", "subnet"),
    ],
)
def test_a_role_that_the_app_lacks_is_a_fault_where_it_is_needed(
    deployed: Cloud, role: str, line: str, monkeypatch: pytest.MonkeyPatch
):
    """And the line says what to give."""
    monkeypatch.setenv("TRANSACTIONS_STORAGE__clientId", APP)
    mine = {one for one in of_the_template() if (one.who, one.role_name) == (APP, role)}
    deployed.azure.taken_away = frozenset(mine)
    found = found_by(line)

    assert mine
    assert found.outcome is Outcome.FAULT
    assert f"give this identity the role {role.replace('Owner', 'Contributor')} on" in found.advice


@pytest.mark.usefixtures("deployed")
def test_people_are_told_in_lines(capsys: pytest.CaptureFixture[str]):
    """Outcome, name, what was found, and below it what to do."""
    capsys.readouterr()
    assert main(["doctor"]) == 4
    told = capsys.readouterr().out.splitlines()
    at = next(number for number, line in enumerate(told) if line.startswith("fault "))

    assert told[at].split()[:3] == ["fault", "event", "subscription"]
    assert told[at + 1].strip() == "do: run `retrain subscribe`"
    assert told[0].startswith("ok ")
