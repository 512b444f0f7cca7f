"""What an expression of Bicep is worth."""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from tests.azure.template.errors import TemplateError, place_of
from tests.azure.template.references import Resource, told_by
from tests.azure.template.syntax import plain, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tree_sitter import Node

OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.floordiv,
    "%": operator.mod,
}
ESCAPES = {"\\n": "\n", "\\t": "\t", "\\r": "\r", "\\'": "'", "\\$": "$", "\\\\": "\\"}


class Names(Protocol):
    """What names and functions stand for."""

    @property
    def path(self) -> Path: ...
    def has(self, name: str) -> bool: ...
    def value(self, name: str) -> Any: ...
    def function(self, name: str) -> Callable[..., Any] | None: ...


@dataclass(frozen=True, slots=True)
class Local:
    """Names of a loop or a lambda in front of those around."""

    around: Names
    own: Mapping[str, Any]

    @property
    def path(self) -> Path:
        return self.around.path

    def has(self, name: str) -> bool:
        return name in self.own or self.around.has(name)

    def value(self, name: str) -> Any:
        return self.own[name] if name in self.own else self.around.value(name)

    def function(self, name: str) -> Callable[..., Any] | None:
        return self.around.function(name)


@dataclass(frozen=True, slots=True)
class Runtime:
    """A part of a resource of which only some leaves are known."""

    resource: Resource
    path: str


@dataclass(frozen=True, slots=True)
class Outputs:
    """The outputs of a module; absent if its condition is false."""

    name: str
    values: dict[str, Any] | None = field(default=None)


def evaluate(node: Node, names: Names) -> Any:
    """The value of an expression: text, number, truth, None, list, dict, Resource or Outputs.

    Raises: TemplateError naming file and line.
    """
    handler = HANDLERS.get(node.type)
    if handler is None:
        raise TemplateError(place_of(names.path, node), f"{node.type} is not evaluated here")
    try:
        return handler(node, names)
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as exc:
        raise TemplateError(place_of(names.path, node), f"{text_of(node)[:60]}: {exc!r}") from exc


def loop(node: Node, names: Names) -> list[tuple[Names, Node]]:
    """The rounds of a for-expression: the names of each, and what is to be evaluated under them."""
    *head, body = plain(node)
    if head[0].type == "for_loop_parameters":
        variables = [text_of(child) for child in plain(head[0])]
    else:
        variables = [text_of(head[0])]
    items = evaluate(head[1], names)
    if not isinstance(items, list):
        raise TemplateError(place_of(names.path, node), f"{text_of(head[1])[:60]} is no array")
    return [
        (Local(names, dict(zip(variables, (item, index), strict=False))), body) for index, item in enumerate(items)
    ]


def _identifier(node: Node, names: Names) -> Any:
    if not names.has(text_of(node)):
        raise TemplateError(place_of(names.path, node), f"there is no {text_of(node)}")
    return names.value(text_of(node))


def _string(node: Node, names: Names) -> str:
    parts = []
    for child in plain(node):
        if child.type == "interpolation":
            value = evaluate(plain(child)[0], names)
            if not isinstance(value, str | int | bool):
                raise TemplateError(place_of(names.path, child), f"{text_of(child)} is no text")
            parts.append(str(value).lower() if isinstance(value, bool) else str(value))
        else:
            parts.append(ESCAPES.get(text_of(child), text_of(child)))
    return "".join(parts) if parts else text_of(node).strip("'")  # the grammar passes over a text of blanks


def _object(node: Node, names: Names) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for pair in plain(node):
        key, *value = plain(pair)
        if not value:
            raise TemplateError(place_of(names.path, pair), f"{text_of(pair)[:60]} is not evaluated here")
        name = text_of(key) if key.type == "identifier" else evaluate(key, names)
        if name in found:
            raise TemplateError(place_of(names.path, pair), f"{name} is there twice")
        found[name] = evaluate(value[0], names)
    return found


