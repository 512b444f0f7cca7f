"""The template of `infra/`: safe by default, and of one mind with the product about its settings."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from retrain.settings import parse
from retrain.settings.groups import names
from tests.azure.emulator.access import DEPLOYER, TOPIC, of_the_template
from tests.azure.emulator.standing import APP, PULLER
from tests.azure.template import MAIN, Deployment, TemplateError, azd, deploy
from tests.azure.template.check import AZD, CONTAINER_APPS, EVERYTHING

ROOT = MAIN.parents[1]
STORAGE = "Microsoft.Storage/storageAccounts"
FOR_APP_AND_JOBS = {"APPLICATIONINSIGHTS_CONNECTION_STRING"}
"""Settings that the command line of a person is not told, who has no role to send telemetry."""


def deployed(environment: dict[str, str] = AZD) -> Deployment:
    """What azd deploys in an environment."""
    return deploy(azd.parameters(MAIN, environment))


def app_settings(deployment: Deployment) -> dict[str, str]:
    """The app settings of the Function App."""
    site = deployment.one("Microsoft.Web/sites")
    return {one["name"]: one["value"] for one in site.body["properties"]["siteConfig"]["appSettings"]}


@pytest.mark.parametrize(
    ("parameter", "value"),
    [("registrySku", "Free"), ("alwaysReady", -1), ("instanceMemoryMB", 1024), ("environmentName", "")],
)
def test_a_parameter_outside_its_limits_is_refused(parameter: str, value: Any):
    """Before anything is deployed."""
    with pytest.raises(TemplateError, match=f"{parameter} is"):
        deploy({**azd.parameters(MAIN, AZD), parameter: value})


def test_every_parameter_can_be_set_by_azd():
    """And none is unknown to the template."""
    given = set(azd.parameters(MAIN, AZD))
    declared = set(re.findall(r"^param (\w+)", MAIN.read_text(encoding="utf-8"), re.MULTILINE))

    assert declared - given == {"thisMonth"}  # it is the time of the deployment
    assert given <= declared


def test_the_product_takes_the_app_settings_as_they_are():
    """It checks itself that nothing is missing for Azure."""
    for environment in (AZD, EVERYTHING, CONTAINER_APPS):
        settings = parse(app_settings(deployed(environment)))

        assert settings.platform.name == "azure"
        assert settings.azure.jobs == "azureml"


def test_every_app_setting_is_known_to_whom_it_is_for():
    """The product, or the platform."""
    platform = re.compile(
        r"(AzureWebJobsStorage|TRANSACTIONS_STORAGE)__(blobServiceUri|queueServiceUri|tableServiceUri|credential|clientId)"
        r"|APPLICATIONINSIGHTS_(CONNECTION|AUTHENTICATION)_STRING|AZURE_CLIENT_ID"
    )

    strange = [name for name in app_settings(deployed()) if name not in names() and not platform.fullmatch(name)]

    assert strange == []


def test_every_name_that_the_triggers_leave_to_the_platform_is_set():
    """`%NAME%` is resolved by the host, from app settings alone; a connection is a prefix."""
    code, settings = (ROOT / "function_app.py").read_text(encoding="utf-8"), app_settings(deployed())
    connections = {*re.findall(r'^STORAGE = "(\w+)"', code, re.MULTILINE), "AzureWebJobsStorage"}
    wanted = {f"{one}__{part}" for one in connections for part in ("queueServiceUri", "blobServiceUri", "clientId")}

    missing = {*re.findall(r"%(\w+)%", code), *wanted, "AzureWebJobsStorage__tableServiceUri"} - set(settings)

    assert missing == set()
    assert {settings[f"{one}__credential"] for one in connections} == {"managedidentity"}


def test_the_queue_is_the_one_that_the_triggers_name():
    """And the host finds it."""
    (queue,) = re.findall(
        r'^QUEUE = "([\w-]+)"', (ROOT / "function_app.py").read_text(encoding="utf-8"), re.MULTILINE
    )

    assert [one.name for one in deployed().of_type(f"{STORAGE}/queueServices/queues")] == [queue]


def test_the_containers_are_those_of_the_settings():
    """The product creates none where it may not."""
    deployment = deployed()
    settings = parse(app_settings(deployment))
    made = {one.name for one in deployment.of_type(f"{STORAGE}/blobServices/containers")}

    named = {settings.storage.transactions_container, settings.storage.state_container}
    named |= {settings.watch.forecasts_container, settings.triggers.dead_letters}
    assert {*named, "app-package"} == made


def test_the_command_line_is_told_the_same_settings_as_the_app():
    """azd gives the outputs to the hook, which releases and subscribes with them."""
    deployment = deployed(EVERYTHING)
    settings = app_settings(deployment)
    told = {name: value for name, value in deployment.outputs.items() if not name.startswith("AZURE_")}

    assert told == {name: settings[name] for name in settings.keys() & set(names()) - FOR_APP_AND_JOBS}


def test_no_secret_is_a_parameter_or_an_output():
    """Nothing asks Azure for a key."""
    texts = {file.name: file.read_text(encoding="utf-8") for file in MAIN.parent.glob("*.bicep")}

    assert [
        name for name, text in texts.items() if re.search(r"listKeys|listSecrets|AccountKey=|@secure", text)
    ] == []
    assert [name for name in deployed().outputs if re.search(r"KEY$|SECRET|PASSWORD|CONNECTION", name)] == []


def test_storage_is_closed_to_keys_and_to_the_public():
    """Files that were replaced or deleted can be had again for a month."""
    account, blobs = deployed().one(STORAGE).body["properties"], deployed().one(f"{STORAGE}/blobServices")

    assert (account["allowSharedKeyAccess"], account["allowBlobPublicAccess"]) == (False, False)
    assert (account["minimumTlsVersion"], account["supportsHttpsTrafficOnly"]) == ("TLS1_2", True)
    assert blobs.body["properties"]["isVersioningEnabled"] is True
    assert blobs.body["properties"]["deleteRetentionPolicy"] == {"enabled": True, "days": 30}
    assert all(
        one.body["properties"]["publicAccess"] == "None"
        for one in deployed().of_type(f"{STORAGE}/blobServices/containers")
    )


def test_lifecycle_rules_remove_what_nobody_reads_again():
    """No rule touches a landed file, a version, or a run."""
    rules = deployed().one(f"{STORAGE}/managementPolicies").body["properties"]["policy"]["rules"]
    current = [rule["definition"] for rule in rules if "baseBlob" in rule["definition"]["actions"]]

    assert [one["filters"]["prefixMatch"] for one in current] == [["retrain/before-rebuild/"], ["dead-letters/"]]


def test_the_app_signs_in_and_speaks_tls():
    """Its package, its storage, its telemetry and its publishing know no password."""
    deployment = deployed()
    site = deployment.one("Microsoft.Web/sites").body
    storage = site["properties"]["functionAppConfig"]["deployment"]["storage"]

    assert site["properties"]["httpsOnly"] is True
    assert site["properties"]["siteConfig"]["minTlsVersion"] == "1.2"
    assert storage["authentication"]["type"] == "UserAssignedIdentity"
    assert deployment.one("Microsoft.Insights/components").body["properties"]["DisableLocalAuth"] is True
    assert deployment.one("Microsoft.ContainerRegistry/registries").body["properties"]["adminUserEnabled"] is False
    assert deployment.one("Microsoft.KeyVault/vaults").body["properties"]["enableRbacAuthorization"] is True
    publishing = deployment.of_type("Microsoft.Web/sites/basicPublishingCredentialsPolicies")
    assert [one.body["properties"]["allow"] for one in publishing] == [False, False]


def test_the_app_runs_this_python_on_flex_consumption_and_takes_several_requests_at_once():
    """One at a time is Azure's default for Python."""
    deployment = deployed()
    config = deployment.one("Microsoft.Web/sites").body["properties"]["functionAppConfig"]
    wanted = re.search(r'requires-python = ">=([\d.]+)', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    assert wanted is not None
    assert config["runtime"] == {"name": "python", "version": wanted[1]}
    assert deployment.one("Microsoft.Web/serverfarms").body["sku"]["name"] == "FC1"
    assert config["scaleAndConcurrency"]["triggers"]["http"]["perInstanceConcurrency"] == 8


def test_containers_are_given_another_identity_than_the_app():
    """Who breaks into a service with a public address may pull images and nothing else."""
    deployment = deployed()
    settings = app_settings(deployment)
    app = deployment.one("Microsoft.Web/sites").body["identity"]["userAssignedIdentities"]

    assert settings["RETRAIN_PULL_IDENTITY"] not in app
    assert len(deployment.of_type("Microsoft.ManagedIdentity/userAssignedIdentities")) == 2


def test_the_workspace_keeps_its_own_identity_beside_that_of_jobs():
    """With it alone, Azure gives a workspace the roles on what it needs."""
    workspace = deployed().one("Microsoft.MachineLearningServices/workspaces").body

    assert workspace["identity"]["type"] == "SystemAssigned,UserAssigned"
    assert "primaryUserAssignedIdentity" not in workspace["properties"]
    assert workspace["properties"]["systemDatastoresAuthMode"] == "Identity"


def test_without_a_private_network_there_is_none():
    """And with it storage and vault refuse everybody else, but Event Grid is let in."""
    plain, private = deployed(), deployed({**AZD, "AZURE_PRIVATE_NETWORK": "true"})
    account = private.one(STORAGE).body["properties"]

    assert [one.type for one in plain.made if one.type.startswith("Microsoft.Network/")] == []
    assert (account["publicNetworkAccess"], account["networkAcls"]["defaultAction"]) == ("Disabled", "Deny")
    assert account["networkAcls"]["bypass"] == "AzureServices"
    assert private.one("Microsoft.KeyVault/vaults").body["properties"]["publicNetworkAccess"] == "Disabled"
    assert app_settings(private)["RETRAIN_SUBNET"].endswith("/subnets/services")


def test_a_budget_and_a_cap_on_logs_tell_before_it_is_dear():
    """Mail at half, at four fifths, and at all of it."""
    deployment = deployed(EVERYTHING)
    notifications = deployment.one("Microsoft.Consumption/budgets").body["properties"]["notifications"]
    logs = deployment.one("Microsoft.OperationalInsights/workspaces").body["properties"]

    assert sorted(one["threshold"] for one in notifications.values()) == [50, 80, 100]
    assert logs["workspaceCapping"] == {"dailyQuotaGb": 1}
    assert deployed().of_type("Microsoft.Consumption/budgets") == []


def test_azd_deploys_this_folder_and_runs_the_hook():
    """`azure.yaml` holds what azd's schema allows for a function, and nothing else."""
    project = yaml.safe_load((ROOT / "azure.yaml").read_text(encoding="utf-8"))
    (service,) = project["services"].values()

    assert set(project) == {"name", "infra", "services", "hooks"}
    assert service == {"project": ".", "host": "function", "language": "python", "remoteBuild": True}
    assert project["hooks"] == {"postdeploy": {"kind": "python", "run": "infra/postdeploy.py"}}
    assert (ROOT / project["infra"]["path"] / f"{project['infra']['module']}.bicep") == MAIN


def test_the_app_carries_the_name_by_which_azd_finds_it():
    """`azd deploy` looks for the tag."""
    project = yaml.safe_load((ROOT / "azure.yaml").read_text(encoding="utf-8"))

    assert deployed().one("Microsoft.Web/sites").body["tags"]["azd-service-name"] in project["services"]


def test_nothing_of_the_template_is_in_the_package_of_the_app():
    """What deploys the app is no part of it."""
    ignored = (ROOT / ".funcignore").read_text(encoding="utf-8").splitlines()

    assert {"infra", "azure.yaml"} <= {one.strip("/") for one in ignored}


def table(title: str) -> list[list[str]]:
    """The rows of a table in the template's own page."""
    page = (MAIN.parent / "README.md").read_text(encoding="utf-8").partition(f"## {title}")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in page.splitlines() if line.startswith("| ")]
    return [[cell.strip(" `") for cell in row] for row in rows[1:]]


def test_the_page_names_every_parameter_with_its_default():
    """As azd takes them."""
    text = MAIN.with_suffix(".parameters.json").read_text(encoding="utf-8")
    substituted = re.findall(r"\$\{(\w+)=?([^}]*)\}", text)

    assert sorted((row[0], row[1]) for row in table("Parameters")) == sorted(substituted)


def test_the_page_names_every_file():
    """And no other."""
    page = (MAIN.parent / "README.md").read_text(encoding="utf-8").partition("## Parameters")[0]
    named = set(re.findall(r"`([\w.-]+\.(?:bicep|json|py))`", page))

    assert named == {file.name for file in MAIN.parent.iterdir() if file.suffix in (".bicep", ".json", ".py")}


def test_the_page_names_every_role_of_each_identity():
    """Once, as the template gives it."""
    who = {APP: "app and jobs", PULLER: "services", TOPIC: "Event Grid", DEPLOYER: "deployer"}

    assert sorted(tuple(row[:2]) for row in table("Roles")) == sorted(
        (who[one.who], one.role_name) for one in of_the_template()
    )
