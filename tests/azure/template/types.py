"""Bodies of resources against Microsoft's types, which lie beside the project and are never copied into it.

Stricter than Bicep: a text that may be "one of these, or any other" must be one of these.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.azure.template.shapes import SHAPES, as_records

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.azure.template.references import Resource

FOLDER = Path(__file__).parents[4] / "shared" / "specs" / "bicep"
SCALARS: dict[str, type] = {"string": str, "int": int, "bool": bool}
LIMIT = re.compile(r"(minLength|maxLength|minValue|maxValue): (\d+)")
PATTERN = re.compile(r"pattern: (.+)$")

type Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Types:
    """The types of one resource type: its records by name, and the body."""

    records: dict[str, Record]
    body: Record


@cache
def types_of(kind: str) -> dict[str, Types]:
    """The known versions of a resource type, by version; empty if nothing is known of it."""
    if kind in SHAPES:
        version, records = as_records(kind)
        return {version: Types(records, records[""])}
    file = FOLDER / f"{kind.replace('/', '_')}.json"
    if not file.exists():
        return {}
    records = json.loads(file.read_text(encoding="utf-8"))
    named = {one["name"]: one for one in records if one["$type"] in ("Object", "DiscriminatedObject")}
    return {
        one["name"].partition("@")[2]: Types(named, one["bodyType"])
        for one in records
        if one["$type"] == "Resource" and one["name"].partition("@")[0] == kind
    }


def problems(resource: Resource) -> list[str] | None:
    """What is wrong with a resource; None if nothing is known of its type."""
    versions = types_of(resource.type)
    if not versions:
        return None
    if resource.version not in versions:
        return [f"{resource.type} has no version {resource.version}; known is {', '.join(versions)}"]
    types = versions[resource.version]
    wrong = [f"{path} is read, and a {resource.type} has none" for path in _unreadable(resource, types)]
    if not resource.existing:
        wrong += _object(types, types.body, resource.body, "")
    return [f"{resource.type}: {one}" for one in wrong]


def _object(types: Types, record: Record, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path} is {value!r}, and must be an object"
        return
    known, rest = _properties(record, value), record.get("additionalPropertiesType")
    if known is None:
        yield f"{path or 'the body'} is of none of the kinds that there are"
        return
    given = {name: one for name, one in value.items() if one is not None}
    for name, one in given.items():
        where = f"{path}.{name}" if path else name
        if name in known:
            if "ReadOnly" in known[name].get("flags", ""):
                yield f"{where} is read-only"
            else:
                yield from _limits(known[name].get("modifiers", ""), one, where)
                yield from _value(types, known[name]["type"], one, where)
        elif rest is None:
            yield f"{where} is unknown"
        else:
            yield from _value(types, rest, one, where)
    for name, about in known.items():
        if "Required" in about.get("flags", "") and name not in given:
            yield f"{path}.{name} is missing" if path else f"{name} is missing"


def _properties(record: Record, value: Record) -> dict[str, Record] | None:
    """The properties of an object by name; of a discriminated one those of the kind that the value is of."""
    if record["$type"] == "Object":
        return {one["name"]: one for one in record["properties"]}
    base = {one["name"]: one for one in record.get("baseProperties") or []}
    for element in record["elements"]:
        own = {one["name"]: one for one in element.get("properties", [])}
        if any(value.get(name) == about["type"] for name, about in own.items()):
            return base | own
    return None


def _value(types: Types, given: str, value: Any, path: str) -> Iterator[str]:
    kinds = given.split(" | ")
    if "any" in kinds or given == "object":
        return
    literals = [kind for kind in kinds if kind not in SCALARS]
    if given.endswith("[]"):
        yield from _array(types, given.removesuffix("[]"), value, path)
    elif given in types.records:
        yield from _object(types, types.records[given], value, path)
    elif literals:  # some are spelled like a type
        if str(value) not in literals:
            yield f"{path} is {value!r}, and must be one of {', '.join(literals)}"
    elif not any(_is(value, kind) for kind in kinds):
        yield f"{path} is {value!r}, and must be of the type {given}"


def _array(types: Types, given: str, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{path} is {value!r}, and must be an array"
        return
    for index, one in enumerate(value):
        yield from _value(types, given, one, f"{path}[{index}]")


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, SCALARS[kind]) and not (kind == "int" and isinstance(value, bool))


def _limits(modifiers: str, value: Any, path: str) -> Iterator[str]:
    pattern = PATTERN.search(modifiers)
    if pattern and isinstance(value, str) and not re.search(pattern[1], value):
        yield f"{path} is {value!r}, and must match {pattern[1]}"
    for name, limit in LIMIT.findall(modifiers):
        size = len(value) if name.endswith("Length") else value
        if (size < int(limit)) if name.startswith("min") else (size > int(limit)):
            yield f"{path} is {value!r}, and its {name} is {limit}"


def _unreadable(resource: Resource, types: Types) -> Iterator[str]:
    """Paths that the template reads of a resource and that its type does not have."""
    for path in sorted(resource.read - {"id", "name", "type"}):
        record: Record | None = types.body
        for part in path.split("."):
            known = _properties(record, resource.body) if record else {}
            if known is not None and part not in known:
                yield path
                break
            record = types.records.get(known[part]["type"]) if known else None
