"""Forecasts take turns, so that one that takes long keeps nobody else waiting."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from scoring.observations import telling

if TYPE_CHECKING:
    from scoring.model import ForecastModel
    from scoring.schema import ForecastRequest

FEW_OBSERVATIONS = 64  # take less than a millisecond each member
# From a connection to its answer an event loop goes round so many times.
ROUNDS = 6


@dataclass(slots=True)
class Turns:
    """One forecast at a time; between its members the event loop answers whatever takes no turn."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def told(self, model: ForecastModel, body: ForecastRequest) -> ForecastModel:
        """The model after the observations; the lock is held. Raises: HTTPException 409 if they do not fit."""
        tell = telling(model, body)
        if len(body.observations) <= FEW_OBSERVATIONS and not body.restart:
            return tell(model)
        parts = []
        for member in model.members:
            parts.append(tell(replace(model, members=(member,))))
            for _ in range(ROUNDS):
                await asyncio.sleep(0)
        return replace(parts[0], members=tuple(part.members[0] for part in parts))
