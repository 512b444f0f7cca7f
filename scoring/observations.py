"""What a request tells a model before it forecasts: days after its origin, or days to restart on."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

import numpy as np
from starlette.exceptions import HTTPException

from scoring.calendar import consecutive
from scoring.model import FIRST_DAYS
from scoring.schema import MAX_OBSERVATION_DAYS

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from numpy.typing import NDArray

    from scoring.model import ForecastModel
    from scoring.schema import ForecastRequest, Observation

    type Vector = NDArray[np.float64]

MAX_RESTART_DAYS = 36_525  # from the last day of training: a century


def telling(model: ForecastModel, body: ForecastRequest) -> Callable[[ForecastModel], ForecastModel]:
    """What tells a model the observations, or any part of its members.

    Raises: HTTPException 409 if they do not fit.
    """
    if not body.restart:
        newer = _consecutive(body.observations, model.origin)
        return lambda part: part.observe(newer)
    for observation in body.observations:
        if abs((observation.date - model.origin).days) > MAX_RESTART_DAYS:
            detail = (
                f"observation {observation.date}: it must be within {MAX_RESTART_DAYS} days of the last day of "
                f"training, {model.origin}"
            )
            raise HTTPException(HTTPStatus.CONFLICT, detail)
    days, amounts = ([getattr(each, name) for each in body.observations] for name in ("date", "amount"))
    usable = model.usable(days, amounts)
    if usable < FIRST_DAYS:
        kind = "on open days with amounts above zero" if model.log else "on open days"
        detail = f"{usable} observations {kind} are too few to restart; send at least {FIRST_DAYS}"
        raise HTTPException(HTTPStatus.CONFLICT, detail)
    first_day = min(observation.date for observation in body.observations)
    every = _consecutive(body.observations, first_day - timedelta(days=1))
    return lambda part: part.restarted(first_day, every)


def _consecutive(observations: list[Observation], origin: date) -> Vector:
    """One amount per day from the day after the origin on; NaN for a missing day.

    Raises: HTTPException 409 for a day that is not after the origin, is too far ahead, or is given twice.
    """
    amounts: dict[date, float] = {}
    for observation in observations:
        ahead = (observation.date - origin).days
        if not 1 <= ahead <= MAX_OBSERVATION_DAYS:
            limit = f"it must be one of the {MAX_OBSERVATION_DAYS} days after the origin, {origin}"
            detail = f"observation {observation.date}: {limit}"
            raise HTTPException(HTTPStatus.CONFLICT, detail)
        if observation.date in amounts:
            raise HTTPException(HTTPStatus.CONFLICT, f"observation {observation.date} is given twice")
        amounts[observation.date] = observation.amount
    return consecutive(amounts, origin + timedelta(days=1)) if amounts else np.empty(0)
