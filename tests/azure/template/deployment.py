"""A deployment of the template: every resource that given parameters would make, and the outputs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.azure.template.errors import TemplateError, place_of
from tests.azure.template.expressions import Names, Outputs, Runtime, evaluate, loop
from tests.azure.template.functions import ENVIRONMENT, FUNCTIONS
from tests.azure.template.parameters import checked
from tests.azure.template.references import Resource
from tests.azure.template.syntax import Declaration, Source, plain, read

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tree_sitter import Node

MAIN = Path(__file__).parents[3] / "infra" / "main.bicep"
SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
TENANT = "00000000-0000-0000-0000-0000000000aa"
BICEP_ONLY = ("parent", "scope", "dependsOn")
RUNTIME = "holds a value that only a deployed resource tells"


@dataclass(frozen=True, slots=True)
class Deployment:
    """What a deployment makes.

    Attributes:
        resources: in the order of evaluation, those that exist already among them.
        outputs: of the main file.
        declared: places of the declarations that were evaluated; of resources and modules, that made something.
        used: places of those that an expression refers to.
    """

    resources: list[Resource] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    declared: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)

    @property
    def made(self) -> list[Resource]:
        """The resources that this deployment creates."""
        return [one for one in self.resources if not one.existing]

    def of_type(self, kind: str) -> list[Resource]:
        """Those of a type that are created."""
        return [one for one in self.made if one.type == kind]

    def one(self, kind: str) -> Resource:
        """The only one of a type that is created."""
        (found,) = self.of_type(kind)
        return found


def deploy(parameters: Mapping[str, Any], main: Path = MAIN) -> Deployment:
    """Evaluate a template for parameters.

    Raises: TemplateError for what Bicep or Azure would refuse before anything is made, naming file and line.
    """
    done = Deployment()
    module = _Module(read(main), f"/subscriptions/{SUBSCRIPTION}", parameters, done, f"{main.name}")
    done.outputs.update(module.run())
    for one in done.made:
        if _has_runtime(one.body):
            raise TemplateError(one.place, RUNTIME)
    return done


class _Module:
    """A file in one scope with its parameters; names are evaluated when they are first asked for."""

    def __init__(
        self, source: Source, scope: str, parameters: Mapping[str, Any], done: Deployment, caller: str
    ) -> None:
        self.path, self._source, self._scope, self._done = source.path, source, scope, done
        self._given, self._known = dict(parameters), dict[str, Any]()
        self._under_way: set[str] = set()
        for name in self._given:
            if name not in source.declarations or source.declarations[name].kind != "parameter":
                raise TemplateError(caller, f"{source.path.name} has no parameter {name}")

    def run(self) -> dict[str, Any]:
        """Evaluate everything; the outputs."""
        for name in self._source.declarations:
            self._value(name)
        found = {}
        for name, one in self._source.outputs.items():
            assert one.value is not None
            found[name] = checked(one, evaluate(one.value, self), self)
            self._done.declared.add(one.place)
        return found

    def has(self, name: str) -> bool:
        """See Names."""
        return name in self._source.declarations

    def value(self, name: str) -> Any:
        """See Names."""
        self._done.used.add(self._source.declarations[name].place)
        return self._value(name)

    def _value(self, name: str) -> Any:
        if name in self._known:
            return self._known[name]
        if name in self._under_way:
            raise TemplateError(self._source.declarations[name].place, f"{name} refers to itself")
        self._under_way.add(name)
        one = self._source.declarations[name]
        self._known[name] = value = getattr(self, f"_{one.kind}")(one)
        is_skipped = value in (None, []) or (isinstance(value, Outputs) and value.values is None)
        if one.kind not in ("resource", "module") or not is_skipped:
            self._done.declared.add(one.place)
        return self._known[name]

    def function(self, name: str) -> Callable[..., Any] | None:
        """See Names."""
        group = self._scope.rpartition("/")[2] if "/resourceGroups/" in self._scope else None
        subscription = f"/subscriptions/{SUBSCRIPTION}"
        own: dict[str, Callable[..., Any]] = {
            "subscription": lambda: {
                "id": subscription,
                "subscriptionId": SUBSCRIPTION,
                "tenantId": TENANT,
            },
            "tenant": lambda: {"tenantId": TENANT},
            "environment": lambda: ENVIRONMENT,
            "resourceId": lambda kind, *names: _below(self._scope, kind, names),
            "subscriptionResourceId": lambda kind, *names: _below(subscription, kind, names),
            "loadTextContent": lambda file: (self.path.parent / file).read_text(encoding="utf-8"),
            "loadJsonContent": lambda file: json.loads((self.path.parent / file).read_text(encoding="utf-8")),
        }
        if group is not None:
            location = self._given.get("location", "westeurope")
            own["resourceGroup"] = lambda: {"id": self._scope, "name": group, "location": location}
        return own.get(name, FUNCTIONS.get(name))

    def _parameter(self, one: Declaration) -> Any:
        if one.name not in self._given and one.value is None:
            raise TemplateError(one.place, f"the parameter {one.name} is not given and has no default")
        value = self._given[one.name] if one.name in self._given else evaluate(one.value, self)  # type: ignore[arg-type]
        return checked(one, value, self)

    def _variable(self, one: Declaration) -> Any:
        assert one.value is not None
        return evaluate(one.value, self)

    def _resource(self, one: Declaration) -> Resource | list[Resource] | None:
        assert one.value is not None
        if one.value.type == "for_statement":
            made = (self._body(one, node, names) for names, node in loop(one.value, self))
            return [self._made(one, body) for body in made if body is not None]
        body = self._body(one, one.value, self)
        return None if body is None else self._made(one, body)

    def _module(self, one: Declaration) -> Outputs:
        assert one.value is not None
        body = self._body(one, one.value, self)
        if body is None:
            return Outputs(one.name)
        unknown = set(body) - {"name", "scope", "params", "dependsOn"}
        if unknown:
            raise TemplateError(one.place, f"a module has no {', '.join(sorted(unknown))}")
        source = read((self.path.parent / one.given).resolve())
        scope = body["scope"].id if "scope" in body else self._scope
        if source.scope == "resourceGroup" and "/resourceGroups/" not in scope:
            raise TemplateError(one.place, f"{one.given} is for a resource group, and its scope is none")
        return Outputs(one.name, _Module(source, scope, body.get("params", {}), self._done, one.place).run())

    def _body(self, one: Declaration, node: Node, names: Names) -> dict[str, Any] | None:
        """The evaluated body; None if its condition is false."""
        if node.type == "if_statement":
            condition, node = plain(node)
            if evaluate(condition, names) is not True:
                return None
        found = evaluate(node, names)
        if not isinstance(found, dict):
            raise TemplateError(place_of(self.path, node), f"{one.name} has no body")
        return found

    def _made(self, one: Declaration, body: dict[str, Any]) -> Resource:
        kind, _, version = one.given.partition("@")
        if not isinstance(body.get("name"), str):
            raise TemplateError(one.place, f"{one.name} has no name")
        parent, scope = body.get("parent"), body.get("scope")
        around = scope.id if isinstance(scope, Resource) else self._scope
        if isinstance(parent, Resource):
            if kind.rpartition("/")[0] != parent.type:
                raise TemplateError(one.place, f"the parent of {kind} is no {parent.type}")
            path = f"{parent.id}/{kind.rpartition('/')[2]}/{body['name']}"
        elif kind == "Microsoft.Resources/resourceGroups":
            path = f"{self._scope}/resourceGroups/{body['name']}"
        elif kind.count("/") != 1:
            raise TemplateError(one.place, f"{kind} needs a parent")
        else:
            path = f"{around}/providers/{kind}/{body['name']}"
        own = {name: value for name, value in body.items() if name not in BICEP_ONLY}
        made = Resource(kind, version, body["name"], path, around, own, one.existing, one.place)
        if not one.existing and any(made.id == other.id for other in self._done.made):
            raise TemplateError(one.place, f"{made.id} is made twice")
        self._done.resources.append(made)
        return made


def _below(scope: str, kind: str, names: tuple[str, ...]) -> str:
    provider, *types = kind.split("/")
    return f"{scope}/providers/{provider}/" + "/".join(f"{t}/{n}" for t, n in zip(types, names, strict=True))


def _has_runtime(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_runtime, value.values()))
    if isinstance(value, list):
        return any(map(_has_runtime, value))
    return isinstance(value, Runtime | Resource | Outputs)
