"""The forecasts that a champion has issued: each is written once, before the days that it is about are known."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal

import numpy as np

from retrain.errors import Conflict, DamagedRecord, ModelError
from retrain.monitoring.observed_days import tellings
from retrain.ports import ABSENT
from retrain.records.base import Record, unreadable, visible
from scoring.calendar import consecutive
from scoring.model import FIRST_DAYS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrain.data.series import GapPolicy
    from retrain.monitoring.observed_days import Told
    from retrain.ports import ObjectStore
    from retrain.records.counted_days import CountedDays
    from retrain.records.registry import Lineage, RegisteredModel
    from scoring.model import ForecastModel

ISSUED = "issued/"
NAME = re.compile(rf"{ISSUED}(\d{{4}}-\d\d-\d\d)-v([1-9]\d*)-[0-9a-f]{{12}}\.json", re.ASCII)
DIGITS = 9  # of a number that is kept: the last bits differ between processors


class IssuedDay(Record):
    """The forecast of one day, currency per day; `low_80` to `high_95` bound its 80 % and 95 % intervals."""

    day: date
    mean: float
    median: float
    low_80: float
    high_80: float
    low_95: float
    high_95: float


class Issued(Record):
    """One forecast.

    Attributes:
        origin: the last day that the champion knew.
        known_sha256: of the artifact and of the days that it was told.
        entries: how many entries the log of landings had.
        run_id: the run that issued it; its name begins with the time.
        notes: what the champion could not be told.
    """

    layout: Literal[1] = 1
    version: str
    artifact_sha256: str
    origin: date
    known_sha256: str
    entries: int
    run_id: str
    notes: tuple[str, ...] = ()
    days: tuple[IssuedDay, ...]

    @property
    def stem(self) -> str:
        """What tells it from the others: its origin, its version and the state of what was known."""
        return f"{self.origin}-v{self.version}-{self.known_sha256[:12]}"

    @property
    def name(self) -> str:
        """Where it is kept."""
        return f"{ISSUED}{self.stem}.json"


def forecast_to_issue(
    registered: RegisteredModel,
    model: ForecastModel,
    history: CountedDays,
    gaps: GapPolicy,
    days: int,
    run_id: str,
    today: date,
) -> Issued:
    """The champion's forecast from what is known: the same bytes whenever and wherever it is computed.

    Args: days: how many are forecast.
    Raises: ModelError if the model has no finite forecast.
    """
    chosen = told_now(registered.lineage, model, history, gaps, today)
    ahead = informed(model, chosen).forecast(days)
    (low_80, high_80), (low_95, high_95) = ahead.interval(80), ahead.interval(95)
    columns = (ahead.mean, ahead.median, low_80, high_80, low_95, high_95)
    if not all(np.isfinite(column).all() for column in columns):
        raise ModelError(f"version {registered.version} has no finite forecast of the next {days} days")
    rows = zip(ahead.days, *([_rounded(value) for value in column] for column in columns), strict=True)
    return Issued(
        version=registered.version,
        artifact_sha256=registered.artifact_sha256,
        origin=ahead.days[0] - timedelta(days=1),
        known_sha256=_known(registered, chosen),
        entries=history.head.entries,
        run_id=run_id,
        notes=chosen.notes,
        days=tuple(IssuedDay(**dict(zip(IssuedDay.model_fields, row, strict=True))) for row in rows),
    )


def told_now(lineage: Lineage, model: ForecastModel, history: CountedDays, gaps: GapPolicy, today: date) -> Told:
    """What a champion of this lineage is told of the days that count."""
    is_corrected = history.is_corrected(lineage)
    told = tellings(history, gaps, lineage.trained_through, today, is_corrected=is_corrected)
    return next((each for each in told if knows_enough(model, each)), told[-1])


def informed(model: ForecastModel, told: Told) -> ForecastModel:
    """The model after it has been told these days, as its service would be."""
    if told.restart:
        first = min(told.observed)
        return model.restarted(first, consecutive(told.observed, first))
    return model.observe(consecutive(told.observed, model.origin + timedelta(days=1)))


def knows_enough(model: ForecastModel, told: Told) -> bool:
    """Whether the model can restart on these days, if that is asked for."""
    return not told.restart or model.usable([*told.observed], [*told.observed.values()]) >= FIRST_DAYS


def _known(registered: RegisteredModel, told: Told) -> str:
    what = [registered.artifact_sha256, told.restart, {str(day): amount for day, amount in told.observed.items()}]
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


class IssuedForecasts:
    """Those of a store."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def has(self, issued: Issued) -> bool:
        """Whether this forecast was issued before."""
        return self._store.read(issued.name) is not None

    def keep(self, issued: Issued) -> None:
        """Write it, unless it is there: what was issued is never changed."""
        try:
            self._store.write(issued.name, issued.to_json(), if_etag=ABSENT)
        except Conflict:
            return

    def since(self, origin: date, version: str = "", unread: list[str] | None = None) -> Iterator[Issued]:
        """Those with this origin or a later one, in the order of their origins.

        Args:
            version: of this one alone.
            unread: gets the names of those that cannot be read.
        Raises: DamagedRecord if one cannot be read and `unread` is None.
        """
        for name in sorted(visible(self._store.names(ISSUED))):
            found = NAME.fullmatch(name)
            if found and found[1] >= str(origin) and version in ("", found[2]):
                try:
                    issued = self._read(name)
                except DamagedRecord:
                    if unread is None:
                        raise
                    unread.append(name)
                else:
                    yield issued

    def _read(self, name: str) -> Issued:
        stored = self._store.read(name)
        try:
            issued = Issued.from_json(stored.data if stored else b"")
            if not issued.days:
                raise ValueError("it has no days")
        except ValueError as exc:
            raise unreadable(self._store, name, exc) from exc
        return issued
