"""Every setting: its name, unit, default, what is allowed. Parsed once, then frozen."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationError

from retrain.arima.order import Order
from retrain.data.formats import Columns
from retrain.data.series import GapPolicy
from retrain.data.transactions import Aggregate
from retrain.errors import ConfigError
from retrain.gate.decide import Floor, PromotionPolicy
from retrain.gate.scores import Loss
from retrain.settings.azure import AzureSettings, Unset, check_azure

if TYPE_CHECKING:
    from collections.abc import Mapping

ADVENTUREWORKS_URL = (
    "https://raw.githubusercontent.com/microsoft/sql-server-samples/master/samples/databases/"
    "adventure-works/oltp-install-script/TransactionHistory.csv"
)
MIN_TRAINING_DAYS = 21
LONGEST_SHOWN = 20  # of a value that is refused; keys are longer
ANY_YEAR = 2020  # a country that has holidays has them then
CONTAINER = r"^[a-z0-9](-?[a-z0-9]){2,62}$"


def _order(text: str) -> str:
    if text and not re.fullmatch(r"\d+,\d+,\d+(,\d+,\d+,\d+)?", text):
        raise ValueError("write p,d,q or p,d,q,P,D,Q, for example 2,0,2; leave it empty to search")
    if text and any(int(part) > most for part, most in zip(text.split(","), (9, 2, 9, 4, 1, 4), strict=False)):
        raise ValueError("at most 9,2,9,4,1,4 is allowed")
    return text


def _country(text: str) -> str:
    if text:
        from retrain.arima.regressors import public_holidays

        try:
            public_holidays(text, ANY_YEAR, ANY_YEAR)
        except ConfigError as error:  # which shows the value, and must not if it is a secret
            raise ValueError(str(error).partition("; ")[2]) from None
    return text


class Settings(AzureSettings):
    """One field a setting; its alias is the name in the environment."""

    store: Literal["folder", "blob"] = Field(
        "folder", alias="RETRAIN_STORE", description="where data, runs and models are kept"
    )
    root: Path = Field(Path(".retrain"), alias="RETRAIN_ROOT", description="the folder, when the store is one")
    transactions_container: str = Field(
        "transactions",
        alias="TRANSACTIONS_CONTAINER",
        pattern=CONTAINER,
        max_length=63,
        description="the container in which files land",
    )
    state_container: str = Field(
        "retrain",
        alias="RETRAIN_STATE_CONTAINER",
        pattern=CONTAINER,
        max_length=63,
        description="the container for history, runs and models",
    )
    storage_connection: Unset[SecretStr] = Field(
        None,
        alias="TRANSACTIONS_STORAGE",
        description="connection string of the storage account; leave it out to sign in by identity",
    )
    storage_uri: Unset[Annotated[str, Field(pattern=r"^https://[^/\s?#@]+(/[a-z0-9]+)?/?$")]] = Field(
        None,
        alias="TRANSACTIONS_STORAGE__blobServiceUri",
        description="blob endpoint of the storage account, signed in to by identity",
    )
    client_id: Unset[str] = Field(
        None, alias="TRANSACTIONS_STORAGE__clientId", description="client id of the user-assigned identity"
    )
    schedule: str = Field(
        "0 0 3 * * *",
        alias="RETRAIN_SCHEDULE",
        pattern=r"^\S+( \S+){5}$",
        description="when the timer fires: six cron fields, UTC",
    )
    blob_source: Literal["EventGrid", "LogsAndContainerScan"] = Field(
        "EventGrid",
        alias="RETRAIN_BLOB_SOURCE",
        description="how a landed blob is noticed; `LogsAndContainerScan` polls, for `func start`",
    )

    date_column: str = Field(
        "TransactionDate", alias="RETRAIN_DATE_COLUMN", min_length=1, description="the column with the day"
    )
    amount_column: str = Field(
        "PaidAmount",
        alias="RETRAIN_AMOUNT_COLUMN",
        min_length=1,
        description="the column with the amount; without it, Quantity x ActualCost",
    )
    id_column: str = Field(
        "TransactionID",
        alias="RETRAIN_ID_COLUMN",
        min_length=1,
        description="the column whose repeated values count once",
    )
    aggregate: Aggregate = Field(
        Aggregate.MEAN,
        alias="RETRAIN_AGGREGATE",
        description="how the transactions of a day become one amount",
    )
    gaps: GapPolicy = Field(
        GapPolicy.INTERPOLATE, alias="RETRAIN_GAPS", description="what a day without transactions becomes"
    )

    season_days: int = Field(7, alias="RETRAIN_SEASON_DAYS", ge=1, le=31, description="days per cycle; 1 for none")
    order: Annotated[str, AfterValidator(_order)] = Field(
        "", alias="RETRAIN_ORDER", description="pins the ARIMA order: p,d,q or p,d,q,P,D,Q; empty to search"
    )
    country: Annotated[str, AfterValidator(_country)] = Field(
        "",
        alias="RETRAIN_COUNTRY",
        description="whose public holidays may become a regressor, as `US` or `US-CA`; empty for none",
    )
    horizon_days: int = Field(
        7, alias="RETRAIN_HORIZON_DAYS", ge=1, le=90, description="days each forecast is scored over"
    )
    min_unseen_days: int = Field(
        28,
        alias="RETRAIN_MIN_UNSEEN_DAYS",
        ge=2,
        le=730,
        description="fewer new days than this: `waiting`; at least twice the horizon",
    )
    refit_days: int = Field(
        14,
        alias="RETRAIN_REFIT_DAYS",
        ge=1,
        le=365,
        description="days between the challenger's refits along the unseen days",
    )

    loss: Loss = Field(Loss.RMSE, alias="RETRAIN_LOSS", description="the number that has to go down")
    min_gain: float = Field(
        0.0,
        alias="RETRAIN_MIN_GAIN",
        ge=0,
        lt=1,
        description="share of the champion's loss by which it has to go down; 0.02 is 2 %",
    )
    significance: Unset[Annotated[float, Field(gt=0, lt=1)]] = Field(
        None,
        alias="RETRAIN_SIGNIFICANCE",
        description="also demand a Diebold-Mariano p-value below it; empty for none",
    )
    floor: Floor = Field(
        Floor.WARN,
        alias="RETRAIN_FLOOR",
        description="a challenger that loses to the seasonal naive: `warn` or `block`",
    )

    platform: Literal["local", "azure"] = Field(
        "local",
        alias="RETRAIN_PLATFORM",
        description="where versions answer: `local` runs them as processes here, `azure` on `RETRAIN_TARGET`",
    )
    ready_seconds: float = Field(
        300, alias="RETRAIN_READY_SECONDS", gt=0, le=1800, description="a new service must be ready within"
    )
    confirm_seconds: float = Field(
        3, alias="RETRAIN_CONFIRM_SECONDS", ge=0, le=600, description="a new champion is watched for so long"
    )
    keep_services: int = Field(
        2, alias="RETRAIN_KEEP_SERVICES", ge=1, le=20, description="so many of the last champions go on running"
    )
    model_name: str = Field(
        "daily-transactions",
        alias="RETRAIN_MODEL_NAME",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$",
        description="the model's name in the registry",
    )
    acquire_url: str = Field(
        ADVENTUREWORKS_URL,
        alias="RETRAIN_ACQUIRE_URL",
        pattern=r"^https?://",
        repr=False,
        description="where `acquire` downloads the transaction history",
    )
    acquire_sha256: Unset[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]] = Field(
        None,
        alias="RETRAIN_ACQUIRE_SHA256",
        description="what that download must hash to; empty for no check",
    )

    @property
    def columns(self) -> Columns:
        """The names to look for in a landed file."""
        return Columns(self.date_column, self.amount_column, self.id_column)

    @property
    def policy(self) -> PromotionPolicy:
        """How much better is better."""
        return PromotionPolicy(self.loss, self.min_gain, self.significance, self.floor)

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

    @property
    def min_training_days(self) -> int:
        """Three weeks, or three cycles where those are longer."""
        return max(MIN_TRAINING_DAYS, 3 * self.season_days)

    @property
    def that_decide(self) -> dict[str, str]:
        """The settings that can change a verdict on the same data."""
        names = (
            "season_days",
            "order",
            "country",
            "horizon_days",
            "min_unseen_days",
            "refit_days",
            "loss",
            "min_gain",
            "significance",
            "floor",
        )
        return {name: str(getattr(self, name)) for name in names}

    @property
    def as_environment(self) -> dict[str, str]:
        """What a process elsewhere has to be told to decide as this one; no secret is in it."""
        chosen = self.model_dump(
            by_alias=True, exclude_defaults=True, exclude={"storage_connection", "acquire_url"}
        )
        return {alias: str(value) for alias, value in chosen.items()}


def names() -> list[str]:
    """Every setting's name in the environment."""
    return [str(field.alias) for field in Settings.model_fields.values()]


