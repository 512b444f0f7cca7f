"""`retrain doctor` on Azure: a healthy deployment is all ok, and each fault has its line with what to do."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from retrain.adapters.azure.pipeline import released_as
from retrain.adapters.azure.rest import Rest, arm, storage
from retrain.doctor.storage import QUEUE, QUEUE_URI, VERSION
from retrain.doors.cli import main
from tests.azure.cloud import PULL_IDENTITY, on_a_laptop
from tests.azure.emulator.world import WORKSPACE_PATH
from tests.azurite import secure_queues

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.azure.cloud import Cloud
    from tests.azurite import SecureAzurite

SUBNET = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/forecasting/providers"
    "/Microsoft.Network/virtualNetworks/network/subnets/services"
)
READER = "b93aa761-3e63-49ed-ac28-beffa264f7ac"


@pytest.fixture(scope="module")
def queues(vault: SecureAzurite) -> Iterator[str]:
    """The address of Azurite's queues."""
    with secure_queues(vault) as url:
        yield url


@pytest.fixture
def deployed(cloud: Cloud, queues: str, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """A whole deployment: containers, queue, vault, subnet, app, subscription and release."""
    cloud.overrides = {
        "RETRAIN_JOBS": "azureml",
        "RETRAIN_KEYS": "vault",
        "RETRAIN_VAULT_URL": cloud.azure.vault.url,
        "RETRAIN_SUBNET": SUBNET,
    }
    told = {
        QUEUE_URI: queues,
        "TRANSACTIONS_STORAGE__credential": "managedidentity",
        "RETRAIN_SCHEDULE": "0 0 * * * *",
    }
    for name, value in {**cloud.environment, **told}.items():
        monkeypatch.setenv(name, value)
    on_a_laptop(cloud.azure, monkeypatch)
    cloud.azure.deployed.settings = {**cloud.environment, **told}
    base, _, account = queues.rpartition("/")
    queue: Rest = storage(base, cloud.settings)
    queue.call("PUT", f"/{account}/{QUEUE}", "creating the queue", headers=VERSION)
    context = cloud.context
    context.inbox.write("seen.csv", b"")
    context.state.write("seen", b"")
    name, code = released_as(cloud.settings)
    component = f"{WORKSPACE_PATH}/components/{name}/versions/{code}"
    body = {"properties": {"componentSpec": {"command": "retrain"}}}
    arm(cloud.settings).put(component, "registering the component", body, api_version="2024-10-01")
    return cloud


def looked(capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    """The exit code, and each line by its name."""
    code = main(["doctor", "--json"])
    told = json.loads(capsys.readouterr().out)
    return code, {line["name"]: line for line in told["checks"]}


@pytest.mark.usefixtures("deployed")
def test_a_healthy_deployment_is_all_ok(capsys: pytest.CaptureFixture[str]):
    """Everything that is used is looked at."""
    code, lines = looked(capsys)

    assert [line for line in lines.values() if line["outcome"] != "ok"] == []
    assert code == 0
    assert set(lines) >= {
        "settings", "python", "packages", "identity", "containers", "store", "queue", "host", "jobs", "workspace",
        "registry", "container groups", "quota of services", "pull identity", "pulling images", "subnet", "vault",
        "quota of jobs", "release", "app", "app settings", "host keys", "event subscription",
    }  # fmt: skip


def test_a_look_changes_nothing(deployed: Cloud, capsys: pytest.CaptureFixture[str]):
    """Neither in Azure Resource Manager nor in the stores."""
    names = [sorted(store.names("")) for store in (deployed.context.inbox, deployed.context.state)]
    before = len(deployed.azure.calls)
    looked(capsys)
    sent = {
        (call.method, call.path.rpartition("/")[2])
        for call in deployed.azure.calls[before:]
        if call.method != "GET"
    }

    assert [sorted(store.names("")) for store in (deployed.context.inbox, deployed.context.state)] == names
    assert sent == {
        ("POST", "cancel"), ("POST", "listBuildSourceUploadUrl"), ("POST", "list"), ("POST", "listkeys"),
        ("DELETE", "retrain-doctor"),
    }  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """What is wrong, the line that tells of it, and what it says and advises."""

    what: str
    happens: Callable[[Cloud], object]
    line: str
    says: str
    advises: str = ""
    outcome: str = "fault"
    variables: dict[str, str] = field(default_factory=dict)


def refused(method: str, path: str) -> Callable[[Cloud], object]:
    return lambda cloud: cloud.azure.fail(method, path, 403, "AuthorizationFailed", times=None)


def switched(name: str, value: object) -> Callable[[Cloud], object]:
    return lambda cloud: setattr(cloud.azure, name, value)


def found_as(name: str, value: object) -> Callable[[Cloud], object]:
    return lambda cloud: setattr(cloud.azure.deployed, name, value)


def nothing(_cloud: Cloud) -> None:
    """The variables alone are wrong."""


ON = "on subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/forecasting"
FAULTS = (
    Fault("nobody is signed in", switched("granted", False), "identity", "not signed in"),
    Fault("a setting is wrong", nothing, "settings", "RETRAIN_TLS is 'on'", variables={"RETRAIN_TLS": "on"}),
    Fault("no container to land in", nothing, "containers", "there is no container nowhere-in",
          "az storage container create --name nowhere-in", variables={"TRANSACTIONS_CONTAINER": "nowhere-in"}),
    Fault("no state yet", nothing, "containers", "no container nowhere-state yet", "nothing", "warning",
          {"RETRAIN_STATE_CONTAINER": "nowhere-state"}),
    Fault("no workspace", nothing, "workspace", "there is no such resource",
          variables={"RETRAIN_WORKSPACE": "other"}),
    Fault("no role in the workspace", refused("POST", "/cancel$"), "workspace", "refused",
          f"give this identity the role AzureML Data Scientist {ON}/providers/Microsoft.MachineLearningServices"),
    Fault("no role to build", refused("POST", "/listBuildSourceUploadUrl$"), "registry", "refused",
          f"give this identity the role Container Registry Tasks Contributor {ON}/providers"),
    Fault("no role for groups", refused("DELETE", "/containerGroups/"), "container groups", "refused",
          f"give this identity the role Azure Container Instances Contributor Role {ON}"),
    Fault("no role to assign", refused("GET", "/userAssignedIdentities/"), "pull identity", "refused",
          f"give this identity the role Managed Identity Operator {ON}/providers/Microsoft.ManagedIdentity"),
    Fault("the identity of the app", nothing, "pull identity", "the identity of the app itself",
          variables={"RETRAIN_PULL_IDENTITY": PULL_IDENTITY.replace("puller", "retrainer")}),
    Fault("the puller may not pull", found_as("roles_of_puller", []), "pulling images", "has not the role AcrPull",
          f"give the identity {PULL_IDENTITY} the role AcrPull {ON}"),
    Fault("the puller may push", found_as("roles_of_puller", ["7f951dda-4ed3-4680-a7ca-43fe172d538d", "x"]),
          "pulling images", "other roles besides", "take them away", "warning"),
    Fault("AcrPull with ABAC", switched("abac", True), "pulling images",
          "has not the role Container Registry Repository Reader"),
    Fault("a subnet for other things", found_as("delegated", []), "subnet", "is not delegated", "delegate it"),
    Fault("no role for the vault", switched("vault_refuses", True), "vault", "refused",
          "give this identity the role Key Vault Secrets Officer on https://"),
    Fault("no quota for jobs", switched("cores_of_jobs", 0), "quota of jobs", "0 of 0 cores left", "request quota"),
    Fault("no quota for services", switched("container_groups", 0), "quota of services", "0 of 0 container groups",
          "request more quota"),
    Fault("not allowed to see the quota", refused("GET", "MachineLearningServices/locations/"), "quota of jobs",
          "this identity may not look", "the role Reader", "warning"),
    Fault("not released", refused("GET", "nowhere"), "release", "was not released", "run `retrain release`",
          variables={"RETRAIN_BASE_IMAGE": "another"}),
    Fault("another Python", found_as("python", "3.12"), "app", "it runs python 3.12"),
    Fault("a stopped app", found_as("state", "Stopped"), "app", "it is stopped", "az functionapp start"),
    Fault("no app settings", found_as("settings", {}), "app settings", "TRANSACTIONS_STORAGE__queueServiceUri",
          "add them to the app settings"),
    Fault("no key of the host", found_as("system_keys", {}), "host keys", "has not made the key blobs_extension"),
    Fault("not allowed to see the keys", refused("POST", "/listkeys$"), "host keys", "may not look",
          "the role Website Contributor", "warning"),
    Fault("no name of the app", nothing, "app", "its name is not known", "set RETRAIN_FUNCTION_APP", "warning",
          {"RETRAIN_FUNCTION_APP": ""}),
    Fault("no subscription", found_as("subscription", ""), "event subscription", "no event subscription",
          "run `retrain subscribe`"),
    Fault("a subscription that failed", found_as("subscription", "Failed"), "event subscription", "is failed"),
    Fault("a subscription of another container", found_as("subject", "/blobServices/default/containers/other/"),
          "event subscription", "no event subscription"),
    Fault("an inline promotion of an endpoint", nothing, "jobs", "the next trigger then continues it",
          "RETRAIN_JOBS=azureml", "warning", {"RETRAIN_JOBS": "inline", "RETRAIN_TARGET": "managed-online"}),
)  # fmt: skip


@pytest.mark.parametrize("wrong", FAULTS, ids=lambda wrong: wrong.what)
def test_each_fault_has_its_line(
    deployed: Cloud, wrong: Fault, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """With what to do; the exit code says whether anything has a fault."""
    wrong.happens(deployed)
    for name, value in wrong.variables.items():
        monkeypatch.setenv(name, value)
    code, lines = looked(capsys)
    line = lines[wrong.line]

    assert line["outcome"] == wrong.outcome, line
    assert wrong.says in line["text"]
    assert wrong.advises in line["advice"]
    assert code == (4 if wrong.outcome == "fault" else 0)


def test_a_fault_of_one_thing_is_told_once(deployed: Cloud, capsys: pytest.CaptureFixture[str]):
    """Who is not signed in does not wait for a dozen refusals."""
    deployed.azure.granted = False
    _, lines = looked(capsys)

    assert [name for name, line in lines.items() if line["outcome"] == "fault"] == ["identity"]
    assert lines["workspace"]["text"] == "not looked at, because of the fault of identity"


def test_people_are_told_in_lines(deployed: Cloud, capsys: pytest.CaptureFixture[str]):
    """Outcome, name, what was found, and below it what to do."""
    deployed.azure.deployed.subscription = ""
    assert main(["doctor"]) == 4
    told = capsys.readouterr().out.splitlines()
    at = next(number for number, line in enumerate(told) if line.startswith("fault "))

    assert told[at].split()[:3] == ["fault", "event", "subscription"]
    assert told[at + 1].strip() == "do: run `retrain subscribe`"
    assert told[0].startswith("ok ")
