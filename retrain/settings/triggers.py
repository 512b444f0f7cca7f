"""When the Function App starts a run by itself."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from retrain.settings.schedule import checked
from retrain.settings.setting import Group, Optional, setting
from retrain.settings.storage import CONTAINER

SITE = r"^[A-Za-z0-9][A-Za-z0-9-]{0,58}[A-Za-z0-9]$"


class TriggerSettings(Group):
    """The timer, and how the blob trigger learns of a file.

    The platform reads the first two itself, at start; they are checked here so that a wrong one is reported.
    """

    schedule: Annotated[str, AfterValidator(checked)] = setting(
        "0 0 3 * * *",
        "RETRAIN_SCHEDULE",
        "when the timer starts a run: six cron fields, in UTC",
        unit="cron",
        pattern=r"^\S+( \S+){5}$",
    )
    blob_source: Literal["EventGrid", "LogsAndContainerScan"] = setting(
        "EventGrid",
        "RETRAIN_BLOB_SOURCE",
        "how the blob trigger learns of a file: `EventGrid`; `LogsAndContainerScan` polls, for `func start`",
    )
    function_app: Optional[Annotated[str, Field(pattern=SITE)]] = setting(
        None,
        "RETRAIN_FUNCTION_APP",
        "Function App that is told of new files; `retrain subscribe` needs it",
        unit="name",
    )
    dead_letters: str = setting(
        "dead-letters",
        "RETRAIN_DEAD_LETTERS",
        "blob container for events that Event Grid could not deliver",
        unit="name",
        pattern=CONTAINER,
        max_length=63,
    )