def parse(environment: Mapping[str, str]) -> Settings:
    """Read the settings out of an environment or any other mapping.

    Raises: ConfigError naming the setting, what it is, what it may be.
    """
    known = names()
    for name in environment:
        if name.startswith("RETRAIN_") and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else "the README lists the settings"
            raise ConfigError(f"{name} is no setting; {hint}")
    try:
        settings = Settings.model_validate({name: value for name, value in environment.items() if name in known})
    except ValidationError as exc:
        raise ConfigError(_sentence(exc, environment)) from None  # the cause would show the values
    _check_forecasting(settings)
    _check_places(settings)
    return settings


def _check_forecasting(settings: Settings) -> None:
    """See that what is forecast, and how, fits together."""
    if settings.min_unseen_days < 2 * settings.horizon_days:
        raise ConfigError(
            f"RETRAIN_MIN_UNSEEN_DAYS is {settings.min_unseen_days}; it must be at least twice "
            f"RETRAIN_HORIZON_DAYS, which is {settings.horizon_days}"
        )
    pinned = settings.pinned_order
    if pinned and (pinned.has_common_lags or (pinned.is_seasonal and pinned.season_days < 2)):
        raise ConfigError(
            f"RETRAIN_ORDER is {settings.order!r} and RETRAIN_SEASON_DAYS {settings.season_days}; seasonal terms "
            "need a season of at least 2 days, longer than p beside P and than q beside Q"
        )
    columns = [settings.date_column, settings.amount_column, settings.id_column]
    if len({column.casefold() for column in columns}) < len(columns):
        raise ConfigError(f"RETRAIN_DATE_COLUMN, _AMOUNT_COLUMN and _ID_COLUMN are {columns}; they must differ")


