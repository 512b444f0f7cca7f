"""All checks for an environment, and the object that programs are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrain.doctor.check import Line, examine, worst
from retrain.doctor.everything import all_checks, checks_without_settings
from retrain.errors import ConfigError
from retrain.settings import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from retrain.doctor.check import Check
    from retrain.settings import Settings


def checks_of(read: Callable[[], Settings], environment: Mapping[str, str]) -> list[Check]:
    """Every check that is possible. Args: read: reads the settings; if it refuses, that is the first line."""
    try:
        return all_checks(read(), environment)
    except ConfigError as error:
        return checks_without_settings(error)


def as_json(lines: Sequence[Line]) -> dict[str, Any]:
    """`{"outcome", "checks": [{"name", "outcome", "text", "advice"}]}`."""
    return {"outcome": str(worst(lines)), "checks": [line.as_json() for line in lines]}


def report(environment: Mapping[str, str]) -> dict[str, Any]:
    """Look at everything that an environment calls for."""
    return as_json(list(examine(checks_of(lambda: parse(environment), environment))))
