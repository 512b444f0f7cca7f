"""Promotions as Azure ML pipeline jobs, register -> deploy, and the release of what they are made of.

A job is named after its run, so that submitting it twice is one job. Its components and its environment carry the
fingerprint of the code that runs here: a job always runs the code that decided.
"""

from __future__ import annotations

import io
import re
from contextlib import redirect_stdout, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from retrain.adapters.azure.acr import ImageBuilder, fingerprint
from retrain.adapters.azure.arm import found, translated, word
from retrain.adapters.azure.azureml import Workspace, datastore, has_environment, show_datastore, show_environment
from retrain.errors import ConfigError, Conflict, NotFound, RetrainError
from retrain.ports import DEPLOY, REGISTER, Job
from retrain.records.image import job_context

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure.ai.ml.entities import Command, CommandComponent, PipelineJob

    from retrain.settings import Settings

ENVIRONMENT = "retrain"
IMAGE = "retrain-job"
ENDED = {"Completed", "Failed", "Canceled"}
CANCEL_SECONDS = 60


class PipelineJobs:
    """Jobs of one workspace."""

    def __init__(self, workspace: Workspace, settings: Settings) -> None:
        self._workspace, self._settings = workspace, settings

    def submit(self, run_id: str) -> str:
        """See Jobs."""
        name = _job(run_id)
        if self._status(name) is None:
            self._see_that_it_is_released()
            job = _pipeline(run_id, self._code, self._settings)
            try:
                with translated(self._workspace.doing(f"submitting job {name}")):
                    self._workspace.client.jobs.create_or_update(job)
            except RetrainError:  # the answer to an earlier try may be lost, or somebody else have been first
                if self._status(name) is None:
                    raise
        return name

    def look(self, run_id: str) -> Job | None:
        """See Jobs."""
        name = _job(run_id)
        status = self._status(name)
        if status is None or status not in ENDED:
            return None if status is None else Job(ended=False)
        return Job(ended=True, failure="" if status == "Completed" else self._failure(name, status))

    def cancel(self, run_id: str) -> None:
        """See Jobs."""
        name = _job(run_id)
        with suppress(NotFound, Conflict), translated(self._workspace.doing(f"cancelling job {name}")):
            self._workspace.client.jobs.begin_cancel(name).wait(CANCEL_SECONDS)

    @cached_property
    def _code(self) -> str:
        return fingerprint(job_context(), self._settings)

    def _see_that_it_is_released(self) -> None:
        """Raises: ConfigError; Azure would only refuse the job as a bad request."""
        name, version = _named(DEPLOY, self._code).split(":")
        try:
            with translated(self._workspace.doing(f"looking for component {name}:{version}")):
                self._workspace.client.components.get(name, version)
        except NotFound as exc:
            raise ConfigError(
                f"{exc}; run `retrain release` from the commit that is deployed, with the same settings"
            ) from exc

    def _status(self, name: str) -> str | None:
        where = self._workspace.doing(f"looking at job {name}")
        return found(where, lambda: word(self._workspace.client.jobs.get(name).status))

    def _failure(self, name: str, status: str) -> str:
        """The job's own message, which the SDK tells only as the exception that ends its stream."""
        from azure.ai.ml.exceptions import JobException

        told = f"job {name} has {status.lower()}"
        with (
            suppress(RetrainError),  # that it failed is certain; why is said where it can be read
            redirect_stdout(io.StringIO()),
            translated(self._workspace.doing(f"reading job {name}")),
        ):
            try:
                self._workspace.client.jobs.stream(name)
            except JobException as exc:
                return f"{told}: {_own_message(str(exc.message))}"
        return told


class Release:
    """Registers what jobs are made of, once for each state of the code."""

    def __init__(self, workspace: Workspace, settings: Settings) -> None:
        self._workspace, self._settings = workspace, settings

    def release(self, progress: Callable[[str, str], None]) -> dict[str, str]:
        """Register datastore, environment and components, and say what is there now. Idempotent."""
        context = job_context()
        code = fingerprint(context, self._settings)
        progress("datastore", datastore(self._settings))
        show_datastore(self._workspace, self._settings)
        if not has_environment(self._workspace, ENVIRONMENT, code):
            progress("image", f"{IMAGE}:{code}; a few minutes")
            image = ImageBuilder(self._settings).build(IMAGE, code, context)
            show_environment(self._workspace, ENVIRONMENT, code, image.reference)
        for half in (REGISTER, DEPLOY):
            progress("component", half)
            self._show(_component(half, code))
        components = {f"{half} component": _named(half, code) for half in (REGISTER, DEPLOY)}
        return {"datastore": datastore(self._settings), "environment": f"{ENVIRONMENT}:{code}", **components}

    def _show(self, component: CommandComponent) -> None:
        client = self._workspace.client.components
        where = self._workspace.doing(f"registering component {component.name}:{component.version}")
        if found(where, lambda: client.get(str(component.name), component.version)) is None:
            with translated(where):
                client.create_or_update(component)


def _own_message(text: str) -> str:
    """What the service said, out of the document that the SDK puts into its exception."""
    said = re.search(r'"message": "((?:[^"\\]|\\.)*)"', text)
    return said[1] if said else " ".join(text.split())


def _job(run_id: str) -> str:
    return f"retrain-{run_id}"


def _named(half: str, code: str) -> str:
    return f"retrain_{half}:{code}"


def _component(half: str, code: str) -> CommandComponent:
    """One half of a promotion. It is never the same twice, so no earlier result stands for it."""
    from azure.ai.ml.entities import CommandComponent

    name, version = _named(half, code).split(":")
    after = {"after": {"type": "uri_folder"}} if half == DEPLOY else {}
    # An output into which nothing is written is no folder for whoever has it as an input.
    report = " --report ${{outputs.done}}" if half == REGISTER else ""
    return CommandComponent(
        name=name,
        version=version,
        command=f"python -m retrain promote --run ${{{{inputs.run}}}} --step {half}{report}",
        environment=f"azureml:{ENVIRONMENT}:{code}",
        inputs={"run": {"type": "string"}, **after},
        outputs={"done": {"type": "uri_folder"}} if half == REGISTER else {},
        is_deterministic=False,
    )


def _pipeline(run_id: str, code: str, settings: Settings) -> PipelineJob:
    """The job of one run; what binds the second half to the first is the report that the first leaves."""
    from azure.ai.ml import Input
    from azure.ai.ml.entities import PipelineJob, PipelineJobSettings

    done = Input(type="uri_folder", path=f"${{{{parent.jobs.{REGISTER}.outputs.done}}}}")
    register = _step(REGISTER, code, settings, run=run_id)
    deploy = _step(DEPLOY, code, settings, run=run_id, after=done)
    return PipelineJob(
        name=_job(run_id),
        display_name=f"{settings.platform.model_name} {run_id}",
        experiment_name=settings.platform.model_name,
        jobs={REGISTER: register, DEPLOY: deploy},
        settings=PipelineJobSettings(default_compute=settings.azure.compute),
        tags={"run": run_id, "model": settings.platform.model_name},
    )


def _step(half: str, code: str, settings: Settings, **inputs: Any) -> Command:
    from azure.ai.ml.entities import Command, ManagedIdentityConfiguration

    return Command(
        component=f"azureml:{_named(half, code)}",
        inputs=inputs,
        environment_variables=settings.as_environment,
        identity=ManagedIdentityConfiguration(client_id=settings.storage.client_id)
        if settings.storage.client_id
        else None,
    )