def _member(node: Node, names: Names) -> Any:
    whole, last = plain(node)
    if whole.type == "lambda_expression":  # the grammar binds `x => x.y` as `(x => x).y`
        return _lambda(whole, names, after=node)
    if whole.type == "member_expression" and text_of(whole) in ("az", "sys"):
        raise TemplateError(place_of(names.path, node), "namespaces are not evaluated here")
    return member(evaluate(whole, names), text_of(last), place_of(names.path, node))


def member(value: Any, name: str, place: str) -> Any:
    """A property of a value. Raises: TemplateError if it has no such property."""
    if isinstance(value, Outputs):
        if name == "outputs" and value.values is not None:
            return value.values
        raise TemplateError(place, f"module {value.name} has no {name}, or its condition is false")
    if isinstance(value, Resource | Runtime):
        resource, path = (value.resource, f"{value.path}.{name}") if isinstance(value, Runtime) else (value, name)
        resource.read.add(path)
        told = told_by(resource, path)
        return Runtime(resource, path) if told is None else told
    if isinstance(value, dict) and name in value:
        return value[name]
    raise TemplateError(place, f"there is no {name}")


def _subscript(node: Node, names: Names) -> Any:
    whole, index = (evaluate(child, names) for child in plain(node))
    return whole[index]


def _call(node: Node, names: Names) -> Any:
    callee, arguments = plain(node)
    name = text_of(callee)
    called = names.function(name)
    if called is None:
        raise TemplateError(place_of(names.path, node), f"the function {name} is not evaluated here")
    return called(*(evaluate(child, names) for child in plain(arguments)))


def _lambda(node: Node, names: Names, after: Node | None = None) -> Callable[..., Any]:
    parameters, body = plain(node)
    wrapped = plain(parameters) if parameters.type == "parenthesized_expression" else [parameters]
    variables = [text_of(child) for child in wrapped]

    def called(*values: Any) -> Any:
        local = Local(names, dict(zip(variables, values, strict=False)))
        value = evaluate(body, local)
        return value if after is None else member(value, text_of(plain(after)[1]), place_of(names.path, after))

    return called


def _unary(node: Node, names: Names) -> Any:
    value = evaluate(plain(node)[0], names)
    sign = text_of(node)[0]
    if sign == "!" and not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither true nor false")
    return not value if sign == "!" else -value


def _binary(node: Node, names: Names) -> Any:
    left, right = plain(node)
    sign = next(child.type for child in node.children if not child.is_named)
    if sign == "??":
        value = evaluate(left, names)
        return evaluate(right, names) if value is None else value
    if sign in ("&&", "||"):
        first = evaluate(left, names)
        return evaluate(right, names) if bool(first) == (sign == "&&") else first
    return OPERATORS[sign](evaluate(left, names), evaluate(right, names))


def _ternary(node: Node, names: Names) -> Any:
    condition, yes, no = plain(node)
    return evaluate(yes if evaluate(condition, names) is True else no, names)


def _list(node: Node, names: Names) -> list[Any]:
    return [evaluate(child, names) for child in plain(node)]


def _for(node: Node, names: Names) -> list[Any]:
    return [evaluate(body, local) for local, body in loop(node, names)]


HANDLERS: dict[str, Callable[[Node, Names], Any]] = {
    "string": _string,
    "number": lambda node, _: int(text_of(node)),
    "boolean": lambda node, _: text_of(node) == "true",
    "null": lambda _, __: None,
    "identifier": _identifier,
    "object": _object,
    "array": _list,
    "for_statement": _for,
    "member_expression": _member,
    "subscript_expression": _subscript,
    "call_expression": _call,
    "lambda_expression": _lambda,
    "unary_expression": _unary,
    "binary_expression": _binary,
    "ternary_expression": _ternary,
    "parenthesized_expression": lambda node, names: evaluate(plain(node)[0], names),
}
