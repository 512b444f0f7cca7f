"""What every part of the emulator shares."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tests.azurite import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.azure.emulator.access import Access, Assignment
    from tests.azure.emulator.documents import Documents
    from tests.azure.emulator.images import Images
    from tests.azure.emulator.operations import Operations
    from tests.azure.emulator.routes import Routes
    from tests.azure.emulator.storage import Storage
    from tests.azure.emulator.timeline import Timeline

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
RESOURCE_GROUP = "forecasting"
WORKSPACE = "forecasts"
REGISTRY = "forecastsacr"
LOCATION = "westeurope"
FUNCTION_APP = "retrainer-app"
TOPIC = "landings"
PULL_IDENTITY = "puller"
ENVIRONMENT = "environment"
NETWORK = "network"
PROVIDERS = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{RESOURCE_GROUP}/providers/"
REGISTRY_PATH = f"{PROVIDERS}Microsoft.ContainerRegistry/registries/{REGISTRY}"
ENVIRONMENT_PATH = f"{PROVIDERS}Microsoft.App/managedEnvironments/{ENVIRONMENT}"
PULL = "Microsoft.ContainerRegistry/registries/pull/read"
WORKSPACE_PATH = f"{PROVIDERS}Microsoft.MachineLearningServices/workspaces/{WORKSPACE}"
ACCOUNT_PATH = f"{PROVIDERS}Microsoft.Storage/storageAccounts/{ACCOUNT}"

Runner = Literal["process", "thread"]


@dataclass
class Deployment:
    """How the Function App and what belongs to it are found."""

    python: str = "3.13"
    state: str = "Running"
    apps_environment: str = "Succeeded"
    settings: dict[str, str] = field(default_factory=dict)
    roles_of_puller: list[str] = field(default_factory=lambda: ["7f951dda-4ed3-4680-a7ca-43fe172d538d"])
    delegated: list[str] = field(default_factory=lambda: ["Microsoft.ContainerInstance/containerGroups"])


@dataclass
class Switches:
    """What a test may turn on the running emulator."""

    granted: bool = True
    signed_in: bool = True
    aci_without_address: bool = False
    app_without_address: bool = False
    app_without_cores: bool = False
    app_keeps_traffic: bool = False
    jobs_start: bool = True
    vault_refuses: bool = False
    broken_build: bool = False
    taken_away: frozenset[Assignment] = frozenset()
    added: frozenset[Assignment] = frozenset()
    abac: bool = False
    cores_of_jobs: int = 24
    container_groups: int = 100
    provider: str = "Registered"
    deployed: Deployment = field(default_factory=Deployment)
    tamper: dict[str, bytes] = field(default_factory=dict)
    kill_steps: dict[str, str] = field(default_factory=dict)

    @property
    def access(self) -> Access:
        """The role assignments in force: those of the template, but for what a test takes away or adds."""
        from tests.azure.emulator.access import Access, of_the_template

        return Access((of_the_template() - self.taken_away) | self.added)

    def reset(self) -> None:
        """All as at the start."""
        fresh = Switches()
        for name in Switches.__dataclass_fields__:
            setattr(self, name, getattr(fresh, name))


@dataclass(frozen=True, slots=True)
class World:
    """The parts that the resource providers are made of."""

    folder: Path
    runner: Runner
    arm_url: str
    environment: Mapping[str, str]
    switches: Switches
    storage: Storage
    documents: Documents
    images: Images
    operations: Operations
    timeline: Timeline
    routes: Routes
