"""A folder of files as daily amounts."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from retrain.data.landed import Aggregate
from retrain.data.series import DailySeries, GapPolicy, daily_series
from retrain.reading.rules import Reading
from retrain.reading.transactions import read_landed


def files_of(folder: Path) -> list[Path]:
    """The data files of a folder, by name: its .csv files, or if there are none, all files.

    Raises: SystemExit if there are none.
    """
    found = sorted(folder.glob("*.csv")) or sorted(file for file in folder.glob("[!.]*") if file.is_file())
    if not found:
        raise SystemExit(f"{folder} holds no data files; name a folder of daily series: DATA=folder")
    return found


def amounts(file: Path) -> dict[date, float]:
    """One amount a day. Of a .csv file the first two columns, date and value; any other file as it is landed."""
    if file.suffix != ".csv":
        with file.open("rb") as stream:
            landed = read_landed(stream, file.name, Reading(), datetime.now(UTC).date())
        return landed.amounts(Aggregate.MEAN)
    import pandas as pd

    table = pd.read_csv(file).dropna()
    days = pd.DatetimeIndex(pd.to_datetime(table.iloc[:, 0])).tz_localize(None)
    return dict(zip(days.date.tolist(), table.iloc[:, 1].astype(float).tolist(), strict=True))


def series_of(files: list[Path]) -> DailySeries:
    """Every day of the files, the later one winning, missing days interpolated."""
    days: dict[date, float] = {}
    for file in files:
        days |= amounts(file)
    return daily_series(days, GapPolicy.INTERPOLATE)


def stem(file: Path) -> str:
    """The file's name without its suffixes."""
    return file.name.split(".")[0]
