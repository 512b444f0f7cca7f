"""Every error this package raises, by who must act on it.

    RetrainError
    ├── Bug                     us: anything else that reached a door
    ├── Killed                  the operator: a run ended its process, again and again
    ├── ConfigError             the operator: a setting is missing or wrong
    ├── DataError               the owner of the data: a file or a series cannot be used
    │   ├── SeriesTooShort
    │   └── FlatSeries
    ├── ModelError              the owner of the model: no fit, a number that is no number, a bad artifact
    │   └── NotConverged
    ├── UsageError              the caller: an option, a body or a parameter is off
    ├── NotFound                the caller: no such run, version or file
    ├── Conflict                nobody: somebody else moved first; run again
    │   └── LockHeld            nobody: the holder of the lock will see to it
    └── ServiceError            the operator of a service that this package calls
        ├── ServiceUnavailable  it may pass: the event is kept and tried again
        │   ├── ServiceTimeout
        │   └── Unsettled       a promotion failed and could not be taken back yet; the next trigger sees to it
        ├── BuildFailed         an image could not be built
        ├── PromotionFailed     the winner could not be made to answer; the champion stays
        └── AccessDenied        it will not pass: a role is missing

A challenger that loses is not an error; it is a verdict.
"""

from __future__ import annotations


class RetrainError(Exception):
    """The root. `kind` names the family, in JSON, in exit codes and in HTTP statuses."""

    kind = "internal"

    def as_json(self) -> dict[str, object]:
        """What a machine reads: the family and the sentence."""
        return {"kind": self.kind, "message": str(self)}


class Bug(RetrainError):
    """Something that is not a RetrainError reached a door: the fault is here."""

    def __init__(self, error: Exception) -> None:
        super().__init__(f"{type(error).__name__}: {error}; this is a bug, please report it")


class Killed(RetrainError):
    """A run never came to an end: its process ended each time, for lack of memory or time, or by what it read."""


class ConfigError(RetrainError):
    """A setting is missing or wrong."""

    kind = "configuration"


class DataError(RetrainError):
    """A landed file or the series it makes cannot be used.

    Args:
        problem: what is wrong and what to do, used when there is no single cell to point at.
        file, row, column: where; `row` counts lines of data from 1, the header not counted.
        found, expected: what stood there, and what should have.
    """

    kind = "data"

    def __init__(
        self,
        problem: str = "",
        *,
        file: str | None = None,
        row: int | None = None,
        column: str | None = None,
        found: str | None = None,
        expected: str | None = None,
    ) -> None:
        self.where: dict[str, object] = {
            name: value
            for name, value in {
                "file": file,
                "row": row,
                "column": column,
                "found": found,
                "expected": expected,
            }.items()
            if value is not None
        }
        place = ", ".join(part for part in (file, row and f"row {row}", column and f"column {column}") if part)
        what = problem or f"found {found!r}, expected {expected}"
        super().__init__(f"{place}: {what}" if place else what)

    def as_json(self) -> dict[str, object]:
        """The family, the sentence, and the cell it speaks of."""
        return {**super().as_json(), **self.where}


class SeriesTooShort(DataError):
    """There are fewer days than the question needs."""


class FlatSeries(DataError):
    """The series never changes, so the question has no answer."""


class ModelError(RetrainError):
    """A model could not be fitted, scored or read."""

    kind = "model"


class NotConverged(ModelError):
    """The optimiser ended without an optimum; such a fit is not a candidate."""


class UsageError(RetrainError):
    """What was asked cannot be understood."""

    kind = "usage"


class NotFound(RetrainError):
    """The run, version or file that was asked for does not exist."""

    kind = "not_found"


class Conflict(RetrainError):
    """Somebody else changed the record, or holds the lock."""

    kind = "conflict"


class LockHeld(Conflict):
    """Another process holds the lock."""


class ServiceError(RetrainError):
    """A service that this package calls refused or failed."""

    kind = "service"


class ServiceUnavailable(ServiceError):
    """The service did not answer or was busy: what was asked may be asked again."""


class ServiceTimeout(ServiceUnavailable):
    """The service took too long."""


class Unsettled(ServiceUnavailable):
    """A promotion failed after the pointer had moved, and the pointer could not be moved back yet."""


class BuildFailed(ServiceError):
    """An image could not be built.

    Args:
        log: all that the builder wrote.
    """

    def __init__(self, problem: str, log: str) -> None:
        self.log = log
        super().__init__(problem)


class PromotionFailed(ServiceError):
    """A step of a promotion failed, and what it had moved or deployed was taken back.

    Args:
        log: the last lines that the service, or the build, wrote.
    """

    def __init__(self, step: str, reason: str, log: list[str]) -> None:
        self.step, self.reason, self.log = step, reason, log
        super().__init__(f"promotion failed at {step}: {reason}; the champion stays")

    def as_json(self) -> dict[str, object]:
        """Also the step and the log."""
        return {**super().as_json(), "step": self.step, "log": self.log}


class AccessDenied(ServiceError):
    """The service refused this identity; the message names the missing role."""
