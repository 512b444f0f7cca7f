"""What `retrain acquire` downloads."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from retrain.settings.setting import Group, Optional, setting

ADVENTUREWORKS_URL = (
    "https://raw.githubusercontent.com/microsoft/sql-server-samples/master/samples/databases/"
    "adventure-works/oltp-install-script/TransactionHistory.csv"
)


class AcquireSettings(Group):
    """The address, and what must be found there."""

    url: str = setting(
        ADVENTUREWORKS_URL,
        "RETRAIN_ACQUIRE_URL",
        "address from which `retrain acquire` downloads the transaction history",
        unit="URL",
        secret=True,  # a signed address is one
        pattern=r"^https?://",
    )
    sha256: Optional[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]] = setting(
        None,
        "RETRAIN_ACQUIRE_SHA256",
        "SHA-256 that the download must have; empty for no check",
        unit="hex digits",
    )
