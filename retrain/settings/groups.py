"""All groups together, and where each value came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, get_type_hints

from pydantic import SecretStr

from retrain.gate.assess import DecisionSettings
from retrain.settings.acquire import AcquireSettings
from retrain.settings.azure import AzureSettings
from retrain.settings.data import DataSettings
from retrain.settings.forecasting import ForecastingSettings
from retrain.settings.masking import HIDDEN, masked
from retrain.settings.notify import NotifySettings
from retrain.settings.platform import PlatformSettings
from retrain.settings.policy import PolicySettings
from retrain.settings.promotions import PromotionsSettings
from retrain.settings.setting import Group, Setting, as_text, settings_of
from retrain.settings.storage import StorageSettings
from retrain.settings.telemetry import TelemetrySettings
from retrain.settings.triggers import TriggerSettings
from retrain.settings.watch import WatchSettings

DECIDING = ("data", "forecasting", "policy", "promotions")
"""The groups that say what becomes of a landed file, and whether a challenger is promoted."""
type Source = Literal["default", "environment", "flag"]


@dataclass(frozen=True, slots=True)
class Settings:
    """One group for each concern.

    Attributes:
        sources: where the value of each setting came from, by the setting's name.
    """

    storage: StorageSettings
    triggers: TriggerSettings
    data: DataSettings
    forecasting: ForecastingSettings
    policy: PolicySettings
    promotions: PromotionsSettings
    watch: WatchSettings
    notify: NotifySettings
    platform: PlatformSettings
    azure: AzureSettings
    acquire: AcquireSettings
    telemetry: TelemetrySettings
    sources: Mapping[str, Source] = field(compare=False, repr=False)

    @property
    def decision(self) -> DecisionSettings:
        """Everything that can change a verdict on the same data: the whole groups `forecasting` and `policy`."""
        asked = dict(self.forecasting) | {"order": self.forecasting.pinned_order}
        return DecisionSettings(**asked, policy=self.policy.promotion_policy)

    @property
    def deciding(self) -> dict[str, str]:
        """What decides about a request, by name as in the environment; no secret, no path, no address."""
        return {known.name: as_text(self._value(known)) for known in known_settings() if known.group in DECIDING}

    @property
    def as_environment(self) -> dict[str, str]:
        """What a process on another machine must be told to decide as this one does; it holds no secret."""
        return {
            known.name: as_text(self._value(known))
            for known in known_settings()
            if not known.secret and self._value(known) != known.default
        }

    def in_force(self) -> list[SettingInForce]:
        """Every setting with its value and source; secrets are masked."""
        return [
            SettingInForce(known, _shown(self._value(known)), self.sources[known.name])
            for known in known_settings()
        ]

    def _value(self, known: Setting) -> Any:
        return getattr(getattr(self, known.group), known.field)


@dataclass(frozen=True, slots=True)
class SettingInForce:
    """A setting as it may be shown.

    Attributes:
        value: a number, a text without secrets, or None if it is not set.
    """

    setting: Setting
    value: float | str | None
    source: Source


@cache
def groups() -> Mapping[str, type[Group]]:
    """The class of each group by the attribute of `Settings` that holds it."""
    return MappingProxyType({name: kind for name, kind in get_type_hints(Settings).items() if name != "sources"})


@cache
def known_settings() -> tuple[Setting, ...]:
    """Every setting, group after group."""
    return tuple(known for group, kind in groups().items() for known in settings_of(group, kind))


def names() -> list[str]:
    """Every setting's name in the environment."""
    return [known.name for known in known_settings()]


def _shown(value: Any) -> float | str | None:
    if isinstance(value, SecretStr):
        return HIDDEN
    if isinstance(value, int | float):
        return value
    return masked(as_text(value)) or None
