"""Every role of the template is needed: without it a call is refused, and the product says what to give.

The roles come out of the template, and the emulator asks for them call by call; the other tests on Azure show that
nothing more is needed.
"""

from __future__ import annotations

import re
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from retrain.adapters.azure.acr import ImageBuilder
from retrain.adapters.azure.azureml import Workspace, show_datastore
from retrain.adapters.azure.rest import arm, resource_group
from retrain.adapters.azure.roles import role_for
from retrain.adapters.azure.vault import KeyVaultSecrets
from retrain.doctor.storage import QUEUE_URI, requests
from retrain.errors import AccessDenied, NotFound, RetrainError
from retrain.records.request import new_run_id
from retrain.wiring import releaser
from tests.azure.cloud import PULL_IDENTITY, Cloud, on
from tests.azure.emulator.access import DEPLOYER, TOPIC, Assignment, of_the_template
from tests.azure.emulator.host import FunctionsHost, HostFailed
from tests.azure.emulator.standing import APP, PULLER
from tests.azure.emulator.world import NETWORK, PROVIDERS
from tests.builders import ONE
from tests.contract.test_platform import context_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.azurite import SecureAzurite

SUBNET = f"{PROVIDERS}Microsoft.Network/virtualNetworks/{NETWORK}/subnets/services"
GROUP = PROVIDERS.removesuffix("/providers/")
API = "2025-02-15"
JOB_SECONDS = 60


@dataclass(frozen=True)
class Need:
    """Why an identity has a role.

    Attributes:
        call: the smallest thing that the product or the platform does with it.
        says: what is told where the role is missing.
    """

    call: Callable[[Cloud], object]
    says: str


@pytest.fixture
def guarded(cloud: Cloud, gate: SecureAzurite) -> Cloud:
    """A world whose every call needs a role."""
    return replace(cloud, storage=gate)


def host(cloud: Cloud) -> FunctionsHost:
    """The Functions host of this world, with the app settings of the template."""
    storage = cloud.storage
    settings = {
        "AzureWebJobsStorage__blobServiceUri": storage.url,
        "AzureWebJobsStorage__tableServiceUri": storage.table_url,
        "AzureWebJobsStorage__clientId": APP,
        "TRANSACTIONS_STORAGE__queueServiceUri": storage.queue_url,
        "APPLICATIONINSIGHTS_CONNECTION_STRING": f"InstrumentationKey=k;IngestionEndpoint={cloud.azure.arm_url}/",
    }
    return FunctionsHost(settings, cloud.azure.environment, str(storage.certificate))


def store(cloud: Cloud) -> None:
    """A record is written."""
    cloud.context.state.write("record.json", b"{}")


def write_as_the_topic(cloud: Cloud) -> None:
    """Event Grid gives up an event."""
    store(cloud.acting_as(TOPIC, RETRAIN_STATE_CONTAINER="dead-letters"))


def keep_key(cloud: Cloud) -> None:
    """The key of a service is kept."""
    vault = {"RETRAIN_KEYS": "vault", "RETRAIN_VAULT_URL": cloud.azure.vault.url}
    secrets = KeyVaultSecrets(replace(cloud, overrides={**cloud.overrides, **vault}).settings)
    secrets.put(f"{cloud.name}-key", "key")
    secrets.remove(f"{cloud.name}-key")


def build(cloud: Cloud) -> None:
    """An image is built."""
    ImageBuilder(cloud.settings).build(cloud.name, "1", context_of("1"))


def remove_image(cloud: Cloud) -> None:
    """The image of a version that nothing needs is removed."""
    platform = cloud.context.platform
    platform.build(cloud.name, "7", context_of("7"))
    for image in platform.images(cloud.name):
        platform.remove_image(image)


def see_workspace(cloud: Cloud) -> None:
    """The state container is shown to Azure ML."""
    show_datastore(Workspace(cloud.settings), cloud.settings)


def see_services(cloud: Cloud) -> None:
    """The services are listed."""
    cloud.context.platform.services()


def create_service(cloud: Cloud) -> None:
    """A container group is created, of an image that was built."""
    platform = cloud.context.platform
    name = f"{cloud.name}-v3"
    platform.deploy(name, "3", platform.build(cloud.name, "3", context_of("3")).reference)
    platform.remove(name)


def create_service_in_the_network(cloud: Cloud) -> None:
    """A container group is created in a subnet."""
    create_service(replace(cloud, overrides={**cloud.overrides, "RETRAIN_SUBNET": SUBNET}))


