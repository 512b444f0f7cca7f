"""Read the settings from the environment and from the flags of a command."""

from __future__ import annotations

import difflib
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from retrain.errors import ConfigError
from retrain.settings.groups import DECIDING, Settings, groups, known_settings, names
from retrain.settings.masking import LONGEST_SHOWN, may_be_a_secret
from retrain.settings.promotions import Consent, PromotionsSettings
from retrain.settings.setting import settings_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from pydantic_core import ErrorDetails

    from retrain.settings.groups import Source

PREFIX = "RETRAIN_"
CONNECTION = "TRANSACTIONS_STORAGE"  # begins the name of each setting into which a connection string may be pasted
MOST_TOLD = 5  # faults in one message
LONGEST_NAME = 50
NO_FLAGS: Mapping[str, str] = MappingProxyType({})


REPLACED = {
    "RETRAIN_SIGNIFICANCE": "set RETRAIN_POLICY=evidence and RETRAIN_ALPHA to the same number, and remove it",
    "RETRAIN_IDENTITY": "write RETRAIN_PULL_IDENTITY, and name an identity with the role AcrPull only",
    "RETRAIN_FLOOR": "nothing that loses to the seasonal naive is promoted; remove it",
}
"""Settings of an earlier version, and what to do instead."""

PLAIN = {"int_parsing": "write a whole number", "float_parsing": "write a number"}
"""Of pydantic's messages, those that speak of parsing."""


def parse(environment: Mapping[str, str], flags: Mapping[str, str] = NO_FLAGS) -> Settings:
    """Read the settings; a flag wins over the environment.

    Args:
        environment: names and values; names that do not begin with `RETRAIN_` and are not known are ignored.
        flags: names and values that a command was given; each name must be known.

    Raises: ConfigError naming each wrong setting, what it is and what it may be.
    """
    asked = dict.fromkeys([*flags, *(name for name in environment if name.startswith(PREFIX))])
    unknown = [name for name in asked if name not in names()]
    given = {**environment, **flags}
    values: dict[str, str] = {}
    sources: dict[str, Source] = {}
    for known in known_settings():
        if known.name not in given or (known.is_optional and not given[known.name]):
            sources[known.name] = "default"
        else:
            values[known.name] = given[known.name]
            sources[known.name] = "flag" if known.name in flags else "environment"
    settings = Settings(**_groups(values, unknown=unknown), sources=MappingProxyType(sources))
    _check(settings)
    return settings


def under(settings: Settings, deciding: Mapping[str, str]) -> Settings:
    """The same settings, with other decision settings; approval is required if either requires it.

    Args: deciding: what `Settings.deciding` was elsewhere; empty for no change.
    Raises: ConfigError for a name or a value that this code does not know.
    """
    if not deciding:
        return settings
    unknown = sorted(deciding.keys() - settings.deciding.keys())
    if unknown:
        raise ConfigError(f"{unknown[0]} is not a setting that this version of retrain knows")
    values = {**settings.deciding, **deciding}  # older code names fewer of them
    changed = replace(settings, **_groups(values, DECIDING))
    if settings.promotions.approval is Consent.REQUIRED:  # whoever asks cannot take back what the app requires
        changed = replace(changed, promotions=changed.promotions.model_copy(update={"approval": Consent.REQUIRED}))
    _check(changed)
    return changed


def mended(settings: Settings, deciding: Mapping[str, str]) -> dict[str, str]:
    """What a run is made under that failed for a setting: those in force, but for what may hold a promotion back.

    Args: deciding: what it was asked under.
    """
    names = {known.name for known in settings_of("promotions", PromotionsSettings)}
    return under(settings, {name: value for name, value in deciding.items() if name in names}).deciding


def _groups(
    values: Mapping[str, str], wanted: Collection[str] | None = None, unknown: Sequence[str] = ()
) -> dict[str, Any]:
    """Each group, or each that is wanted, made of the values that belong to it.

    Args: unknown: names that are no settings. Raises: ConfigError with all that is wrong.
    """
    made = {}
    told = [*map(_unknown, unknown[:MOST_TOLD]), *unknown[MOST_TOLD:]]  # of very many, the rest is only counted
    for group, kind in groups().items():
        if wanted is not None and group not in wanted:
            continue
        own = {known.name for known in settings_of(group, kind)}
        try:
            made[group] = kind.model_validate({name: value for name, value in values.items() if name in own})
        except ValidationError as exc:
            told += [_refusal(error, values) for error in exc.errors(include_url=False)]
    if told:  # without their causes, which would show the values
        raise ConfigError(_in_one(told))
    return made


def _check(settings: Settings) -> None:
    """See that settings that each may have their value fit together. Raises: ConfigError with all that do not."""
    groups = (settings.forecasting, settings.data, settings.storage, settings.platform, settings.notify)
    checks: list[Callable[[], None]] = [group.check for group in groups]
    if settings.platform.name == "azure":
        checks.append(lambda: settings.azure.check(settings.platform, settings.storage))
    faults = []
    for check in checks:
        try:
            check()
        except ConfigError as exc:
            faults.append(str(exc))
    if faults:
        raise ConfigError(_in_one(faults))


def _in_one(faults: Sequence[str]) -> str:
    """The first faults, and how many more there are, in one message."""
    told = [*faults[:MOST_TOLD]]
    if len(faults) > MOST_TOLD:
        told.append(f"{len(faults) - MOST_TOLD} more settings are wrong")
    ended = [fault if fault.endswith((".", "?")) else f"{fault}." for fault in told[:-1]]
    return " Also: ".join([*ended, told[-1]])


def _unknown(name: str) -> str:
    """Names are compared in upper case, known ones with and without the prefix."""
    if len(name) > LONGEST_SHOWN and "_" not in name:  # as of a key in front of its own `=`
        return "a setting has a name that is not shown; `retrain settings` lists the settings"
    if len(name) > LONGEST_NAME:
        name = f"{name[:LONGEST_NAME]}..."
    if name in REPLACED:
        return f"{name} is not a setting any more: {REPLACED[name]}"
    known = {written.upper(): each for each in names() for written in (each, each.removeprefix(PREFIX))}
    near = difflib.get_close_matches(name.upper(), known, n=1)
    hint = f"did you mean {known[near[0]]}?" if near else "`retrain settings` lists the settings"
    return f"{name} is not a setting; {hint}"


def _refusal(error: ErrorDetails, values: Mapping[str, str]) -> str:
    name = str(error["loc"][0])
    value = values.get(name, "")
    secret = {known.name for known in known_settings() if known.secret}
    may_hold_a_secret = name in secret or name.startswith(CONNECTION)
    is_hidden = may_hold_a_secret or may_be_a_secret(value)
    shown = "is not valid (its value is not shown)" if is_hidden else f"is {value!r}"
    said = error["msg"].removeprefix("Value error, ")
    if error["type"] == "string_pattern_mismatch":  # the pattern itself helps nobody
        about = next(known for known in known_settings() if known.name == name)
        said = f"it must be {about.description}"
    return f"{name} {shown}; {PLAIN.get(error['type'], said)}"
