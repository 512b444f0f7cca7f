"""A winner on its way: what is to be promoted, instead of whom, how far it has come, and who does it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from retrain.errors import ModelError, NotFound, PromotionFailed, RetrainError
from retrain.ports import ABSENT
from retrain.records.ledger import Ledger, Pointer
from retrain.records.registry import Lineage, Registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrain.ports import Jobs, Ports
    from retrain.settings import Settings


@dataclass(slots=True)
class Promotion:
    """What is to answer, instead of whom, and how far it has come.

    Attributes:
        reason: why it should be champion.
        over: the champion that it was measured against; None for the first.
        question: what its verdict answers, to be remembered once it is champion; None for a rollback.
        version: under which it is registered; None before.
        steps: what each finished step came to.
    """

    run_id: str
    reason: str
    artifact_sha256: str
    lineage: dict[str, str]
    over: str | None
    question: str | None = None
    version: str | None = None
    steps: dict[str, Any] = field(default_factory=dict)
    step: str = ""

    @classmethod
    def of(cls, run_id: str, ports: Ports) -> Promotion:
        """The promotion that a run has submitted. Raises: NotFound if it has submitted none."""
        record = Ledger(ports.state).promotion(run_id)
        if record is None:
            raise NotFound(f"run {run_id} has no model to promote; `retrain show {run_id}` tells its verdict")
        if not isinstance(record, dict):
            raise ModelError(f"the promotion of run {run_id} cannot be read; retrain again")
        known = {name: record[name] for name in cls.__slots__ if name in record}  # newer code may have added some
        try:
            return cls(**known)
        except TypeError as exc:
            raise ModelError(f"the promotion of run {run_id} cannot be read ({exc}); retrain again") from exc

    @contextmanager
    def taking(self, step: str, ports: Ports) -> Iterator[dict[str, Any]]:
        """Take a step and write down what it came to; what is not on record has not been taken."""
        self.step, outcome, before = step, dict[str, Any](), dict(self.steps)
        ports.progress(step, "")
        yield outcome
        self.steps[step] = {"at": ports.now().isoformat(), **outcome}
        try:
            self.note(ports)
        except BaseException:
            self.steps = before
            raise

    def note(self, ports: Ports) -> None:
        """Write down how far it has come."""
        record = {name: getattr(self, name) for name in self.__slots__}
        Ledger(ports.state).note_promotion(self.run_id, record)

    @property
    def is_rollback(self) -> bool:
        """Whether it leads back to a version that was registered before."""
        return self.version is not None and self.question is None

    @property
    def last_sign(self) -> datetime | None:
        """When its last step ended."""
        return max((datetime.fromisoformat(step["at"]) for step in self.steps.values()), default=None)


def submit(
    artifact: bytes,
    lineage: Lineage,
    pointer: Pointer,
    reason: str,
    question: str,
    run_id: str,
    settings: Settings,
    ports: Ports,
) -> None:
    """Keep the winner's artifact and write down that it is to be promoted.

    Args: pointer: as it was when the comparison began.
    """
    digest = Registry(ports.state, settings.platform.model_name).keep(artifact)
    over = pointer.champion.version if pointer.champion else None
    if pointer.etag == ABSENT:
        Ledger(ports.state).found()
    Promotion(run_id, reason, digest, lineage.as_json(), over, question).note(ports)


def submit_rollback(to: str | None, run_id: str, settings: Settings, ports: Ports) -> str:
    """Write down that an earlier version is to be champion again, and give the reason.

    Args: to: a registered version; None for the champion before the present one.
    Raises: NotFound if there is no such version.
    """
    pointer = Ledger(ports.state).pointer()
    earlier = [version for version in pointer.versions if pointer.champion and version != pointer.champion.version]
    if to is None and not earlier:
        raise NotFound("there is no earlier champion to go back to; `retrain champion` tells the present one")
    model = Registry(ports.state, settings.platform.model_name).get(to or earlier[0])
    over = pointer.champion.version if pointer.champion else None
    reason = f"Back from version {over or 'none'} to {model.version}."
    lineage, digest = model.lineage.as_json(), model.artifact_sha256
    Promotion(run_id, reason, digest, lineage, over, version=model.version).note(ports)
    return reason


def hand_over(run_id: str, jobs: Jobs, ports: Ports) -> dict[str, Any]:
    """Let a job promote what a run has submitted, and give the steps that were taken. Idempotent.

    The lock is held meanwhile: the job waits for it, so this note cannot overwrite one of the job's.

    Raises: PromotionFailed if the job could not be submitted.
    """
    promotion = Promotion.of(run_id, ports)
    try:
        with promotion.taking("submit", ports) as outcome:
            outcome["job"] = jobs.submit(run_id)
    except RetrainError as error:
        raise PromotionFailed("submit", str(error), []) from error
    return promotion.steps
