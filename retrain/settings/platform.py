"""Where model versions run, and how a new one takes over."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from retrain.errors import ConfigError
from retrain.settings.setting import Group, Optional, setting


class PlatformSettings(Group):
    """What holds on every platform."""

    name: Literal["local", "azure"] = setting(
        "local",
        "RETRAIN_PLATFORM",
        "where model versions run: `local` for processes on this machine, `azure` for RETRAIN_TARGET",
    )
    ready_seconds: float = setting(
        300.0,
        "RETRAIN_READY_SECONDS",
        "time in which a new service must become ready",
        unit="seconds",
        gt=0,
        le=1800,
    )
    confirm_seconds: float = setting(
        3.0,
        "RETRAIN_CONFIRM_SECONDS",
        "time for which a new champion is watched after the switch",
        unit="seconds",
        ge=0,
        le=600,
    )
    keep_services: int = setting(
        2,
        "RETRAIN_KEEP_SERVICES",
        "champions, newest first, whose services keep running",
        unit="services",
        ge=1,
        le=20,
    )
    keep_images: int = setting(
        10,
        "RETRAIN_KEEP_IMAGES",
        "champions, newest first, whose images are kept; never fewer than have services",
        unit="images",
        ge=1,
        le=1000,
    )
    keys: Literal["state", "vault"] = setting(
        "state",
        "RETRAIN_KEYS",
        "where the keys of services are kept: `state` for their records, `vault` for an Azure Key Vault",
    )
    vault_url: Optional[Annotated[str, Field(pattern=r"^https://[^/\s?#@]+/?$")]] = setting(
        None,
        "RETRAIN_VAULT_URL",
        "the Key Vault, for example `https://NAME.vault.azure.net`, needed with RETRAIN_KEYS=vault",
        unit="URL",
    )
    key_overlap_hours: float = setting(
        24.0,
        "RETRAIN_KEY_OVERLAP_HOURS",
        "time for which a service also accepts the key before, after `retrain services --rotate`",
        unit="hours",
        ge=0,
        le=720,
    )
    model_name: str = setting(
        "daily-transactions",
        "RETRAIN_MODEL_NAME",
        "name of the model in the registry",
        unit="name",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$",
    )

    def check(self) -> None:
        """See that a vault is named where keys are kept in one. Raises: ConfigError naming the setting."""
        if self.keys == "vault" and not self.vault_url:
            raise ConfigError(
                "RETRAIN_VAULT_URL is not set, and RETRAIN_KEYS=vault needs it; write "
                "RETRAIN_VAULT_URL=https://NAME.vault.azure.net"
            )
