"""The check of the template, which `make lint` runs: nothing is wrong, and each kind of mistake is found."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.azure.template import MAIN, types
from tests.azure.template.check import problems

if TYPE_CHECKING:
    from pathlib import Path

typed = pytest.mark.skipif(not types.FOLDER.exists(), reason="Microsoft's types are not beside the project")


def test_nothing_is_wrong():
    """Every file parses, every declaration is reached and used, every resource has its type."""
    assert problems() == []


MISTAKES = {
    "no Bicep": ("vault.bicep", "properties: {", "properties: {{", "is not valid Bicep"),
    "a name that is not there": (
        "app.bicep",
        "serverFarmId: plan.id",
        "serverFarmId: plans.id",
        "there is no plans",
    ),
    "a parameter that is not there": (
        "main.bicep",
        "sku: registrySku }",
        "kind: registrySku }",
        "no parameter kind",
    ),
    "a parameter that is missing": ("main.bicep", ", sku: registrySku }", " }", "sku is not given"),
    "a parameter of another type": ("main.bicep", "amount: monthlyBudget", "amount: 'much'", "not of the type int"),
    "an output that is not there": ("main.bicep", "vault.outputs.url", "vault.outputs.uri", "there is no uri"),
    "a parent of another type": ("storage.bicep", "parent: queues", "parent: account", "the parent of"),
    "a declaration that nothing deploys": (
        "storage.bicep",
        "\nresource queues",
        "\nresource idle 'Microsoft.Storage/storageAccounts/tableServices@2025-01-01' = if (sku == 'x') {\n"
        "  parent: account\n  name: 'default'\n}\n\nresource queues",
        "is reached by no deployment",
    ),
    "a name that is never used": (
        "vault.bicep",
        "param tags object",
        "param tags object\nvar idle = 1",
        "never used",
    ),
}
MISTYPED = {
    "a property renamed": ("storage.bicep", "allowBlobPublicAccess:", "allowPublicBlobs:", "is unknown"),
    "a read-only property": (
        "vault.bicep",
        "    enableSoftDelete: true",
        "    hsmPoolResourceId: 'x'",
        "properties.hsmPoolResourceId is read-only",
    ),
    "a required property removed": (
        "vault.bicep",
        "    tenantId: subscription().tenantId\n",
        "",
        "tenantId is missing",
    ),
    "a wrong literal": ("storage.bicep", "'TLS1_2'", "'TLS12'", "must be one of TLS1_0"),
    "a text for a number": ("app.bicep", "maximumInstanceCount: 40", "maximumInstanceCount: '40'", "the type int"),
    "an object for a list": (
        "network.bicep",
        "addressPrefixes: ['10.20.0.0/16']",
        "addressPrefixes: {}",
        "an array",
    ),
    "an unknown type": (
        "registry.bicep",
        "'Microsoft.ContainerRegistry/registries@",
        "'Microsoft.ContainerRegistry/registers@",
        "nothing is known of Microsoft.ContainerRegistry/registers",
    ),
    "an unknown version": ("registry.bicep", "registries@2025-04-01", "registries@2015-04-01", "has no version"),
    "a property that nobody tells": (
        "identities.bicep",
        "pull.properties.principalId",
        "pull.properties.id",
        "pull",
    ),
    "a field of a type without types": (
        "monitoring.bicep",
        "groupShortName:",
        "shortName:",
        "shortName is unknown",
    ),
    "a wrong literal in an open union": (
        "workspace.bicep",
        "'Identity'",
        "'Identities'",
        "must be one of AccessKey",
    ),
}


def with_mistake(folder: Path, file: str, old: str, new: str) -> list[str]:
    """The problems of a copy of the template in which a text is another."""
    shutil.copytree(MAIN.parent, folder / "infra")
    changed = folder / "infra" / file
    text = changed.read_text(encoding="utf-8")
    assert old in text
    changed.write_text(text.replace(old, new, 1), encoding="utf-8")
    return problems(folder / "infra" / "main.bicep")


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_the_language_is_found(mistake: str, tmp_path: Path):
    """With the file and the line."""
    file, old, new, told = MISTAKES[mistake]

    found = with_mistake(tmp_path, file, old, new)

    assert any(told in one and re.match(r"infra/\w+\.bicep:\d+: ", one) for one in found), found


@typed
@pytest.mark.parametrize("mistake", MISTYPED)
def test_a_mistake_in_a_resource_is_found(mistake: str, tmp_path: Path):
    """By Microsoft's types."""
    file, old, new, told = MISTYPED[mistake]

    found = with_mistake(tmp_path, file, old, new)

    assert any(told in one and one.startswith(f"infra/{file}:") for one in found), found
