"""What is tried on the past of a store, and what has become of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date, datetime

    import numpy as np
    from numpy.typing import NDArray

    from retrain.data.series import GapPolicy
    from retrain.gate.assess import DecisionSettings
    from scoring.model import Prediction

FAILED = "failed"
"""In place of a verdict: no model could be fitted or scored, and the champion stays."""


class Kind(StrEnum):
    """What replaces a champion."""

    POLICY = "policy"
    NEVER = "never"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Chain:
    """What is tried.

    Attributes:
        kind: the gate under `settings`; or, after the first model, `never`: no look at all, or `always`: a search
            and a fit to every day at each look, without a gate.
    """

    kind: Kind
    settings: DecisionSettings
    gaps: GapPolicy


@dataclass(frozen=True, slots=True)
class Given:
    """What a look gave: a verdict, or `failed`, and why."""

    look: str
    verdict: str
    reason: str


@dataclass(frozen=True, slots=True)
class Switch:
    """A version became champion: by a verdict, or by a rollback.

    Attributes:
        look: the look or the rollback.
    """

    look: str
    at: datetime
    order: str
    trained_through: date
    is_rollback: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """What has become of one policy.

    Attributes:
        start: the first champion: that at the beginning, or the first model; None if there was none.
        switches: the champions after it.
        origins: shape (n,), the ordinals of the days from which it has forecast, ascending.
        made: one forecast from each, shape (n, horizon); None if there is none.
    """

    given: tuple[Given, ...]
    start: Switch | None
    switches: tuple[Switch, ...]
    origins: NDArray[np.int64]
    made: Prediction | None
