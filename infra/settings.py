"""The settings of `AZURE_RETRAIN_SETTINGS`, for the hook as the template gives them to the app.

A release has the fingerprint of some of them: an app with others would not find it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from retrain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import MutableMapping

VARIABLE = "AZURE_RETRAIN_SETTINGS"
PARAMETERS = "a parameter of infra/README.md may"
# What the template makes, or gives roles for: `made` in main.bicep, and the host's own part in app.bicep.
OF_THE_TEMPLATE = {
    "RETRAIN_PLATFORM", "RETRAIN_STORE", "RETRAIN_TARGET", "RETRAIN_SUBSCRIPTION", "RETRAIN_RESOURCE_GROUP",
    "RETRAIN_WORKSPACE", "RETRAIN_REGISTRY", "RETRAIN_PULL_IDENTITY", "RETRAIN_CONTAINER_APPS_ENVIRONMENT",
    "RETRAIN_VAULT_URL", "RETRAIN_SUBNET", "RETRAIN_FUNCTION_APP", "RETRAIN_DEAD_LETTERS",
    "RETRAIN_STATE_CONTAINER", "RETRAIN_FORECASTS_CONTAINER", "TRANSACTIONS_CONTAINER",
    "TRANSACTIONS_STORAGE__blobServiceUri",
    "TRANSACTIONS_STORAGE__queueServiceUri", "TRANSACTIONS_STORAGE__credential", "TRANSACTIONS_STORAGE__clientId",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
}  # fmt: skip
NAME = re.compile(r"\w+", re.ASCII)
OF_A_VAULT = "@Microsoft.KeyVault("
OURS = ("RETRAIN_", "TRANSACTIONS_")


def take_over(environment: MutableMapping[str, str]) -> None:
    """Put the given settings into an environment; what only the app can read, a secret of a vault, stays out.

    Raises: ConfigError for what would not be in force in the app as it is written.
    """
    for name, value in _given(environment.get(VARIABLE, "")).items():
        if name.startswith(OURS) and not value.startswith(OF_A_VAULT):
            environment[name] = value


def _given(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for piece in filter(str.strip, text.split(";")):
        name, sign, value = (part.strip() for part in piece.partition("="))
        if not sign or not NAME.fullmatch(name):
            raise ConfigError(f"{VARIABLE}: {name!r} is no NAME=VALUE; a value cannot hold a semicolon")
        if value.startswith(OF_A_VAULT) and not value.endswith(")"):
            raise ConfigError(f"{VARIABLE}: {name} is cut at a semicolon; write {OF_A_VAULT}SecretUri=ADDRESS)")
        if name in OF_THE_TEMPLATE:
            raise ConfigError(f"{VARIABLE}: the template decides {name}; take it out ({PARAMETERS} change it)")
        found[name] = value
    return found
