"""How much better a challenger must be, and how sure that must be."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from retrain.gate.decide import PromotionPolicy, Rule
from retrain.gate.scores import Loss
from retrain.settings.setting import Group, setting


class PolicySettings(Group):
    """The fields of the gate's `PromotionPolicy`, by the same names."""

    rule: Rule = setting(
        Rule.EVIDENCE,
        "RETRAIN_POLICY",
        "what a challenger needs besides a lower error: `evidence` of at least 1 / RETRAIN_ALPHA that this is no "
        "chance, or nothing more: `better`",
    )
    alpha: Annotated[float, Field(gt=0, lt=1)] = setting(
        0.05,
        "RETRAIN_ALPHA",
        "the chance that `evidence` promotes at any of a year's runs while the challenger is no better",
        unit="share",
    )
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

    @property
    def promotion_policy(self) -> PromotionPolicy:
        """The same in the gate's own type."""
        return PromotionPolicy(**dict(self))
