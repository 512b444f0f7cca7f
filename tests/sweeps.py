"""What is tried for each of many calls or values: `make test` takes some of them, `make drills` every one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from _pytest.mark.structures import ParameterSet

SOME = 3  # calls of a sweep that is not long


def in_drills(*values: object) -> list[ParameterSet]:
    """Values of a parameter that only `make drills` takes."""
    return [pytest.param(value, marks=pytest.mark.long) for value in values]


sweep = pytest.mark.parametrize("reach", ["some", *in_drills("every")])


def reached(calls: int, reach: str) -> list[int]:
    """The numbers of the calls that a sweep breaks: every one, or some that lie evenly apart."""
    return (
        list(range(calls)) if reach == "every" else sorted({at * (calls - 1) // (SOME - 1) for at in range(SOME)})
    )
