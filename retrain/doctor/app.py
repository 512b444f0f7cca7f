"""The Function App: its host settings, what its triggers are told, and whether it runs."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from retrain.adapters.azure.event_grid import EXTENSION
from retrain.adapters.azure.function_app import API, FunctionApp
from retrain.adapters.azure.roles import role_for
from retrain.doctor.check import Check, Finding, fault, ok, warning
from retrain.settings.azure import FUNCTION_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from retrain.adapters.azure.rest import Rest
    from retrain.settings import Settings

RESOLVED = re.compile(r"%(\w+)%")
"""A name in a trigger that the host replaces by an app setting."""
CONNECTION = ("TRANSACTIONS_STORAGE__blobServiceUri", "TRANSACTIONS_STORAGE__queueServiceUri")
BY_IDENTITY = ("TRANSACTIONS_STORAGE__credential", "TRANSACTIONS_STORAGE__clientId")
OWN_NAME = "WEBSITE_SITE_NAME"
"""What Azure tells the app itself: its name."""


def host_checks(settings: Settings, folder: Path) -> list[Check]:
    """Of the files that are deployed. Args: folder: the one that holds host.json."""
    return [
        Check("host", lambda: host(folder)),
        Check("jobs", lambda: jobs(settings, folder)),
    ]


def app_checks(
    settings: Settings, environment: Mapping[str, str], rest: Rest, group: str, folder: Path
) -> list[Check]:
    """Of the app as it is deployed. Args: group: the path of its resource group."""
    name = settings.triggers.function_app
    if not name:
        told = "the Function App was not looked at, because its name is not known"
        return [Check("app", lambda: warning(told, "set RETRAIN_FUNCTION_APP to its name"))]
    site = f"{group}/providers/Microsoft.Web/sites/{name}"
    looks = {
        "app": lambda: app(site, rest),
        "app settings": lambda: app_settings(site, environment, rest, folder, settings),
        "host keys": lambda: host_keys(settings, rest),
    }
    scope = site.lstrip("/")
    return [
        Check(name, look, role_for(site), scope, optional=True, after="identity") for name, look in looks.items()
    ]


def host(folder: Path) -> Finding:
    """host.json is there and says how long a trigger may run."""
    file = folder / "host.json"
    if not file.is_file():
        return warning(f"{file} is missing, so it was not looked at", "run this from a checkout")
    return ok(f"host.json ends a trigger after {function_seconds(file)} s")


def function_seconds(file: Path) -> int:
    """`functionTimeout` of a host.json; the default of Flex Consumption if it says none."""
    told = json.loads(file.read_text(encoding="utf-8")).get("functionTimeout")
    if told in (None, "-1"):
        return FUNCTION_SECONDS
    hours, minutes, seconds = map(int, str(told).split(":"))
    return hours * 3600 + minutes * 60 + seconds


def jobs(settings: Settings, folder: Path) -> Finding:
    """A promotion is not cut off by the host without a message."""
    if not settings.azure.is_inline:
        return ok("promotions are jobs of Azure ML")
    file = folder / "host.json"
    limit = function_seconds(file) if file.is_file() else FUNCTION_SECONDS
    longest = settings.azure.inline_seconds(settings.platform)
    if settings.azure.target != "aci":
        return warning(
            f"with RETRAIN_JOBS=inline and RETRAIN_TARGET={settings.azure.target}, a promotion may take longer "
            f"than the {limit} s after which the host ends it; the next trigger then continues it",
            "set RETRAIN_JOBS=azureml",
        )
    if longest >= limit:
        return fault(
            f"with RETRAIN_JOBS=inline a promotion may take {longest:g} s, and the host ends it after {limit} s",
            "set functionTimeout in host.json to 00:30:00, or RETRAIN_JOBS=azureml",
        )
    return ok(f"promotions are made by the triggered process, in at most {longest:g} of {limit} s")


def app(site: str, rest: Rest) -> Finding:
    """It runs, on the Python that everything is pinned for."""
    found = rest.get(site, f"looking at {site.lstrip('/')}", api_version=API).get("properties") or {}
    runtime = (found.get("functionAppConfig") or {}).get("runtime") or {}
    named = f"{runtime.get('name', 'an unknown runtime')} {runtime.get('version', '')}".strip()
    if named != "python 3.13":
        return fault(f"it runs {named}, and this version of retrain needs python 3.13", "set its runtime version")
    if found.get("state") != "Running":
        return fault(f"it is {str(found.get('state')).lower()}", "start it: `az functionapp start`")
    return ok(f"it runs {named}")


def app_settings(
    site: str, environment: Mapping[str, str], rest: Rest, folder: Path, settings: Settings
) -> Finding:
    """The host finds every name that the triggers refer to, and the connection of each."""
    told: Mapping[str, Any] = environment
    if environment.get(OWN_NAME) is None:
        where = f"{site}/config/appsettings/list"
        told = rest.post(where, f"reading the settings of {site.lstrip('/')}", api_version=API)["properties"]
    code = folder / "function_app.py"
    named = RESOLVED.findall(code.read_text(encoding="utf-8")) if code.is_file() else []
    needed = [*dict.fromkeys(named), *CONNECTION, *(BY_IDENTITY if settings.storage.client_id else ())]
    missing = [name for name in needed if not told.get(name) and not _by_connection(name, told)]
    if missing:
        return fault(
            f"{', '.join(missing)} are not set, which the host needs to start the triggers",
            "add them to the app settings of the Function App",
        )
    return ok(f"the {len(needed)} that the host needs are set")


def host_keys(settings: Settings, rest: Rest) -> Finding:
    """The host has made the key by which Event Grid may call it."""
    if not FunctionApp(rest, settings).system_key(EXTENSION):
        return fault(
            f"the host has not made the key {EXTENSION}, without which no event reaches the blob trigger",
            "deploy the code, open an address of the app once so that its host starts, and look again",
        )
    return ok(f"the key {EXTENSION} is there")


def _by_connection(name: str, told: Mapping[str, Any]) -> bool:
    return name.startswith("TRANSACTIONS_STORAGE__") and bool(told.get("TRANSACTIONS_STORAGE"))
