"""What is kept of a champion after its promotion."""

from __future__ import annotations

from retrain.settings.setting import Group, setting
from retrain.settings.storage import CONTAINER


class WatchSettings(Group):
    """The forecasts that are issued, and where they are kept for others."""

    issue_days: int = setting(
        28,
        "RETRAIN_ISSUE_DAYS",
        "length of the forecast that each run issues and keeps; 0 to issue none",
        unit="days",
        ge=0,
        le=365,
    )
    forecasts_container: str = setting(
        "forecasts",
        "RETRAIN_FORECASTS_CONTAINER",
        "blob container, or folder, in which issued forecasts are published as CSV and Parquet files",
        unit="name",
        pattern=CONTAINER,
        max_length=63,
    )
