"""Watches over a promotion that a job carries out: it is started once, and neither lost nor waited for for ever."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from retrain.errors import RetrainError, ServiceUnavailable
from retrain.ports import Job
from retrain.promotion.record import Promotion, hand_over

if TYPE_CHECKING:
    from retrain.ports import Jobs
    from retrain.records.context import Context
    from retrain.settings import Settings


def look_after(run_id: str, jobs: Jobs, settings: Settings, context: Context) -> Job:
    """How the job of a run is doing; a job that is missing is submitted, one that hangs is cancelled.

    A job is missing if the process died before it could submit it. One that has finished no step for `job_minutes`
    is cancelled, also if its state cannot be read. One whose champion was confirmed has not failed, whatever its
    state says.

    Raises: ServiceUnavailable if its state cannot be read, and its time is not over; RetrainError if the record of
        the promotion cannot be read or written.
    """
    promotion = Promotion.of(run_id, context)
    if "confirm" in promotion.steps:
        return Job(ended=True)
    try:
        job = jobs.look(run_id)
    except RetrainError as error:
        if not _is_silent(promotion, settings, context):
            raise ServiceUnavailable(f"the state of its job cannot be read: {error}") from error
        return _cancelled(promotion, jobs, settings, f"and its state cannot be read ({error})")
    if job is None:
        hand_over(promotion, jobs, context)
        return Job(ended=False)
    if not promotion.steps:  # the process that submitted it died before it could note that
        with promotion.taking("submit", context):
            pass
    if not job.ended and _is_silent(promotion, settings, context):
        return _cancelled(promotion, jobs, settings, "and was cancelled")
    return job


def _is_silent(promotion: Promotion, settings: Settings, context: Context) -> bool:
    sign = promotion.last_sign
    return sign is not None and context.now() - sign > timedelta(minutes=settings.azure.job_minutes)


def _cancelled(promotion: Promotion, jobs: Jobs, settings: Settings, also: str) -> Job:
    """Should it run on all the same, it finds its run failed and does nothing."""
    with suppress(RetrainError):
        jobs.cancel(promotion.run_id)
    since = f"{promotion.step or 'it was submitted'} at {promotion.last_sign:%Y-%m-%d %H:%M} UTC"
    limit = settings.azure.job_minutes
    failure = f"its job has finished no step since {since}, which is more than {limit} minutes, {also}"
    return Job(ended=True, failure=f"{failure}; look at it in Azure ML studio")
