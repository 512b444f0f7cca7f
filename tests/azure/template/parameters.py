"""What may be given to a parameter, and what an output may hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.azure.template.errors import TemplateError
from tests.azure.template.expressions import Runtime, evaluate

if TYPE_CHECKING:
    from tests.azure.template.expressions import Names
    from tests.azure.template.syntax import Declaration

KINDS: dict[str, type] = {"string": str, "int": int, "bool": bool, "object": dict, "array": list}


def checked(one: Declaration, value: Any, names: Names) -> Any:
    """The value, as its declaration takes it. Raises: TemplateError if it does not.

    azd substitutes into texts; numbers and truths are read from those.
    """
    kind = KINDS.get(one.given)
    if kind is None:
        raise TemplateError(one.place, f"the type {one.given} is not evaluated here")
    if isinstance(value, Runtime):
        raise TemplateError(one.place, f"{one.name} holds {value.path}, which is unknown here")
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TemplateError(one.place, f"{one.name} is {value!r}, and not of the type {one.given}")
    limits = {name: evaluate(node, names) for name, node in one.limits.items() if name in LIMITS}
    for name, limit in limits.items():
        if not LIMITS[name](value, limit):
            raise TemplateError(one.place, f"{one.name} is {value!r}, and {name} is {limit!r}")
    return value


LIMITS: dict[str, Any] = {
    "allowed": lambda value, limit: value in limit,
    "minLength": lambda value, limit: len(value) >= limit,
    "maxLength": lambda value, limit: len(value) <= limit,
    "minValue": lambda value, limit: value >= limit,
    "maxValue": lambda value, limit: value <= limit,
}