def run_a_job(cloud: Cloud) -> None:
    """A job begins; its node pulls the image."""
    cloud = replace(cloud, overrides={**cloud.overrides, "RETRAIN_JOBS": "azureml"})
    releaser(cloud.settings).release(lambda _stage, _detail: None)
    cloud.azure.kill_steps = {"register": "the image was pulled"}
    run, jobs = new_run_id(cloud.context.now()), cloud.context.jobs
    assert jobs is not None
    jobs.submit(run)
    cloud.azure.wait_for_jobs(JOB_SECONDS)
    ended = jobs.look(run)
    assert ended is not None
    if "the image was pulled" not in ended.failure:
        raise AccessDenied(ended.failure)


def see_topics(cloud: Cloud) -> None:
    """The topic of the storage account is looked for."""
    with closing(arm(cloud.settings)) as calls, suppress(NotFound):
        calls.get(
            f"{resource_group(cloud.settings)}/providers/Microsoft.EventGrid/systemTopics", "", api_version=API
        )


def see_app(cloud: Cloud) -> None:
    """The keys of the host are asked for."""
    path = f"{resource_group(cloud.settings)}/providers/Microsoft.Web/sites/app/host/default/listkeys"
    with closing(arm(cloud.settings)) as calls, suppress(NotFound):
        calls.post(path, "", api_version=API)


def peek(cloud: Cloud) -> None:
    """The doctor looks at the queue."""
    requests(cloud.settings, {QUEUE_URI: cloud.storage.queue_url})


def by(who: str, call: Callable[[Cloud], object]) -> Callable[[Cloud], object]:
    """The call, made by another identity."""
    return lambda cloud: call(cloud.acting_as(who))


def on_container_apps(call: Callable[[Cloud], object]) -> Callable[[Cloud], object]:
    """The call, where versions run on Container Apps."""
    return lambda cloud: call(replace(cloud, overrides={**cloud.overrides, **on("container-apps")}))