def _check_places(settings: Settings) -> None:
    """See that where things are kept and run fits together."""
    if settings.store == "blob" and not (settings.storage_connection or settings.storage_uri):
        raise ConfigError(
            "TRANSACTIONS_STORAGE is not set. Add it to Values in local.settings.json, or set "
            "TRANSACTIONS_STORAGE__blobServiceUri in the app settings of the Function App, for example "
            "TRANSACTIONS_STORAGE__blobServiceUri=https://ACCOUNT.blob.core.windows.net"
        )
    if settings.store == "blob" and settings.transactions_container == settings.state_container:
        raise ConfigError(
            f"TRANSACTIONS_CONTAINER and RETRAIN_STATE_CONTAINER are both {settings.state_container!r}; every "
            "record would be taken for a landed file"
        )
    if settings.platform == "azure":
        by_identity = settings.storage_connection is None
        check_azure(settings, settings.model_name, settings.client_id if by_identity else None)
        if settings.store != "blob":
            raise ConfigError("RETRAIN_PLATFORM=azure needs RETRAIN_STORE=blob: jobs and services run elsewhere")


def _sentence(exc: ValidationError, environment: Mapping[str, str]) -> str:
    first = exc.errors(include_url=False)[0]
    name = str(first["loc"][0])
    value = environment.get(name, "")
    # Where secrets belong, and what looks like one that was pasted into the wrong place.
    may_hold_a_secret = name.startswith("TRANSACTIONS_STORAGE") or name == "RETRAIN_ACQUIRE_URL"
    may_be_one = len(value) > LONGEST_SHOWN or any(sign in value for sign in "=;@?")
    shown = "not what it may be" if may_hold_a_secret or may_be_one else repr(value)
    return f"{name} is {shown}; {first['msg'].removeprefix('Value error, ')}"
