"""A world on Azure for tests: the project's own wiring, the genuine SDKs, the emulator, Azurite as the storage."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from retrain.adapters.azure import aci, acr, app_client, arm, container_apps, online
from retrain.records.ledger import Ledger
from retrain.records.request import Trigger
from retrain.settings import Settings, parse
from retrain.wiring import connect
from tests.azure.emulator.world import ENVIRONMENT_PATH
from tests.builders import QUICK, ask, has_worked_off

if TYPE_CHECKING:
    import pytest

    from retrain.records.context import Context
    from tests.azure.emulator import Emulator
    from tests.azurite import SecureAzurite

PULL_IDENTITY = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/forecasting/providers"
    "/Microsoft.ManagedIdentity/userAssignedIdentities/puller"
)
CLIENT_ID = "11111111-1111-1111-1111-111111111111"


READY_SECONDS = 60  # a scoring process is ready in two on an idle machine
OPERATION_SECONDS = 60  # the emulator ends an operation in less than one
READ_SECONDS = 15  # and answers a call in milliseconds


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for Azure waits for the emulator, which is quicker.

    Every wait keeps a limit: a call whose answer is lost, or an operation that does not end, fails with its name
    before the test runs out of time.
    """
    monkeypatch.setattr(arm, "READ_SECONDS", READ_SECONDS)
    monkeypatch.setattr(aci, "OPERATION_SECONDS", OPERATION_SECONDS)
    monkeypatch.setattr(online, "OPERATION_SECONDS", OPERATION_SECONDS)
    monkeypatch.setattr(app_client, "OPERATION_SECONDS", OPERATION_SECONDS)
    monkeypatch.setattr(app_client, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(container_apps, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(container_apps, "ADDRESS_SECONDS", 0.5)
    monkeypatch.setattr(acr, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(aci, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(aci, "ADDRESS_SECONDS", 0.5)
    monkeypatch.setattr(arm, "FIRST_WAIT_SECONDS", 0.05)
    monkeypatch.setattr(arm, "LONGEST_WAIT_SECONDS", 0.3)


def on_a_laptop(azure: Emulator, patch: pytest.MonkeyPatch) -> None:
    """Act as whoever deploys and is signed in by `az`: Azure gives this process no identity."""
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "MSI_ENDPOINT", "MSI_SECRET"):
        patch.delenv(name, raising=False)
    patch.setenv("PATH", f"{azure.az.parent}{os.pathsep}{os.environ['PATH']}")


def on(target: str) -> dict[str, str]:
    """The settings of a target that differ from the default one's."""
    size = {"RETRAIN_CPU": "0.5", "RETRAIN_MEMORY_GB": "1"} if target == "container-apps" else {}
    return {"RETRAIN_TARGET": target, **size}


@dataclass
class Cloud:
    """One model's world in an emulated subscription; containers of the storage that nobody else uses."""

    azure: Emulator
    storage: SecureAzurite
    name: str
    overrides: dict[str, str] = field(default_factory=dict)
    later: timedelta = timedelta()
    calls_before: int = 0

    @property
    def environment(self) -> dict[str, str]:
        """The app settings of the Function App."""
        azure = self.azure
        return {
            **QUICK,
            "RETRAIN_PLATFORM": "azure",
            "RETRAIN_STORE": "blob",
            "RETRAIN_JOBS": "inline",
            "RETRAIN_MODEL_NAME": self.name,
            "RETRAIN_SUBSCRIPTION": azure.SUBSCRIPTION,
            "RETRAIN_RESOURCE_GROUP": azure.RESOURCE_GROUP,
            "RETRAIN_WORKSPACE": azure.WORKSPACE,
            "RETRAIN_REGISTRY": azure.REGISTRY,
            "RETRAIN_LOCATION": azure.LOCATION,
            "RETRAIN_PULL_IDENTITY": PULL_IDENTITY,
            "RETRAIN_CONTAINER_APPS_ENVIRONMENT": ENVIRONMENT_PATH,
            "RETRAIN_ARM_URL": azure.arm_url,
            "RETRAIN_READY_SECONDS": str(READY_SECONDS),
            "RETRAIN_FUNCTION_APP": azure.FUNCTION_APP,
            "TRANSACTIONS_CONTAINER": f"{self.name}-in",
            "RETRAIN_STATE_CONTAINER": f"{self.name}-state",
            "TRANSACTIONS_STORAGE__blobServiceUri": self.storage.url,
            "TRANSACTIONS_STORAGE__clientId": CLIENT_ID,
            **self.overrides,
        }

    @property
    def settings(self) -> Settings:
        return parse(self.environment)

    def acting_as(self, who: str, **overrides: str) -> Cloud:
        """The same world for another identity, with other settings."""
        return replace(self, overrides={**self.overrides, **overrides, "TRANSACTIONS_STORAGE__clientId": who})

    @property
    def context(self) -> Context:
        """Connected anew, as every trigger of the app does, `later` from now."""
        return replace(connect(self.settings), hears_all=True, now=lambda: datetime.now(UTC) + self.later)

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.context.state)

    @property
    def running(self) -> list[str]:
        """The versions whose service is alive, whatever the ledger thinks."""
        mine = f"{self.name}-v"
        return [name.removeprefix(mine) for name in self.azure.services() if name.startswith(mine)]

    def land(self, name: str, data: bytes) -> dict[str, Any]:
        """A file lands and its run is made; its report."""
        context = self.context
        context.inbox.write(name, data)
        return self._run(context, Trigger.BLOB, file=name)

    def run(self, trigger: Trigger = Trigger.TIMER) -> dict[str, Any]:
        """A run is asked for and made; its report."""
        return self._run(self.context, trigger)

    def _run(self, context: Context, trigger: Trigger, **asked: Any) -> dict[str, Any]:
        request = ask(trigger, context, **asked)
        assert has_worked_off(self.settings, context)
        return Ledger(context.state).run(request.run_id).as_json()
