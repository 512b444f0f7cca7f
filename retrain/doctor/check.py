"""What a check is: a name, and a look that finds something. What a look raises is a finding too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from retrain.errors import AccessDenied, Bug, RetrainError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Outcome(StrEnum):
    """Whether something can work as it is."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a look has found.

    Attributes:
        text: what is there.
        advice: what to do; empty if nothing has to be done.
    """

    outcome: Outcome
    text: str
    advice: str = ""


def ok(text: str) -> Finding:
    """It works."""
    return Finding(Outcome.OK, text)


def warning(text: str, advice: str = "") -> Finding:
    """It works, or could not be seen from here."""
    return Finding(Outcome.WARNING, text, advice)


def fault(text: str, advice: str = "") -> Finding:
    """It does not work."""
    return Finding(Outcome.FAULT, text, advice)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is looked at.

    Attributes:
        role, scope: what this identity needs for the look; both are named if it is refused.
        optional: True if nothing but this look needs that right, so that a refusal is a warning.
        after: the check without which this one would only find the same again.
    """

    name: str
    look: Callable[[], Finding]
    role: str = ""
    scope: str = ""
    optional: bool = False
    after: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A check and what it has found."""

    name: str
    finding: Finding

    def as_json(self) -> dict[str, str]:
        """For programs."""
        found = self.finding
        return {"name": self.name, "outcome": str(found.outcome), "text": found.text, "advice": found.advice}


def examine(checks: Iterable[Check]) -> Iterator[Line]:
    """Look at one after the other. What a look raises becomes its line."""
    causes: dict[str, str] = {}  # the fault that each check is, or was not looked at for
    for check in checks:
        cause = causes.get(check.after, "")
        found = warning(f"not looked at, because of the fault of {cause}") if cause else _found(check)
        if cause or found.outcome is Outcome.FAULT:
            causes[check.name] = cause or check.name
        yield Line(check.name, found)


def worst(lines: Iterable[Line]) -> Outcome:
    """The outcome of all together."""
    found = {line.finding.outcome for line in lines}
    return next((outcome for outcome in (Outcome.FAULT, Outcome.WARNING) if outcome in found), Outcome.OK)


def _found(check: Check) -> Finding:
    try:
        return check.look()
    except AccessDenied as error:
        told, _, advice = str(error).partition("; ")
        if check.role:
            advice = f"give this identity the role {check.role} on {check.scope}"
        return warning(f"this identity may not look: {told}", advice) if check.optional else fault(told, advice)
    except RetrainError as error:
        return fault(str(error))
    except Exception as error:  # noqa: BLE001 - a look is a door: one that fails must not hide the others
        return fault(str(Bug(error)))
