"""What a round of work came to: whose runs ended, and which requests are left, behind whom."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from retrain.errors import LockLost


class Behind(StrEnum):
    """What a request waits for."""

    ANOTHER_PROCESS = "another process, which is working requests off"
    JOB = "a job that promotes, and works requests off at its end"
    TROUBLE = "a run that met trouble; the next trigger tries again"
    NEWER_CODE = "a newer version of retrain, which alone can make it"


@dataclass(frozen=True, slots=True)
class Left:
    """A request that is left.

    Attributes:
        run_id: its run.
        behind: what it waits for.
        first: the run that is being promoted or met trouble, perhaps its own; empty for another process, and for
            what concerns its own run alone, and holds up no other.
        reason: why that run has not ended.
    """

    run_id: str
    behind: Behind
    first: str = ""
    reason: str = ""

    @property
    def ends_the_round(self) -> bool:
        """Whether everything that is left has to wait for the same."""
        return self.first != ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A round of work.

    Attributes:
        ended: the runs that came to their end, in their order.
        left: the requests that did not, in their order.
        lost: why this process had to stop: it has lost the lock, and another process has the work; empty if not.
    """

    ended: tuple[str, ...] = ()
    left: tuple[Left, ...] = ()
    lost: str = ""

    def raise_if_lost(self) -> None:
        """Raises: LockLost if this process has lost the lock; whoever woke it up may try again."""
        if self.lost:
            raise LockLost(self.lost)

    def of(self, run_id: str) -> Left | None:
        """Why a run has not ended; None if it has."""
        return next((left for left in self.left if left.run_id == run_id), None)

    def left_for_others(self, run_id: str) -> list[Left]:
        """Those besides a run that could not be made here for a reason of their own, which a person should know."""
        mine = (Behind.TROUBLE, Behind.NEWER_CODE)
        return [left for left in self.left if left.behind in mine and not left.first and left.run_id != run_id]

    @property
    def trouble(self) -> Left | None:
        """The first request that is left because of trouble: somebody has to try again."""
        return next((left for left in self.left if left.behind is Behind.TROUBLE), None)
