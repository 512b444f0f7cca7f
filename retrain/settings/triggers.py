"""When the Function App starts a run by itself."""

from __future__ import annotations

from typing import Literal

from retrain.settings.setting import Group, setting


class TriggerSettings(Group):
    """The timer, and how the blob trigger learns of a file.

    The platform reads both variables itself, at start; they are checked here so that a wrong one is reported.
    """

    schedule: str = setting(
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
