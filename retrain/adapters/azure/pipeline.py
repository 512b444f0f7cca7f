"""Promotions as Azure ML pipeline jobs, register -> deploy, and the release of their components and environment.

A job is named after its run, so submitting it twice gives one job. The versions of its components and environment
are the fingerprint of the code that runs here: a job always runs the code that made the decision.
"""

from __future__ import annotations

import io
import re
from contextlib import redirect_stdout, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from retrain.adapters.azure.acr import ImageBuilder, fingerprint
from retrain.adapters.azure.arm import or_none, state_name, translated
from retrain.adapters.azure.azureml import Workspace, datastore, has_environment, show_datastore, show_environment
from retrain.adapters.azure.quota import check_quota
from retrain.adapters.azure.roles import missing_role, role_for
from retrain.adapters.fence import fenced
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
NOT_PULLED = "pull image"
PULL = "Microsoft.ContainerRegistry/registries/pull/read"


class PipelineJobs:
    """Pipeline jobs of one workspace."""

    def __init__(self, workspace: Workspace, settings: Settings) -> None:
        self._workspace, self._settings = workspace, settings

    @fenced
    def submit(self, run_id: str) -> str:
        """See Jobs."""
        name = _job_name(run_id)
        if self._status(name) is None:
            self._check_release()
            job = _pipeline(run_id, self._code, self._settings)
            try:
                with translated(self._workspace.context(f"submitting job {name}")):
                    self._workspace.client.jobs.create_or_update(job)
            except RetrainError:  # the answer to an earlier attempt was lost, or another process was first
                if self._status(name) is None:
                    raise
        return name

    def look(self, run_id: str) -> Job | None:
        """See Jobs."""
        name = _job_name(run_id)
        status = self._status(name)
        if status is None or status not in ENDED:
            return None if status is None else Job(ended=False)
        return Job(ended=True, failure="" if status == "Completed" else self._failure(name, status))

    @fenced
    def cancel(self, run_id: str) -> None:
        """See Jobs."""
        name = _job_name(run_id)
        with suppress(NotFound, Conflict), translated(self._workspace.context(f"cancelling job {name}")):
            self._workspace.client.jobs.begin_cancel(name).wait(CANCEL_SECONDS)

    @cached_property
    def _code(self) -> str:
        return fingerprint(job_context(), self._settings)

    def _check_release(self) -> None:
        """Raises: ConfigError if the components are missing; Azure would only reject the job as a bad request."""
        name, version = released_as(self._settings)
        try:
            with translated(self._workspace.context(f"looking for component {name}:{version}")):
                self._workspace.client.components.get(name, version)
        except NotFound as exc:
            raise ConfigError(
                f"{exc}; run `retrain release` from the commit that is deployed, with the same settings"
            ) from exc

    def _status(self, name: str) -> str | None:
        where = self._workspace.context(f"looking at job {name}")
        return or_none(where, lambda: state_name(self._workspace.client.jobs.get(name).status))

    def _failure(self, name: str, status: str) -> str:
        """The message of a failed job; the SDK gives it only as the exception at the end of its log stream."""
        from azure.ai.ml.exceptions import JobException

        told = f"job {name} has {status.lower()}"
        with (
            suppress(RetrainError),  # the failure is certain; its reason is added if it can be read
            redirect_stdout(io.StringIO()),
            translated(self._workspace.context(f"reading job {name}")),
        ):
            try:
                self._workspace.client.jobs.stream(name)
            except JobException as exc:
                return f"{told}: {self._advised(_service_message(str(exc.message)))}"
        return told

    def _advised(self, message: str) -> str:
        """The reason of a failed job; if it is that its image cannot be pulled, with what to do."""
        if NOT_PULLED not in message.lower():
            return message
        return f"{message}; {missing_role(role_for(PULL), f'the registry {self._settings.azure.registry}', PULL)}"


def released_as(settings: Settings) -> tuple[str, str]:
    """The name and the version of the last component that a release of the code that runs here registers."""
    name, _, version = _component_id(DEPLOY, fingerprint(job_context(), settings)).partition(":")
    return name, version


class Release:
    """Registers the environment and the components of jobs, once for each fingerprint of the code."""

    def __init__(self, workspace: Workspace, settings: Settings) -> None:
        self._workspace, self._settings = workspace, settings

    def release(self, progress: Callable[[str, str], None]) -> dict[str, str]:
        """Register datastore, environment and components, and return their names. Idempotent.

        Raises: ServiceError if no job could get a node, before anything is built.
        """
        check_quota(self._settings)
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
            self._register(_component(half, code))
        components = {f"{half} component": _component_id(half, code) for half in (REGISTER, DEPLOY)}
        return {"datastore": datastore(self._settings), "environment": f"{ENVIRONMENT}:{code}", **components}

    def _register(self, component: CommandComponent) -> None:
        client = self._workspace.client.components
        where = self._workspace.context(f"registering component {component.name}:{component.version}")
        if or_none(where, lambda: client.get(str(component.name), component.version)) is None:
            with translated(where):
                client.create_or_update(component)


def _service_message(text: str) -> str:
    """The message of the service, from the JSON document in the SDK's exception."""
    said = re.search(r'"message": "((?:[^"\\]|\\.)*)"', text)
    return said[1] if said else " ".join(text.split())


def _job_name(run_id: str) -> str:
    return f"retrain-{run_id}"


def _component_id(half: str, code: str) -> str:
    return f"retrain_{half}:{code}"


def _component(half: str, code: str) -> CommandComponent:
    """One step of a promotion, never cached: an earlier result must not replace it."""
    from azure.ai.ml.entities import CommandComponent

    name, version = _component_id(half, code).split(":")
    after = {"after": {"type": "uri_folder"}} if half == DEPLOY else {}
    # An empty output does not exist as a folder for the step that takes it as an input.
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
    """The job of one run; deploy waits for register because it takes its report as an input."""
    from azure.ai.ml import Input
    from azure.ai.ml.entities import PipelineJob, PipelineJobSettings

    done = Input(type="uri_folder", path=f"${{{{parent.jobs.{REGISTER}.outputs.done}}}}")
    register = _step(REGISTER, code, settings, run=run_id)
    deploy = _step(DEPLOY, code, settings, run=run_id, after=done)
    return PipelineJob(
        name=_job_name(run_id),
        display_name=f"{settings.platform.model_name} {run_id}",
        experiment_name=settings.platform.model_name,
        jobs={REGISTER: register, DEPLOY: deploy},
        settings=PipelineJobSettings(default_compute=settings.azure.compute),
        tags={"run": run_id, "model": settings.platform.model_name},
    )


def _step(half: str, code: str, settings: Settings, **inputs: Any) -> Command:
    from azure.ai.ml.entities import Command, ManagedIdentityConfiguration

    return Command(
        component=f"azureml:{_component_id(half, code)}",
        inputs=inputs,
        environment_variables=settings.as_environment,
        identity=ManagedIdentityConfiguration(client_id=settings.storage.client_id)
        if settings.storage.client_id
        else None,
    )
