"""A world whose promotions are jobs, which end as a test says."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from retrain.errors import ServiceUnavailable
from retrain.ports import Job
from retrain.promotion.resume import promote_run
from retrain.records.request import Trigger
from retrain.runs.dispatch import work_off
from retrain.runs.outcome import Behind
from tests.builders import TWO, World, ask, has_worked_off

if TYPE_CHECKING:
    from retrain.records.context import Context


@dataclass
class JobsOnDemand:
    """Jobs that are made when a test says so, and end as it says; `submitted` counts every call."""

    states: dict[str, Job] = field(default_factory=dict)
    submitted: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    away: bool = False

    def submit(self, run_id: str) -> str:
        """Keep it, once."""
        if self.away:
            raise ServiceUnavailable("Azure ML is away")
        self.submitted.append(run_id)
        self.states.setdefault(run_id, Job(ended=False))
        return f"job-{run_id}"

    def look(self, run_id: str) -> Job | None:
        """As the test has left it."""
        return self.states.get(run_id)

    def cancel(self, run_id: str) -> None:
        """Note it."""
        self.cancelled.append(run_id)
        self.states[run_id] = Job(ended=True, failure="it was cancelled")


@dataclass
class Office:
    """A world whose promotions are jobs; version 1 was made without."""

    world: World
    jobs: JobsOnDemand

    @property
    def context(self) -> Context:
        return replace(self.world.context, jobs=self.jobs)

    def land(self, name: str = "two.csv", data: bytes = TWO) -> str:
        """A file lands, and its trigger does what it can; the run's name."""
        self.world.put(name, data)
        return self.trigger(file=name)

    def trigger(self, kind: Trigger = Trigger.BLOB, **asked: Any) -> str:
        request = ask(kind, self.context, **asked)
        assert has_worked_off(self.world.settings, self.context)
        return request.run_id

    def half(self, run_id: str, half: str) -> dict[str, Any]:
        """One step of the job."""
        return promote_run(run_id, self.world.settings, self.context, half).as_json()

    def report(self, run_id: str) -> dict[str, Any]:
        return self.world.ledger.run(run_id).as_json()

    def status(self, run_id: str) -> str:
        status: str = self.world.ledger.run(run_id).status
        return status

    def under_way(self) -> str | None:
        """The run that a job is promoting, as the next trigger finds it."""
        left = work_off(self.world.settings, self.context).left
        return next((one.first for one in left if one.behind is Behind.JOB), None)

    @property
    def champion(self) -> str | None:
        champion = self.world.ledger.pointer().champion
        return champion.version if champion else None

    @property
    def running(self) -> list[str]:
        return [service.version for service in self.world.platform.services()]
