"""What is kept of a champion after its promotion, and when it is told that its data have changed."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from retrain.settings.setting import Group, setting
from retrain.settings.storage import CONTAINER

SHORTEST_PROBATION = 56  # fewer days give no evidence, see `retrain.monitoring.probation`


def _enough(days: int) -> int:
    if 0 < days < SHORTEST_PROBATION:
        raise ValueError(f"write {SHORTEST_PROBATION} or more, because fewer days give no evidence, or 0")
    return days


class WatchSettings(Group):
    """The forecasts that are issued, where they are kept for others, and the alarms."""

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
    drift_alpha: float = setting(
        0.05,
        "RETRAIN_DRIFT_ALPHA",
        "the chance of an alarm in a year in which nothing has changed; 0 to watch nothing",
        unit="share",
        ge=0,
        le=0.2,
    )
    min_days_between_alarms: int = setting(
        28,
        "RETRAIN_MIN_DAYS_BETWEEN_ALARMS",
        "days of data from one alarm of a champion to its next one, at least",
        ge=1,
        le=3650,
    )
    probation_days: Annotated[int, AfterValidator(_enough)] = setting(
        91,
        "RETRAIN_PROBATION_DAYS",
        "days after its training in which a new champion is compared with the one before it, and taken back if "
        "that one is better; 0 for none, otherwise at least 56",
        unit="days",
        ge=0,
        le=366,
    )
    stale_days: int = setting(
        0,
        "RETRAIN_STALE_DAYS",
        "age of the newest day from which on the forecast is told to be stale; 0 for never, as where a file lands "
        "once a year",
        unit="days",
        ge=0,
        le=3650,
    )
