"""The list of checks for some settings."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from retrain.doctor.check import Check, Finding, fault, ok
from retrain.doctor.leftovers import sweep_check
from retrain.doctor.machine import folder_checks, machine_checks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from retrain.errors import ConfigError
    from retrain.settings import Settings


def all_checks(settings: Settings, environment: Mapping[str, str], *, folder: Path | None = None) -> list[Check]:
    """Every check that these settings call for, each after those that it depends on.

    Args: folder: where function_app.py and host.json are; by default, where this package lies.
    """
    from retrain.wiring import connect

    home = folder or _home()
    context = connect(settings)
    local = settings.platform.name == "local"
    checks = [Check("settings", lambda: _in_force(settings)), *machine_checks(home / "requirements.txt")]
    if settings.storage.store == "folder":
        checks += folder_checks(settings.storage.root, context.state, serves_here=local)
        return [*checks, sweep_check(context)]

    from retrain.adapters.azure.rest import STORAGE_SCOPE, arm, resource_group
    from retrain.doctor.app import app_checks, host_checks
    from retrain.doctor.azure import azure_checks, who
    from retrain.doctor.container_apps import container_apps_checks
    from retrain.doctor.events import event_checks
    from retrain.doctor.storage import storage_checks
    from retrain.wiring import vault

    scope = STORAGE_SCOPE if local else f"{settings.azure.arm_url}/.default"
    if settings.storage.connection is None or not local:
        checks.append(Check("identity", lambda: who(settings, scope)))
    checks += storage_checks(settings, environment, context.state)
    checks.append(sweep_check(context))
    if not local:
        rest, group = arm(settings), resource_group(settings)
        checks += host_checks(settings, home)
        checks += azure_checks(settings, rest, vault(settings))
        checks += container_apps_checks(settings, rest, context)
        checks += app_checks(settings, environment, rest, group, home)
        checks += event_checks(settings, group)
    return checks


def checks_without_settings(error: ConfigError) -> list[Check]:
    """What can be looked at if the settings are wrong."""
    return [Check("settings", lambda: fault(str(error))), *machine_checks(_home() / "requirements.txt")]


def _in_force(settings: Settings) -> Finding:
    chosen = [source for source in settings.sources.values() if source != "default"]
    where = f"RETRAIN_STORE={settings.storage.store}, RETRAIN_PLATFORM={settings.platform.name}"
    return ok(f"{len(settings.sources)} are valid, {len(chosen)} of them set; {where}")


def _home() -> Path:
    return Path(str(resources.files("retrain"))).parent
