"""Every error that this package raises, grouped by who must act.

    RetrainError
    ├── Bug                     the maintainers: an unexpected exception
    ├── Killed                  the operator: a run ended its process several times
    ├── ConfigError             the operator: a setting is missing or wrong
    ├── DataError               the owner of the data: a file or a series cannot be used
    │   ├── SeriesTooShort
    │   └── FlatSeries
    ├── ModelError              the owner of the model: no fit, a score that is NaN
    │   └── NotConverged
    ├── UsageError              the caller: an option, a body or a parameter is wrong
    ├── NotFound                the caller: there is no such run, version or file
    ├── Conflict                no one: another process was first; run again
    │   ├── LockHeld            no one: the process that holds the lock takes the request over
    │   └── LockLost            no one: the process that has the lock now takes the run over
    └── ServiceError            the operator of a service that this package calls
        ├── ServiceUnavailable  no one, if it is temporary: the request is kept and tried again
        │   ├── ServiceTimeout
        │   ├── UnprovenService another process answers at the address of a service; the key was not sent
        │   └── Unsettled       a promotion failed and is not undone yet; the next trigger undoes it
        ├── QuotaUsedUp         the subscription grants no more; trying again does not help
        ├── BuildFailed         an image could not be built
        ├── PromotionFailed     the new version could not be put into production; the champion stays
        ├── AccessDenied        an Azure role is missing; trying again does not help
        └── DamagedRecord       one record of the store cannot be read; it has to be restored from a backup

A challenger that is not promoted is not an error; it is a verdict.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class RetrainError(Exception):
    """The base class. `kind` names the group of errors in JSON, exit codes and HTTP statuses."""

    kind = "internal"

    def as_json(self) -> dict[str, object]:
        """The error for programs: its kind and its message."""
        return {"kind": self.kind, "message": str(self)}


class Bug(RetrainError):
    """An exception that is not a RetrainError: a bug in this package."""

    def __init__(self, error: Exception) -> None:
        super().__init__(f"{type(error).__name__}: {error}; this is a bug, please report it")


class Killed(RetrainError):
    """A run never finished: its process ended each time, for example because it used too much memory."""


class ConfigError(RetrainError):
    """A setting is missing or wrong."""

    kind = "configuration"


class DataError(RetrainError):
    """A landed file, or the series that it gives, cannot be used.

    Args:
        problem: what is wrong and what to do; used if the error does not concern one cell.
        file, row, column: where; `row` counts rows of data from 1, without the header.
        found, expected: the content of the cell, and what it should be.
        settings: assignments, `NAME=value`, with which the file could be used.
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
        settings: Sequence[str] = (),
    ) -> None:
        self.settings = tuple(settings)
        self.where: dict[str, object] = {
            name: value
            for name, value in {
                "file": file,
                "row": row,
                "column": column,
                "found": found,
                "expected": expected,
                "settings": self.settings or None,
            }.items()
            if value is not None
        }
        place = ", ".join(part for part in (file, row and f"row {row}", column and f"column {column}") if part)
        what = problem or f"found {found!r}, expected {expected}"
        super().__init__(f"{place}: {what}" if place else what)

    def as_json(self) -> dict[str, object]:
        """Also the place, what was found and what was expected."""
        return {**super().as_json(), **self.where}


def assignment(setting: str) -> str:
    """`NAME=value` as a shell takes it."""
    name, _, value = setting.partition("=")
    return f"{name}={shlex.quote(value) if value.isascii() or ' ' in value else value}"


class SeriesTooShort(DataError):
    """There are fewer days than are needed."""


class FlatSeries(DataError):
    """The series never changes, so a model or a score is not defined."""


class ModelError(RetrainError):
    """A model could not be fitted, scored or read."""

    kind = "model"


class NotConverged(ModelError):
    """The optimiser ended without an optimum; there is no fit."""


class NotProven(ModelError):
    """A fitted model forecasts other numbers than an implementation of others with the same parameters."""


class UsageError(RetrainError):
    """An option, a body or a parameter is wrong."""

    kind = "usage"


class NotFound(RetrainError):
    """There is no such run, version or file."""

    kind = "not_found"


class Conflict(RetrainError):
    """Another process changed the record, or holds the lock."""

    kind = "conflict"


class LockHeld(Conflict):
    """Another process holds the lock."""


class LockLost(Conflict):
    """This process held the lock and has lost it: the lease was broken or not renewed, the lock's file was removed.

    It is no failure of the run, which another process continues. It is raised where the lock is let go of; before
    that nothing inside the run can catch it.
    """


class ServiceError(RetrainError):
    """A service that this package calls refused or failed."""

    kind = "service"


class ServiceUnavailable(ServiceError):
    """The service did not answer or was busy: the call may be tried again."""


class ServiceTimeout(ServiceUnavailable):
    """The service did not answer in time."""


class UnprovenService(ServiceUnavailable):
    """Whoever answers at a service's address has not proven to know its key, which was not sent."""


class Unsettled(ServiceUnavailable):
    """A promotion failed after the champion pointer had moved, and the pointer could not be moved back yet."""


class QuotaUsedUp(ServiceError):
    """The subscription grants no more of something; the message says how to get more."""

    kind = "quota"


class BuildFailed(ServiceError):
    """An image could not be built.

    Args:
        log: the whole output of the builder.
    """

    def __init__(self, problem: str, log: str) -> None:
        self.log = log
        super().__init__(problem)


class PromotionFailed(ServiceError):
    """A step of a promotion failed, and the promotion was undone.

    Args:
        log: the last lines of the output of the service or of the build.
    """

    def __init__(self, step: str, reason: str, log: list[str]) -> None:
        self.step, self.reason, self.log = step, reason, log
        super().__init__(f"promotion failed at {step}: {reason}; the champion stays")

    def as_json(self) -> dict[str, object]:
        """Also the step and the log."""
        return {**super().as_json(), "step": self.step, "log": self.log}


class AccessDenied(ServiceError):
    """The service refused this identity; the message names the missing role."""


class DamagedRecord(ServiceError):
    """A record of the store, or an object that it names, is missing or cannot be understood.

    The message names the object and how to restore it. It concerns what needs this object, and nothing else.
    """

    kind = "record"
