"""Looks after a promotion that a job makes: started once, and neither lost nor waited for without end."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from retrain.ports import Job
from retrain.submission import Promotion, hand_over

if TYPE_CHECKING:
    from retrain.ports import Jobs, Ports
    from retrain.settings import Settings


def look_after(run_id: str, jobs: Jobs, settings: Settings, ports: Ports) -> Job:
    """How the job of a run is doing, once it has been seen to.

    A job that is not there is submitted: the process died before it could. One that has taken no step for
    `job_minutes` is cancelled. One that ended after its champion was confirmed has not failed, whatever it says.
    """
    job = jobs.look(run_id)
    if job is None:
        hand_over(run_id, jobs, ports)
        return Job(ended=False)
    promotion = Promotion.of(run_id, ports)
    if not promotion.steps:  # whoever submitted it died before it could note that
        hand_over(run_id, jobs, ports)
        return job
    if job.ended:
        return Job(ended=True) if "confirm" in promotion.steps else job
    sign = promotion.last_sign
    if sign is None or ports.now() - sign <= timedelta(minutes=settings.job_minutes):
        return job
    jobs.cancel(run_id)
    doing = promotion.step or "submit"
    return Job(
        ended=True,
        failure=f"its job has taken no step since {doing} at {sign:%Y-%m-%d %H:%M} UTC, which is more than "
        f"{settings.job_minutes} minutes, and was cancelled; look at it in Azure ML studio",
    )
