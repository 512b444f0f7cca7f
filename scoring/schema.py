"""What goes over the wire: unknown fields are refused, numbers are numbers, and absurd ones are too large."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

LARGEST_AMOUNT = 1e15


def _whole(value: Any) -> Any:
    """In JSON 7.0 is the same number as 7."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _iso(value: Any) -> Any:
    """A day is written YYYY-MM-DD; other ways that could be read as one are refused."""
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        raise ValueError("write the day as YYYY-MM-DD")
    return value


Amount = Annotated[float, Field(ge=-LARGEST_AMOUNT, le=LARGEST_AMOUNT, allow_inf_nan=False)]
Level = Annotated[float, Field(ge=1, le=99.9, allow_inf_nan=False)]
HorizonDays = Annotated[int, Field(ge=1, le=365), BeforeValidator(_whole)]
Day = Annotated[date, Field(strict=False), BeforeValidator(_iso)]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Observation(_Asked):
    """One day that the model was not trained on, currency per day."""

    date: Day
    amount: Amount


class ForecastRequest(_Asked):
    """The body of `POST /forecast`."""

    horizon_days: HorizonDays
    levels: Annotated[list[Level], Field(max_length=10)] = [80, 95]
    observations: list[Observation] = []


class ScoreRequest(_Asked):
    """The body that clients of the predecessor send: how many days."""

    data: Annotated[list[HorizonDays], Field(min_length=1, max_length=1)]


class Interval(BaseModel):
    """Bounds that hold the day's amount with `level` percent."""

    level: float
    lower: float
    upper: float


class Row(BaseModel):
    """The forecast of one day, currency per day."""

    date: date
    mean: float
    intervals: list[Interval]


class ForecastResponse(BaseModel):
    """Dated rows and what they were made from; `origin` is the last day that the model has taken in."""

    model: str
    version: str
    data_sha256: str
    trained_through: date
    origin: date
    forecast: list[Row]


class ScoreResponse(BaseModel):
    """Means alone, as the predecessor's clients expect them."""

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


class Problem(BaseModel):
    """RFC 9457."""

    title: str
    status: int
    detail: str
