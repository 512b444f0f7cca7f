"""One question, one answer: should a model that is fitted now replace the champion?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from retrain.gate.decide import PromotionPolicy

if TYPE_CHECKING:
    from retrain.arima.order import Order

MIN_TRAINING_DAYS = 21


@dataclass(frozen=True, slots=True)
class DecisionSettings:
    """Every setting that can change the verdict on the same data and the same champion.

    Attributes:
        season_days: days per cycle; 1 for none.
        order: the order to fit without a search; None to search.
        country: whose public holidays may become a regressor; empty for none.
        horizon_days: days that each forecast is scored over.
        min_unseen_days: fewer new days than this end as `waiting`.
        refit_days: days between the challenger's refits along the unseen days.
    """

    season_days: int = 7
    order: Order | None = None
    country: str = ""
    horizon_days: int = 7
    min_unseen_days: int = 28
    refit_days: int = 14
    policy: PromotionPolicy = field(default_factory=PromotionPolicy)

    @property
    def min_training_days(self) -> int:
        """Days that a first model needs: three weeks, or three seasons if those are longer."""
        return max(MIN_TRAINING_DAYS, 3 * self.season_days)
