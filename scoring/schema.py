"""Request and response bodies. Unknown fields, numbers as text and amounts that are too large are refused."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import to_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scoring.model import Forecast

MAX_AMOUNT = 1e15
MAX_OBSERVATIONS = 1000
MAX_OBSERVATION_DAYS = 3660  # after the last day of training, or between the first and the last day of a restart


def _whole(value: Any) -> Any:
    """7 for 7.0, which is the same number in JSON."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _iso(value: Any) -> Any:
    """Only YYYY-MM-DD is accepted as a day."""
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        raise ValueError("write the day as YYYY-MM-DD")
    return value


Amount = Annotated[float, Field(ge=-MAX_AMOUNT, le=MAX_AMOUNT, allow_inf_nan=False)]
Level = Annotated[float, Field(ge=1, le=99.9, allow_inf_nan=False)]
HorizonDays = Annotated[int, Field(ge=1, le=365), BeforeValidator(_whole)]
Day = Annotated[date, Field(strict=False), BeforeValidator(_iso)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Observation(_Request):
    """One day, currency per day; the model was not trained on it, unless it restarts."""

    date: Day
    amount: Amount


class ForecastRequest(_Request):
    """The body of `POST /forecast`.

    With `restart`, the model forgets the days that it was trained on, because some of them have been corrected, and
    observes these days alone: they may begin on any day, and have to be enough.
    """

    horizon_days: HorizonDays
    levels: Annotated[list[Level], Field(max_length=10)] = [80, 95]
    observations: Annotated[list[Observation], Field(max_length=MAX_OBSERVATIONS)] = []
    restart: bool = False


class ScoreRequest(_Request):
    """The body of `POST /score`, for clients of the previous service: the number of days."""

    data: Annotated[list[HorizonDays], Field(min_length=1, max_length=1)]


class Interval(BaseModel):
    """The bounds of the interval of `level` percent."""

    level: float
    lower: float
    upper: float


class Row(BaseModel):
    """The forecast of one day, currency per day."""

    date: date
    mean: float
    intervals: list[Interval]


class ForecastResponse(BaseModel):
    """The forecast and the identity of its model; `origin` is the last day that the model has observed."""

    model: str
    version: str
    data_sha256: str
    trained_through: date
    origin: date
    forecast: list[Row]


def forecast_json(identity: dict[str, Any], origin: date, made: Forecast, levels: Sequence[float]) -> bytes:
    """A `ForecastResponse` as JSON; it is our own, so that its thousands of numbers need no validation.

    Args: identity: the fields of the response that name its model. levels: of the intervals, percent.
    """
    bounds = [(level, *(bound.tolist() for bound in made.interval(level))) for level in levels]
    rows = [
        {
            "date": day,
            "mean": mean,
            "intervals": [{"level": level, "lower": low[at], "upper": high[at]} for level, low, high in bounds],
        }
        for at, (day, mean) in enumerate(zip(made.days, made.mean.tolist(), strict=True))
    ]
    return to_json({**identity, "origin": origin, "forecast": rows})


class ScoreResponse(BaseModel):
    """Only the means, for clients of the previous service."""

    result: list[float]


class Health(BaseModel):
    """The process answers."""

    status: str


class Readiness(BaseModel):
    """The model is loaded and has reproduced its golden forecasts."""

    status: str
    model: str
    version: str
    data_sha256: str
    trained_through: date


class Identity(BaseModel):
    """Who answers, with one proof for each key that is accepted now."""

    model: str
    version: str
    proofs: list[str]


class Problem(BaseModel):
    """An error, as RFC 9457 defines it."""

    title: str
    status: int
    detail: str
