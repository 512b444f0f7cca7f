"""Request bodies against Microsoft's ARM schemas, which are read from beside the project and never copied into it.

The published schemas leave room for anything beside what they name. Here they are closed: an object may hold the
named keys and no others, and a discriminated union is the branch that its tag names.
"""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonschema import Draft7Validator
from referencing import Registry
from referencing import Resource as Schemas
from referencing.jsonschema import DRAFT7

from tests.azure.template.references import Resource
from tests.azure.template.types import problems as problems_of
from tests.azure.template.types import types_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.azure.emulator.timeline import Call

FOLDER = Path(__file__).parents[3] / "shared" / "specs"
FILES = {"Microsoft.ContainerInstance": "aci", "Microsoft.MachineLearningServices": "ml"}
KNOWN = ("hash_version: 202208 is not of type 'string'",)  # the SDK's own, which the service accepts

type Schema = dict[str, Any]


def problems(call: Call) -> list[str] | None:
    """What is wrong with a body; None if there is no body, or no schema speaks of it."""
    found = re.search(r"/providers/(Microsoft\.\w+)/(.+)$", call.path)
    if call.body is None or found is None:
        return None
    if call.path.lower().endswith("/schedulerun"):
        return _check(f"acrtasks-{call.api_version}.json", "#/definitions/RunRequest", call.body)
    provider, segments = found[1], found[2].split("/")
    if provider == "Microsoft.App":
        return _of_types(f"{provider}/{'/'.join(segments[0::2])}", call) if call.method == "PUT" else None
    if call.method != "PUT" or provider not in FILES:
        return None
    file = f"{FILES[provider]}-{call.api_version}.json"
    if not (FOLDER / file).exists():
        return [f"there is no schema {file}"]
    kind = "_".join(segments[0::2])
    resources = _document(file)["resourceDefinitions"]
    named = next((name for name in resources if name.lower() == kind.lower()), None)
    if named is None:
        return [f"{file} knows no {kind}"]
    type_name = resources[named]["properties"]["type"]["enum"][0]
    whole = {**call.body, "apiVersion": call.api_version, "type": type_name, "name": segments[-1]}
    return _check(file, f"#/resourceDefinitions/{named}", whole)


def _of_types(kind: str, call: Call) -> list[str] | None:
    """By the types of Bicep, where no schema is at hand; they make integers of fractions."""
    known = types_of(kind)
    if call.api_version not in known:
        return [f"there is no type {kind}@{call.api_version}"]
    body = {**call.body, "name": call.path.rpartition("/")[2]}
    resource = Resource(kind, call.api_version, body["name"], call.path, "", body, existing=False, place="")
    return [one for one in problems_of(resource) or [] if "resources.cpu is" not in one]


def _check(file: str, pointer: str, body: Any) -> list[str]:
    registry: Any = Registry().with_resource("urn:schema", Schemas(_document(file), DRAFT7))  # type: ignore[call-arg]
    validator = Draft7Validator({"$ref": f"urn:schema{pointer}"}, registry=registry)
    told = (f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in validator.iter_errors(body))
    return [problem[:300] for problem in told if not problem.endswith(KNOWN)]


@functools.cache
def _document(file: str) -> Schema:
    raw = json.loads((FOLDER / file).read_text())
    definitions = raw["definitions"]
    resources = {
        name: _closed({**schema, "additionalProperties": True}, definitions)
        for name, schema in raw["resourceDefinitions"].items()
    }
    return {
        "definitions": {name: _closed(schema, definitions) for name, schema in definitions.items()},
        "resourceDefinitions": resources,
    }


def _closed(node: Any, definitions: Schema) -> Any:
    """A schema that allows what it names and nothing else."""
    if isinstance(node, list):
        return [_closed(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    node = _flattened(node, definitions)
    if "oneOf" in node:
        branches = _branches(node, definitions)
        if len(branches) == 1:
            beside = {key: value for key, value in node.items() if key not in ("oneOf", "description")}
            only = _closed(branches[0], definitions)
            return only if "$ref" in only else {**only, **_closed(beside, definitions)}
        tagged = _by_tag(node, branches, definitions)
        if tagged is not None:
            return tagged
        node = {**node, "oneOf": branches}
    return {key: _inside(key, value, definitions) for key, value in _strict(node).items()}


def _inside(key: str, value: Any, definitions: Schema) -> Any:
    if key in ("enum", "required", "description", "pattern"):
        return value
    if key in ("properties", "definitions"):
        return {name: _closed(schema, definitions) for name, schema in value.items()}
    return _closed(value, definitions)


def _strict(node: Schema) -> Schema:
    node = dict(node)
    if node.get("type") == "integer":
        node["type"] = "number"  # the schemas' generator makes integers of doubles
    if node.get("type") != "object":
        return node
    properties = node.get("properties")
    if properties and "additionalProperties" not in node and "oneOf" not in node:
        node["additionalProperties"] = False
    if properties == {} and not isinstance(node.get("additionalProperties"), dict):
        node.pop("additionalProperties", None)
    return node


def _flattened(node: Schema, definitions: Schema) -> Schema:
    """A base and its kinds, written as `allOf: [base, {oneOf: kinds}]`, as one object with kinds."""
    parts = node.get("allOf")
    if not (isinstance(parts, list) and len(parts) == 2 and set(parts[1]) == {"oneOf"}):
        return node
    kinds = []
    for branch in parts[1]["oneOf"]:
        pieces = [_resolved(piece, definitions) for piece in branch.get("allOf", [branch])]
        properties = {name: schema for piece in pieces for name, schema in piece.get("properties", {}).items()}
        required = {name for piece in pieces for name in piece.get("required", [])}
        kinds.append({"type": "object", "properties": properties, "required": sorted(required)})
    base = {"properties": parts[0]["properties"], "required": parts[0]["required"]}
    return {"type": "object", **base, "oneOf": kinds}


def _branches(node: Schema, definitions: Schema) -> list[Schema]:
    """Without the template expression that ARM allows everywhere."""
    found = [one for one in node["oneOf"] if not one.get("$ref", "").endswith("#/definitions/expression")]
    return [_resolved(one, definitions) for one in found] if len(found) > 1 else found


def _resolved(node: Schema, definitions: Schema) -> Schema:
    resolved: Schema = definitions[node["$ref"].rsplit("/", 1)[1]] if "$ref" in node else node
    return resolved


def _by_tag(node: Schema, branches: list[Schema], definitions: Schema) -> Schema | None:
    tags = [tag for branch in branches for tag in _tags(branch)]
    if len(tags) != len(branches) or len({name for name, _ in tags}) != 1:
        return None
    name = tags[0][0]
    common, needed = node.get("properties", {}), node.get("required", [])
    rules = [
        {
            "if": {"properties": {name: {"const": value}}, "required": [name]},
            "then": _closed(
                {
                    "type": "object",
                    "properties": {**common, **branch["properties"]},
                    "required": sorted({*needed, *branch.get("required", [])}),
                },
                definitions,
            ),
        }
        for (_, value), branch in zip(tags, branches, strict=True)
    ]
    kinds = {name: {"enum": [value for _, value in tags]}}
    return {"type": "object", "required": [name], "properties": kinds, "allOf": rules}


def _tags(branch: Schema) -> Iterator[tuple[str, Any]]:
    """A required property with a single value, which tells this branch from the others."""
    for name, schema in branch.get("properties", {}).items():
        if name in branch.get("required", []) and isinstance(schema, dict):
            if "const" in schema:
                yield name, schema["const"]
                return
            if len(schema.get("enum", [])) == 1:
                yield name, schema["enum"][0]
                return
