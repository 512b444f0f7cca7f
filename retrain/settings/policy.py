"""How much better a challenger must be."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from retrain.gate.decide import Floor, PromotionPolicy
from retrain.gate.scores import Loss
from retrain.settings.setting import Group, Optional, setting


class PolicySettings(Group):
    """The fields of the gate's `PromotionPolicy`, by the same names."""

    loss: Loss = setting(
        Loss.RMSE, "RETRAIN_LOSS", "the error that the challenger must lower: `rmse`, `mae` or `mase`"
    )
    min_gain: float = setting(
        0.0,
        "RETRAIN_MIN_GAIN",
        "share of the champion's loss by which the challenger's must be lower; 0.02 is 2 %",
        unit="share",
        ge=0,
        lt=1,
    )
    significance: Optional[Annotated[float, Field(gt=0, lt=1)]] = setting(
        None,
        "RETRAIN_SIGNIFICANCE",
        "the p-value of the Diebold-Mariano test must also be below this; empty for no test",
        unit="p-value",
    )
    floor: Floor = setting(
        Floor.WARN,
        "RETRAIN_FLOOR",
        "what is done about a challenger that loses to the seasonal naive forecast: `warn` or `block`",
    )

    @property
    def promotion_policy(self) -> PromotionPolicy:
        """The same in the gate's own type."""
        return PromotionPolicy(**dict(self))
