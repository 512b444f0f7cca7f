"""One Bicep file: its declarations, as tree-sitter parses them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import tree_sitter_bicep
from tree_sitter import Language, Parser

from tests.azure.template.errors import TemplateError, place_of

if TYPE_CHECKING:
    from pathlib import Path

    from tree_sitter import Node

NESTED = ("resource_declaration", "module_declaration")


@dataclass(frozen=True, slots=True)
class Declaration:
    """A name and what it stands for.

    Attributes:
        kind: `parameter`, `variable`, `resource`, `module` or `output`.
        given: the type of a parameter or output, the type@version of a resource, the file of a module; or empty.
        value: the expression; None for a parameter without default.
        limits: decorators by name: their first argument, as a node.
        existing: the resource is not deployed, only referred to.
    """

    kind: str
    name: str
    place: str
    given: str = ""
    value: Node | None = None
    limits: dict[str, Node] = field(default_factory=dict)
    existing: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """A file: its declarations by name, and its scope."""

    path: Path
    scope: str
    declarations: dict[str, Declaration]
    outputs: dict[str, Declaration]


@cache
def read(path: Path) -> Source:
    """Parse a file. Raises: TemplateError at the first thing that is no Bicep, or declared twice."""
    root = Parser(Language(tree_sitter_bicep.language())).parse(path.read_bytes()).root_node
    if root.has_error:
        raise TemplateError(place_of(path, _first_error(root)), "is not valid Bicep")
    scope, found, outputs = "resourceGroup", dict[str, Declaration](), dict[str, Declaration]()
    limits: dict[str, Node] = {}
    for node in root.named_children:
        if node.type == "target_scope_assignment":
            scope = text_of(node.named_children[0]).strip("'")
        elif node.type == "decorators":
            limits = _limits(node)
        elif node.type != "comment":
            one = _declaration(path, node, limits)
            limits = {}
            among = outputs if one.kind == "output" else found
            if one.name in among:
                raise TemplateError(one.place, f"{one.name} is declared twice")
            among[one.name] = one
    return Source(path, scope, found, outputs)


def text_of(node: Node) -> str:
    """The text of a node."""
    return (node.text or b"").decode()


def plain(node: Node) -> list[Node]:
    """The named children without comments."""
    return [child for child in node.named_children if child.type != "comment"]


def _first_error(node: Node) -> Node:
    while node.type != "ERROR" and not node.is_missing:
        node = next(child for child in node.children if child.has_error or child.is_missing)
    return node


def _limits(node: Node) -> dict[str, Node]:
    found = {}
    for decorator in plain(node):
        name, arguments = plain(plain(decorator)[0])[:2]
        found[text_of(name).removeprefix("sys.")] = next(iter(plain(arguments)), arguments)
    return found


def _declaration(path: Path, node: Node, limits: dict[str, Node]) -> Declaration:
    place, parts = place_of(path, node), plain(node)
    kind, name = node.type.removesuffix("_declaration"), text_of(parts[0])
    if kind in ("parameter", "output"):
        value = parts[2] if len(parts) > 2 else None
        return Declaration(kind, name, place, text_of(parts[1]), value, limits)
    if kind == "variable":
        return Declaration(kind, name, place, value=parts[1])
    if node.type in NESTED:
        existing = any(child.type == "existing" for child in node.children)
        given = text_of(parts[1]).strip("'")
        return Declaration(kind, name, place, given, parts[-1], limits, existing)
    raise TemplateError(place, f"{node.type} is not evaluated here")
