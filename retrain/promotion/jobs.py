"""Looks after a promotion that a job makes: started once, and neither lost nor waited for without end."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from retrain.errors import RetrainError
from retrain.ports import Job
from retrain.promotion.record import Promotion, hand_over

if TYPE_CHECKING:
    from retrain.ports import Jobs, Ports
    from retrain.settings import Settings


def look_after(run_id: str, jobs: Jobs, settings: Settings, ports: Ports) -> Job:
    """How the job of a run is doing, once it has been seen to.

    A job that is not there is submitted: the process died before it could. One that has taken no step for
    `job_minutes` is cancelled, also where nobody may look at it. One whose champion was confirmed has not failed,
    whatever it says.

    Raises: RetrainError if it cannot be looked at, and its time is not over.
    """
    promotion = Promotion.of(run_id, ports)
    if "confirm" in promotion.steps:
        return Job(ended=True)
    try:
        job = jobs.look(run_id)
    except RetrainError as error:
        if not _is_silent(promotion, settings, ports):
            raise
        return _cancelled(promotion, jobs, settings, f"and cannot be looked at ({error})")
    if job is None:
        hand_over(run_id, jobs, ports)
        return Job(ended=False)
    if not promotion.steps:  # whoever submitted it died before it could note that
        with promotion.taking("submit", ports):
            pass
    if not job.ended and _is_silent(promotion, settings, ports):
        return _cancelled(promotion, jobs, settings, "and was cancelled")
    return job


def _is_silent(promotion: Promotion, settings: Settings, ports: Ports) -> bool:
    sign = promotion.last_sign
    return sign is not None and ports.now() - sign > timedelta(minutes=settings.azure.job_minutes)


def _cancelled(promotion: Promotion, jobs: Jobs, settings: Settings, also: str) -> Job:
    """Should it run on all the same, it finds its run given up and does nothing."""
    with suppress(RetrainError):
        jobs.cancel(promotion.run_id)
    since = f"{promotion.step} at {promotion.last_sign:%Y-%m-%d %H:%M} UTC"
    told = (
        f"its job has taken no step since {since}, which is more than {settings.azure.job_minutes} minutes, {also}"
    )
    return Job(ended=True, failure=f"{told}; look at it in Azure ML studio")
