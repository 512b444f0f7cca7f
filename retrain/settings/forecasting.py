"""What is forecast, by which model, and over which days two models are compared."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from retrain.arima.order import Order
from retrain.errors import ConfigError
from retrain.settings.setting import Group, setting

HIGHEST_ORDER = (9, 2, 9, 4, 1, 4)
ANY_YEAR = 2020  # a country that has holidays has them then


def _order(text: str) -> str:
    if text and not re.fullmatch(r"\d+,\d+,\d+(,\d+,\d+,\d+)?", text, re.ASCII):
        raise ValueError("write p,d,q or p,d,q,P,D,Q, for example 2,0,2; leave it empty to search")
    if text and any(int(part) > most for part, most in zip(text.split(","), HIGHEST_ORDER, strict=False)):
        raise ValueError("at most 9,2,9,4,1,4 is allowed")
    return text


def _country(text: str) -> str:
    if text:
        from retrain.data.holidays import public_holidays

        try:
            public_holidays(text, ANY_YEAR, ANY_YEAR)
        except ConfigError as error:  # its message repeats the value, which may be a secret in the wrong place
            raise ValueError(str(error).partition("; ")[2]) from None
    return text


class ForecastingSettings(Group):
    """Each of them can change the verdict, so each is also a field of `DecisionSettings`."""

    season_days: int = setting(
        7, "RETRAIN_SEASON_DAYS", "length of the seasonal cycle; 1 for no season", unit="days", ge=1, le=31
    )
    order: Annotated[str, AfterValidator(_order)] = setting(
        "", "RETRAIN_ORDER", "order of the ARIMA model: p,d,q or p,d,q,P,D,Q; empty to search for it"
    )
    country: Annotated[str, AfterValidator(_country)] = setting(
        "",
        "RETRAIN_COUNTRY",
        "country whose public holidays may be closed or a regressor, for example `US` or `US-CA`; empty for none",
        unit="code",
    )
    horizon_days: int = setting(
        7, "RETRAIN_HORIZON_DAYS", "length of each forecast that is scored", unit="days", ge=1, le=90
    )
    min_unseen_days: int = setting(
        28,
        "RETRAIN_MIN_UNSEEN_DAYS",
        "new days that a comparison needs; with fewer the verdict is `waiting`; at least twice the horizon",
        unit="days",
        ge=2,
        le=730,
    )
    refit_days: int = setting(
        14,
        "RETRAIN_REFIT_DAYS",
        "time between two refits of the challenger during the comparison",
        unit="days",
        ge=1,
        le=365,
    )

    @property
    def pinned_order(self) -> Order | None:
        """The order to fit without a search; None to search."""
        if not self.order:
            return None
        p, d, q, *seasonal = (int(part) for part in self.order.split(","))
        seasonal_p, seasonal_d, seasonal_q = seasonal or (0, 0, 0)
        season_days = self.season_days if any(seasonal) else 0
        mean = d + seasonal_d == 0
        return Order(p, d, q, seasonal_p, seasonal_d, seasonal_q, season_days, mean)

    def check(self) -> None:
        """See that horizon, season and order fit together. Raises: ConfigError."""
        if self.min_unseen_days < 2 * self.horizon_days:
            raise ConfigError(
                f"RETRAIN_MIN_UNSEEN_DAYS is {self.min_unseen_days}; it must be at least twice "
                f"RETRAIN_HORIZON_DAYS, which is {self.horizon_days}"
            )
        pinned = self.pinned_order
        if pinned and (pinned.has_common_lags or (pinned.is_seasonal and pinned.season_days < 2)):
            raise ConfigError(
                f"RETRAIN_ORDER is {self.order!r} and RETRAIN_SEASON_DAYS is {self.season_days}; seasonal terms "
                "need a season of at least 2 days, longer than p if P is above 0 and than q if Q is above 0"
            )
