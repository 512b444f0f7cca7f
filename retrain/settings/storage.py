"""Where data, runs and models are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from retrain.errors import ConfigError
from retrain.settings.masking import quoted
from retrain.settings.setting import Group, Optional, setting

FEWEST_DAYS = 90  # fewer would be reports that a comparison or a review still names
CONTAINER = r"^[a-z0-9](-?[a-z0-9]){2,62}$"
BLOB_ENDPOINT = r"^https://[^/\s?#@]+(/[a-z0-9]+)?/?$"


def _named_folder(value: Any) -> Any:
    if isinstance(value, str) and not value.strip():
        raise ValueError("name a folder; write . for the current one")
    return value


def _long_enough(days: int) -> int:
    if 0 < days < FEWEST_DAYS:
        raise ValueError(f"write {FEWEST_DAYS} or more, or 0 to keep everything")
    return days


class StorageSettings(Group):
    """The store, and how to sign in to it."""

    store: Literal["folder", "blob"] = setting(
        "folder", "RETRAIN_STORE", "where data, runs and models are kept: `folder` or `blob`"
    )
    root: Annotated[Path, BeforeValidator(_named_folder)] = setting(
        Path(".retrain"), "RETRAIN_ROOT", "the folder that is used with RETRAIN_STORE=folder", unit="path"
    )
    transactions_container: str = setting(
        "transactions",
        "TRANSACTIONS_CONTAINER",
        "blob container in which new files of transactions land",
        unit="name",
        pattern=CONTAINER,
        max_length=63,
    )
    state_container: str = setting(
        "retrain",
        "RETRAIN_STATE_CONTAINER",
        "blob container for history, runs and models",
        unit="name",
        pattern=CONTAINER,
        max_length=63,
    )
    keep_days: Annotated[int, AfterValidator(_long_enough)] = setting(
        0,
        "RETRAIN_KEEP_DAYS",
        "time for which reports of runs, issued forecasts and copies of refused files are kept: 90 or more; 0 to "
        "keep all of them",
        unit="days",
        ge=0,
        le=36500,
    )
    connection: Optional[SecretStr] = setting(
        None,
        "TRANSACTIONS_STORAGE",
        "connection string of the storage account; leave it empty to sign in with an identity",
        secret=True,
    )
    uri: Optional[Annotated[str, Field(pattern=BLOB_ENDPOINT)]] = setting(
        None,
        "TRANSACTIONS_STORAGE__blobServiceUri",
        "blob endpoint of the storage account, to sign in with an identity",
        unit="URL",
    )
    client_id: Optional[str] = setting(
        None, "TRANSACTIONS_STORAGE__clientId", "client id of the user-assigned identity", unit="id"
    )

    @property
    def account(self) -> str:
        """The name of the storage account at `uri`, whose host may have a DNS zone; empty without one."""
        url = urlsplit(self.uri or "")
        return url.path.strip("/") or str(url.hostname or "").partition(".")[0].removesuffix("-secondary")

    def check(self) -> None:
        """See that a blob store can be reached and that its containers differ. Raises: ConfigError."""
        if self.store != "blob":
            return
        if not (self.connection or self.uri):
            raise ConfigError(
                "TRANSACTIONS_STORAGE is not set. Add it to Values in local.settings.json, or set "
                "TRANSACTIONS_STORAGE__blobServiceUri in the app settings of the Function App, for example "
                "TRANSACTIONS_STORAGE__blobServiceUri=https://ACCOUNT.blob.core.windows.net"
            )
        if self.transactions_container == self.state_container:
            raise ConfigError(
                f"TRANSACTIONS_CONTAINER and RETRAIN_STATE_CONTAINER are both {quoted(self.state_container)}; use "
                "two containers, because every record in the first would be read as a file of transactions"
            )
