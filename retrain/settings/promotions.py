"""Whether a winner waits for a person, and how often the champion may change."""

from __future__ import annotations

from enum import StrEnum

from retrain.settings.setting import Group, setting


class Consent(StrEnum):
    """Whose consent a promotion needs besides the gate's."""

    NONE = "none"
    REQUIRED = "required"


class PromotionsSettings(Group):
    """What stands between a winner and its promotion. None of it can open the gate."""

    approval: Consent = setting(
        Consent.NONE,
        "RETRAIN_APPROVAL",
        "whether a winner waits until a person has approved it: `none` or `required`",
    )
    approval_days: int = setting(
        14,
        "RETRAIN_APPROVAL_DAYS",
        "time in which a winner can be approved; it is not promoted after that",
        unit="days",
        ge=1,
        le=365,
    )

    most_promotions_a_month: int = setting(
        0,
        "RETRAIN_MOST_PROMOTIONS_A_MONTH",
        "promotions in 30 days, after which the champion stays; 0 for no cap",
        ge=0,
        le=100,
    )

    @property
    def needs_approval(self) -> bool:
        """Whether a winner waits for a person."""
        return self.approval is Consent.REQUIRED
