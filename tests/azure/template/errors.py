"""What is wrong with a template, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tree_sitter import Node


class TemplateError(Exception):
    """A template that Bicep would refuse, or that uses what is not evaluated here."""

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(f"{place}: {problem}")
        self.place, self.problem = place, problem


def place_of(path: Path, node: Node) -> str:
    """`infra/FILE:LINE`."""
    return f"{path.parent.name}/{path.name}:{node.start_point[0] + 1}"
