"""Everything that a run touches, made once in wiring and passed on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from retrain.errors import NotFound
from retrain.records.approval import State, last_asking

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from retrain.ports import Jobs, ObjectStore, Platform
    from retrain.records.champion import Champion, Pointer
    from retrain.records.ledger import Ledger
    from retrain.records.outbox import Listener
    from retrain.records.registry import Registry
    from retrain.records.run import Run


@dataclass(frozen=True, slots=True)
class Context:
    """The stores, the services, and the records in them.

    Attributes:
        inbox: where files land; only `land` on the command line writes to it.
        state: history, quarantine and every record.
        ledger, registry: the records in `state`.
        platform: where versions answer.
        now: the time, in UTC.
        progress: told the stage and where in it, for a person who waits.
        jobs: who promotes; None to promote in the process that decided.
        listeners: who is told of events.
        hears_all: whether these are all there are: then an event that they have taken is done with. A job, or a
            command beside a Function App, does not know those whose addresses are secret.
        forecasts: where issued forecasts are published as files; None to publish none.
        asked_under: what a request that is asked from here is to be made under; see `BaseRequest.settings`.
    """

    inbox: ObjectStore
    state: ObjectStore
    ledger: Ledger
    registry: Registry
    platform: Platform
    now: Callable[[], datetime]
    progress: Callable[[str, str], None]
    jobs: Jobs | None = None
    listeners: tuple[Listener, ...] = ()
    hears_all: bool = True
    forecasts: ObjectStore | None = None
    asked_under: Mapping[str, str] = field(default_factory=dict)

    def finish(self, run: Run) -> Run:
        """See Ledger.finish."""
        return self.ledger.finish(run, self.now(), is_heard=bool(self.listeners))

    def champion_of(self, pointer: Pointer) -> Champion:
        """The champion. Raises: NotFound if there is none, with what makes one."""
        if pointer.champion is not None:
            return pointer.champion
        asking = last_asking(self.state)
        run = self.ledger.recorded(asking.run_id) if asking else None
        if run is not None and run.approval is not None and run.approval.state is State.WAITING:
            raise NotFound(
                f"there is no champion yet; the winner of run {run.run_id} waits: `retrain approve {run.run_id}`"
            )
        raise NotFound("there is no champion yet; land a file of transactions first")
