"""What `azd up` does, on the emulator: it deploys the template, then the code, and runs the hook."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from infra import postdeploy
from retrain.settings.groups import names
from tests.azure.cloud import CLIENT_ID, on_a_laptop
from tests.azure.emulator.access import DEPLOYER
from tests.azure.emulator.host import FunctionsHost
from tests.azure.template import MAIN, azd, deploy
from tests.azure.template.check import AZD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.azure.cloud import Cloud
    from tests.azure.emulator import Emulator
    from tests.functions.worker import Worker

QUEUE = "retrain-requests"
PLACES = {
    "RETRAIN_SUBSCRIPTION", "RETRAIN_RESOURCE_GROUP", "RETRAIN_LOCATION", "RETRAIN_WORKSPACE", "RETRAIN_REGISTRY",
    "RETRAIN_PULL_IDENTITY", "RETRAIN_VAULT_URL", "RETRAIN_FUNCTION_APP", "TRANSACTIONS_STORAGE__blobServiceUri",
    "TRANSACTIONS_STORAGE__clientId", "APPLICATIONINSIGHTS_CONNECTION_STRING",
}  # fmt: skip
"""Settings of the template that name resources; the emulated ones have names of their own."""


def of_the_product(template: Mapping[str, str]) -> dict[str, str]:
    """The app settings that are settings of ours and name no resource."""
    return {name: value for name, value in template.items() if name in names() and name not in PLACES}


def app_settings(azure: Emulator) -> dict[str, str]:
    """The template is deployed: its containers are there, and the app has its settings."""
    azure.note("the template is deployed")
    deployment = deploy(azd.parameters(MAIN, {**AZD, "AZURE_PRINCIPAL_ID": DEPLOYER}))
    for container in deployment.of_type("Microsoft.Storage/storageAccounts/blobServices/containers"):
        azure.create_container(container.name)
    site = deployment.one("Microsoft.Web/sites")
    return {one["name"]: one["value"] for one in site.body["properties"]["siteConfig"]["appSettings"]}


def deploy_code(azure: Emulator, cloud: Cloud, worker: Worker) -> None:
    """The code is deployed: the host starts, makes its queue and, a moment later, its keys."""
    azure.note("the code is deployed")
    settings = {name: os.environ[name] for name in (*cloud.environment, "TRANSACTIONS_STORAGE__queueServiceUri")}
    known = {"AzureWebJobsStorage__clientId": CLIENT_ID, "TRANSACTIONS_STORAGE__credential": "managedidentity"}
    host = FunctionsHost({**settings, **known}, azure.environment, str(cloud.storage.certificate))
    host.listen(QUEUE)
    azure.deployed.settings = {**settings, **known}
    azure.app.deploy(worker, looks=2)
    azure.app.cool(404)


def run_hook(azure: Emulator, patch: pytest.MonkeyPatch) -> int:
    """azd runs the hook as whoever deploys."""
    azure.note("azd runs infra/postdeploy.py")
    patch.setattr(postdeploy, "PAUSE_SECONDS", 0)
    with pytest.MonkeyPatch.context() as laptop:
        on_a_laptop(azure, laptop)
        return postdeploy.main()
