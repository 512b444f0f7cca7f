"""A promotion as it is written down: what is to answer, which champion it replaces, and how far it has come."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from retrain.errors import DamagedRecord, NotFound, PromotionFailed, RetrainError
from retrain.ports import ABSENT
from retrain.records.base import parsed
from retrain.records.run import Run, Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrain.ports import Jobs
    from retrain.records.champion import Pointer
    from retrain.records.context import Context
    from retrain.records.registry import Lineage


NOTED = ("submit", "confirm")
"""The steps that are always written down: a job was submitted; what fails from now on takes nothing back."""


class Promotion(BaseModel):
    """What is to answer, and how far it has come. Fields that newer code added are kept.

    Attributes:
        reason: why it should be champion.
        over: the champion that it was compared with; None for the first.
        question: what its verdict answers, remembered once it is champion; None for a rollback.
        version: under which it is registered; None before.
        submitted: when.
        steps: the finished steps.
        step: the step that was begun last.
        run: as it was when it was submitted: its record until it is reported.
        is_watched: whether a job carries it out, whose progress others watch: every step is written down then.
    """

    model_config = ConfigDict(extra="allow")

    run_id: str
    reason: str
    artifact_sha256: str
    lineage: dict[str, Any]
    over: str | None = None
    question: str | None = None
    version: str | None = None
    submitted: datetime | None = None
    steps: dict[str, Step] = Field(default_factory=dict)
    step: str = ""
    run: Run | None = None
    is_watched: bool = Field(default=False, exclude=True)

    @classmethod
    def of(cls, run_id: str, context: Context) -> Promotion:
        """The promotion that a run has submitted. Raises: NotFound if it has submitted none; DamagedRecord."""
        record = context.ledger.promotion(run_id)
        if record is None:
            raise NotFound(f"run {run_id} has no model to promote; `retrain show {run_id}` shows its verdict")
        try:
            return cls.model_validate(parsed(record))
        except ValueError as error:
            raise DamagedRecord(f"the promotion of run {run_id} is damaged; retrain again") from error

    @contextmanager
    def taking(self, step: str, context: Context) -> Iterator[dict[str, Any]]:
        """Take a step, and write down its facts if somebody else needs them before the promotion has ended.

        Whoever continues a promotion takes every step again, and needs to know only whether it was confirmed.
        """
        self.step, facts, before = step, dict[str, Any](), dict(self.steps)
        context.progress(step, "")
        yield facts
        self.steps[step] = Step(at=context.now(), **facts)
        if self.is_watched or step in NOTED:
            try:
                self.note(context)
            except BaseException:
                self.steps = before
                raise

    def note(self, context: Context) -> None:
        """Write down how far it has come."""
        context.ledger.note_promotion(self.run_id, self._written())

    def submit(self, run: Run, context: Context) -> None:
        """Write down that it is to be made, and with that the run that it belongs to."""
        self.run = run.evolve(reason=self.reason).promoting()
        context.ledger.submit_promotion(self.run_id, self._written())

    def _written(self) -> bytes:
        return json.dumps(self.model_dump(mode="json"), indent=1).encode()

    @property
    def is_rollback(self) -> bool:
        """Whether it leads back to a version that was registered before."""
        return self.version is not None and self.question is None

    @property
    def last_sign(self) -> datetime | None:
        """When its last step ended, or else when it was submitted."""
        return max((step.at for step in self.steps.values()), default=self.submitted)


def submit(
    artifact: bytes, lineage: Lineage, pointer: Pointer, reason: str, question: str, run_id: str, context: Context
) -> Promotion:
    """Keep the winner's artifact. Returns: its promotion, which is to be submitted.

    Args: pointer: as it was when the comparison began.
    """
    digest = context.registry.keep(artifact)
    over = pointer.champion.version if pointer.champion else None
    if pointer.etag == ABSENT:
        context.ledger.initialise_pointer()
    return Promotion(
        run_id=run_id,
        reason=reason,
        artifact_sha256=digest,
        lineage=lineage.as_json(),
        over=over,
        question=question,
        submitted=context.now(),
    )


def submit_rollback(to: str | None, run_id: str, context: Context, why: str = "") -> Promotion:
    """An earlier version is to be champion again. Returns: its promotion, which is to be submitted.

    Args:
        to: a registered version; None for the champion before the present one.
        why: a sentence.
    Raises: NotFound if there is no such version.
    """
    pointer = context.ledger.pointer()
    back_to = to or pointer.predecessor
    if back_to is None:
        raise NotFound(
            "there is no earlier champion to go back to; `retrain champion` lists the versions, and --to names one"
        )
    model = context.registry.get(to) if to else context.registry.of_record(back_to)
    over = pointer.champion.version if pointer.champion else None
    return Promotion(
        run_id=run_id,
        reason=" ".join(filter(None, (f"Back from version {over or 'none'} to {model.version}.", why))),
        artifact_sha256=model.artifact_sha256,
        lineage=model.lineage.as_json(),
        over=over,
        version=model.version,
        submitted=context.now(),
    )


def hand_over(promotion: Promotion, jobs: Jobs, context: Context) -> None:
    """Let a job carry the promotion out. Idempotent.

    The lock is held meanwhile and the job waits for it, so this note cannot overwrite one of the job's.

    Raises: PromotionFailed if the job could not be submitted.
    """
    try:
        with promotion.taking("submit", context) as facts:
            facts["job"] = jobs.submit(promotion.run_id)
    except RetrainError as error:
        raise PromotionFailed("submit", str(error), []) from error