BLOB_ADVICE = "give this identity the role Storage Blob Data Contributor on the storage account devstoreaccount1"
REGISTRY = f"{PROVIDERS}Microsoft.ContainerRegistry/registries/forecastsacr".lstrip("/")
VAULT_ADVICE = "give this identity the role Key Vault Secrets Officer on .*Microsoft.KeyVault/vaults"
BUILD_ADVICE = (
    "give this identity the role Container Registry Tasks Contributor on "
    f"{PROVIDERS}Microsoft.ContainerRegistry/registries/forecastsacr"
)
ML_ADVICE = (
    "give this identity the role AzureML Data Scientist on "
    f"{PROVIDERS}Microsoft.MachineLearningServices/workspaces/forecasts"
)
APPS_ADVICE = f"give this identity the role Container Apps Contributor on {PROVIDERS}Microsoft.App/containerApps"
GROUP_ADVICE = f"give this identity the role Azure Container Instances Contributor Role on {GROUP}, which allows"
ASSIGN_ADVICE = f"give this identity the role Managed Identity Operator on {PULL_IDENTITY}"
JOIN_ADVICE = f"give this identity the role Network Contributor on {SUBNET}"
NEEDS = {
    (APP, "Storage Blob Data Owner"): [
        Need(store, BLOB_ADVICE),
        Need(lambda cloud: host(cloud).start(), "AuthorizationPermissionMismatch"),
    ],
    (APP, "Storage Queue Data Contributor"): [
        Need(lambda cloud: host(cloud).listen("retrain-requests"), "AuthorizationPermissionMismatch")
    ],
    (APP, "Storage Table Data Contributor"): [
        Need(lambda cloud: host(cloud).diagnose(), "AuthorizationPermissionMismatch")
    ],
    (APP, "Monitoring Metrics Publisher"): [
        Need(lambda cloud: host(cloud).report(), "Microsoft.Insights/Telemetry/write")
    ],
    (APP, "Key Vault Secrets Officer"): [Need(keep_key, VAULT_ADVICE)],
    (APP, "Container Registry Tasks Contributor"): [Need(build, BUILD_ADVICE)],
    (APP, "AcrPull"): [
        Need(run_a_job, "give this identity the role AcrPull on the registry forecastsacr"),
        Need(remove_image, f"give this identity the role AcrPull on {REGISTRY}"),
    ],
    (APP, "AcrDelete"): [Need(remove_image, f"give this identity the role AcrDelete on {REGISTRY}")],
    (APP, "AzureML Data Scientist"): [Need(see_workspace, ML_ADVICE)],
    (APP, "Azure Container Instances Contributor Role"): [Need(see_services, GROUP_ADVICE)],
    (APP, "Container Apps Contributor"): [Need(on_container_apps(create_service), APPS_ADVICE)],
    (APP, "Managed Identity Operator"): [Need(create_service, ASSIGN_ADVICE)],
    (APP, "Network Contributor"): [Need(create_service_in_the_network, JOIN_ADVICE)],
    (PULLER, "AcrPull"): [Need(create_service, "IDENTITY the role AcrPull there")],
    (TOPIC, "Storage Blob Data Contributor"): [Need(write_as_the_topic, BLOB_ADVICE)],
    (DEPLOYER, "Azure Container Instances Contributor Role"): [Need(by(DEPLOYER, see_services), GROUP_ADVICE)],
    (DEPLOYER, "Container Apps Contributor"): [Need(by(DEPLOYER, on_container_apps(create_service)), APPS_ADVICE)],
    (DEPLOYER, "EventGrid Contributor"): [
        Need(by(DEPLOYER, see_topics), f"give this identity the role EventGrid Contributor on {GROUP}")
    ],
    (DEPLOYER, "Website Contributor"): [
        Need(by(DEPLOYER, see_app), f"give this identity the role Website Contributor on {GROUP}/providers/Micro")
    ],
    (DEPLOYER, "Managed Identity Operator"): [Need(by(DEPLOYER, create_service), ASSIGN_ADVICE)],
    (DEPLOYER, "Network Contributor"): [Need(by(DEPLOYER, create_service_in_the_network), JOIN_ADVICE)],
    (DEPLOYER, "Storage Blob Data Contributor"): [Need(by(DEPLOYER, store), BLOB_ADVICE)],
    (DEPLOYER, "Storage Queue Data Contributor"): [Need(by(DEPLOYER, peek), "looking at queue .* refused")],
    (DEPLOYER, "Key Vault Secrets Officer"): [Need(by(DEPLOYER, keep_key), VAULT_ADVICE)],
    (DEPLOYER, "Container Registry Tasks Contributor"): [Need(by(DEPLOYER, build), BUILD_ADVICE)],
    (DEPLOYER, "AzureML Data Scientist"): [Need(by(DEPLOYER, see_workspace), ML_ADVICE)],
}
WHO = {APP: "app", PULLER: "pull", TOPIC: "topic", DEPLOYER: "deployer"}
ASSIGNMENTS = sorted(of_the_template(), key=lambda one: (one.who, one.role_name))
CASES = [
    pytest.param(one, need, id=f"{WHO[one.who]}, {one.role_name}, {place + 1}")
    for one in ASSIGNMENTS
    for place, need in enumerate(NEEDS.get((one.who, one.role_name), []))
]
ADVISED = {
    "Microsoft.Storage/storageAccounts/queueServices/queues/messages/read": "Storage Queue Data Contributor",
    "Microsoft.Storage/storageAccounts/tableServices/tables/write": "Storage Table Data Contributor",
    "Microsoft.Insights/Telemetry/write": "Monitoring Metrics Publisher",
    "Microsoft.ContainerRegistry/registries/pull/read": "AcrPull",
    "Microsoft.ContainerRegistry/registries/artifacts/delete": "AcrDelete",
    "Microsoft.ContainerRegistry/registries/scheduleRun/action": "Container Registry Tasks Contributor",
    "Microsoft.EventGrid/systemTopics/eventSubscriptions/write": "EventGrid Contributor",
    "Microsoft.Web/sites/host/listkeys/action": "Website Contributor",
    "Microsoft.Resources/deployments/write": "Contributor",
}


def test_no_role_is_given_that_no_call_needs():
    """Each assignment of the template is in the table, once, and the table has no others."""
    assert sorted((one.who, one.role_name) for one in ASSIGNMENTS) == sorted(NEEDS)


@pytest.mark.parametrize(("assignment", "need"), CASES)
def test_without_a_role_the_call_that_needs_it_is_refused(assignment: Assignment, need: Need, guarded: Cloud):
    """And with it the same call is made."""
    guarded.azure.taken_away = frozenset({assignment})
    with pytest.raises((RetrainError, HostFailed)) as refused:
        need.call(guarded)
    guarded.azure.taken_away = frozenset()
    need.call(guarded)

    assert re.search(need.says, str(refused.value)), str(refused.value)


def test_with_the_roles_of_the_template_a_first_model_is_promoted(guarded: Cloud):
    """No call of a run, of a build or of a service needs another."""
    report = guarded.land("one.csv", ONE)

    assert (report["status"], report["verdict"]) == ("done", "promote")


def test_an_identity_without_any_role_is_refused_everything(guarded: Cloud):
    """The gate and the emulator take no stranger."""
    stranger = guarded.acting_as("55555555-5555-5555-5555-555555555555")

    for call in (store, keep_key, build, see_workspace, see_services):
        with pytest.raises(AccessDenied):
            call(stranger)


@pytest.mark.parametrize("action", ADVISED)
def test_the_role_for_a_refused_action_is_known(action: str):
    """Whatever the call was."""
    assert role_for(action) == ADVISED[action]
