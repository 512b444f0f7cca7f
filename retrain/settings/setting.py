"""What a setting is, and what a group of settings is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _blank_is_none(value: Any) -> Any:
    return None if value == "" else value


type Optional[T] = Annotated[T | None, BeforeValidator(_blank_is_none)]
"""None if the variable is not set or is empty."""


def setting(
    default: Any, name: str, description: str, *, unit: str = "", secret: bool = False, **limits: Any
) -> Any:
    """Declare a field of a group.

    Args:
        name: of the environment variable.
        unit: of the value, for example `days`; empty if it has none.
        secret: the value may hold a secret: no message, no `repr` and no job may contain it.
        limits: what `pydantic.Field` takes, for example `ge`, `le` or `pattern`.
    """
    about: dict[str, Any] = {"unit": unit, "secret": secret}
    return Field(default, alias=name, description=description, repr=not secret, json_schema_extra=about, **limits)


class Group(BaseModel):
    """The settings of one concern; each field is declared by `setting`."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class Setting:
    """What is known about a setting before any value is read.

    Attributes:
        name: of the environment variable.
        group: the attribute of `Settings` that holds the setting's group.
        field: the attribute of the group that holds the value.
    """

    name: str
    group: str
    field: str
    default: Any
    unit: str
    description: str
    secret: bool

    @property
    def is_optional(self) -> bool:
        """An empty value means the default."""
        return self.default in (None, "")


@cache
def settings_of(group: str, kind: type[Group]) -> tuple[Setting, ...]:
    """The settings of a group, in the order in which they are declared."""
    found = []
    for field, info in kind.model_fields.items():
        about: Any = info.json_schema_extra
        found.append(
            Setting(
                name=str(info.alias),
                group=group,
                field=field,
                default=info.default,
                unit=about["unit"],
                description=str(info.description),
                secret=about["secret"],
            )
        )
    return tuple(found)


def as_text(value: Any) -> str:
    """A value as it is written in an environment variable; empty for None."""
    if value is None:
        return ""
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)
