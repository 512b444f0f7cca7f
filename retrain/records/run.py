"""One run: what was asked, what each stage found, and how it ended. `report.json` is this record."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field, model_serializer

from retrain.data.closures import described
from retrain.data.open_enum import OpenEnum
from retrain.errors import ConfigError
from retrain.gate.decide import Verdict
from retrain.records.approval import Approval, State
from retrain.records.base import Record
from retrain.records.basis import Basis
from retrain.records.landing import Ignored, Landed, LandedBefore, Quarantined, Settled
from retrain.records.measured import Evidence, Model, Scores, SliceRecord
from retrain.records.request import BaseRequest, Evaluate, Trigger
from retrain.records.watched import Watched

if TYPE_CHECKING:
    from pydantic import SerializerFunctionWrapHandler

    from retrain.data.series import DailySeries
    from retrain.errors import RetrainError
    from retrain.gate.decide import Decision
    from retrain.gate.evaluate import Comparison


class Status(OpenEnum):
    """Where a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    PROMOTING = "promoting"
    DONE = "done"
    FAILED = "failed"
    HELD = "held"
    AWAITING = "awaiting approval"

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen to it by itself; a held or awaiting one waits for a person."""
        return self in (Status.DONE, Status.FAILED, Status.HELD, Status.AWAITING)


class Asked(Record):
    """What the request asked for besides its trigger.

    Attributes:
        settings: those under which the run is made.
        traceparent: the trace in which it was asked for, see `retrain.trace`.
    """

    force: bool = False
    dry_run: bool = False
    note: str | None = None
    settings: dict[str, str] = Field(default_factory=dict)
    traceparent: str = ""


class Data(Record):
    """The days that the verdict rests on, and how many files brought them; `closed` says which have no trade."""

    sha256: str
    first_day: date
    last_day: date
    days: int
    interpolated_days: int
    closed: str | None = None
    files: int


class Registered(Record):
    """The version under which the winner is registered."""

    name: str
    version: str
    artifact_sha256: str


class Step(Record):
    """A finished step of a promotion. Only the facts that the step has are written."""

    at: datetime
    job: str | None = None
    version: str | None = None
    image: str | None = None
    service: str | None = None
    removed: tuple[str, ...] | None = None
    failed: str | None = None

    @model_serializer(mode="wrap")
    def _facts(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        added = self.model_extra or {}
        return {name: value for name, value in write(self).items() if value is not None or name in added}


type Steps = Mapping[str, Step]
type Landing = Landed | LandedBefore | Quarantined | Ignored | Settled


class Failure(Record):
    """Why a run failed: the family of the error and its sentence; more by family."""

    kind: str
    message: str

    @property
    def is_of_a_promotion(self) -> bool:
        """Whether a step of a promotion failed: then the error names it."""
        return "step" in (self.model_extra or {})


ONLY_IN_TROUBLE = ("error", "trouble", "will_retry")
"""Fields of a run that are written only where something is wrong."""


class Run(Record):
    """One run. A field is null until its stage is reached; every change makes a new Run.

    Attributes:
        champion, challenger: as they were compared; once it is registered, `challenger` is what `model` names.
        slices: the scores of each model by weekday, calendar and days ahead; they decide nothing.
        approval: what a person is asked about its winner, and has answered; null where none is needed.
        issued: where the forecast of the champion is that the run found, or why none was issued.
        watch: how the days compare with what the champion expected.
        promotion: the finished steps, by name.
        trouble: what holds up a promotion that is under way; the next trigger tries again.
        will_retry: it failed, but not for good: its request is kept, and the next trigger makes it again.
        ends: how often the run has ended; a promotion that is continued by hand ends once more.
    """

    run_id: str
    trigger: Trigger
    status: Status = Status.RUNNING
    verdict: Verdict | None = None
    reason: str = ""
    warnings: tuple[str, ...] = ()
    request: Asked = Asked()
    landing: Landing | None = None
    data: Data | None = None
    basis: Basis | None = None
    issued: str | None = None
    watch: Watched | None = None
    champion: Model | None = None
    challenger: Model | None = None
    seasonal_naive: Scores | None = None
    evidence: Evidence | None = None
    slices: tuple[SliceRecord, ...] | None = None
    approval: Approval | None = None
    model: Registered | None = None
    promotion: dict[str, Step] | None = None
    artifacts: str = ""
    seconds: dict[str, float] = Field(default_factory=dict)
    ends: int = 0
    error: Failure | None = None
    trouble: str | None = None
    will_retry: bool = False

    @model_serializer(mode="wrap")
    def _without_absent_trouble(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in write(self).items() if value or name not in ONLY_IN_TROUBLE}

    @classmethod
    def of(cls, request: BaseRequest, artifacts: str, status: Status = Status.RUNNING, ends: int = 0) -> Self:
        """The run of a request, before anything is known.

        Args:
            artifacts: where its record is.
            ends: how often it has ended before.
        """
        force = isinstance(request, Evaluate) and request.force
        asked = Asked(
            force=force,
            dry_run=request.dry_run,
            note=request.note,
            settings=request.settings,
            traceparent=request.traceparent,
        )
        return cls(
            run_id=request.run_id,
            trigger=request.trigger,
            status=status,
            request=asked,
            artifacts=artifacts,
            ends=ends,
        )

    @property
    def is_unreadable(self) -> bool:
        """Whether it stands in the list of runs for a record that could not be read; its reason says why."""
        return self.trigger is Trigger.UNKNOWN

    @property
    def is_wrongly_set(self) -> bool:
        """Whether it failed for a setting, and will be made again."""
        return self.will_retry and self.error is not None and self.error.kind == ConfigError.kind

    @property
    def has_promoted(self) -> bool:
        """Whether it ended with its version as champion, also if it is being promoted again since."""
        return self.ends > 0 and self.model is not None and "confirm" in (self.promotion or {})

    def on_data(self, series: DailySeries, files: int) -> Self:
        """With the days that it decides on."""
        data = Data(
            sha256=series.sha256,
            first_day=series.first_day,
            last_day=series.last_day,
            days=len(series),
            interpolated_days=len(series.interpolated),
            closed=described(series.closures) or None,
            files=files,
        )
        return self.evolve(data=data)

    def compared(self, challenger: Model, measured: Comparison) -> Self:
        """With the scores of everyone on the unseen days, and what they rest on."""
        return self.evolve(
            champion=self.champion and self.champion.scored(measured.champion),
            challenger=challenger.scored(measured.challenger),
            seasonal_naive=Scores(**asdict(measured.seasonal_naive)),
            evidence=Evidence.of(measured),
            slices=tuple(map(SliceRecord.of, measured.slices)),
        )

    def decided(self, decision: Decision) -> Self:
        """With the verdict, its sentence and its warnings."""
        return self.evolve(verdict=decision.verdict, reason=decision.reason, warnings=decision.warnings)

    def promoting(self, **facts: Any) -> Self:
        """On its way to champion: a run that is killed now is continued by the next trigger."""
        return self._well(status=Status.PROMOTING, **facts)

    def done(self, **facts: Any) -> Self:
        """Ended as it should, also if days of its file or its winner wait for a person."""
        return self._well(status=self.well_ended, **facts)

    @property
    def well_ended(self) -> Status:
        """Its status if nothing fails any more: done, or days of its file or its winner wait for a person."""
        if self.approval is not None and self.approval.state is State.WAITING:
            return Status.AWAITING
        is_held = self.held_days or (isinstance(self.landing, LandedBefore) and self.landing.held)
        return Status.HELD if is_held else Status.DONE

    @property
    def held_days(self) -> tuple[date, ...]:
        """The days of its file that a person has to accept or drop."""
        return self.landing.held_days if isinstance(self.landing, Landed) else ()

    @property
    def is_held_whole(self) -> bool:
        """Whether its file brought nothing that counts."""
        if isinstance(self.landing, LandedBefore):
            return self.landing.held
        return isinstance(self.landing, Landed) and len(self.held_days) == self.landing.days

    def settled(self, days: Collection[date], how: str, by: str) -> Self:
        """The run of a held file after a person has decided on these days."""
        if not isinstance(self.landing, Landed):
            return self
        left = tuple(day for day in self.held_days if day not in days)
        settled = self.evolve(landing=self.landing.evolve(held_days=left))
        status = settled.well_ended if self.status.has_ended else self.status
        reason = f"{self.reason} Run {by} has {how} {len(self.held_days) - len(left)} held days."
        return settled.evolve(status=status, reason=reason)

    def _well(self, **facts: Any) -> Self:
        return self.evolve(error=None, trouble=None, will_retry=False, **facts)

    def promoted(self, reason: str) -> Self:
        """Ended with its version as champion. A rollback reaches no verdict."""
        verdict = None if self.trigger is Trigger.ROLLBACK else Verdict.PROMOTE
        return self.done(verdict=verdict, reason=reason)

    def failed(self, error: RetrainError, *, will_retry: bool = False) -> Self:
        """Ended without a verdict; the champion stays as it was."""
        failure = Failure.model_validate(error.as_json())
        asks = self.approval is not None and self.approval.state is State.WAITING
        failed = self._well(status=Status.FAILED, verdict=None, reason=str(error))
        failed = failed.evolve(approval=None) if asks else failed
        return failed.evolve(error=failure, will_retry=will_retry)
