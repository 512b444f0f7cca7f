"""Images built by ACR Tasks: the registry builds them, so no container engine is needed here."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from retrain.adapters.azure.acr_images import REGISTRY_API, RegistryImages
from retrain.adapters.azure.arm import bounds, management_options, state_name, translated
from retrain.adapters.azure.rest import arm, resource_group
from retrain.errors import BuildFailed, NotFound, RetrainError, ServiceError
from retrain.poll import poll
from retrain.ports import Image

if TYPE_CHECKING:
    from collections.abc import Mapping

    from azure.mgmt.containerregistrytasks import ContainerRegistryTasksMgmtClient
    from azure.mgmt.containerregistrytasks.models import Run

    from retrain.adapters.azure.rest import Rest
    from retrain.settings import Settings

BASE = "BASE"  # the argument of both Dockerfiles
POLL_SECONDS = 2.0
UNSEEN_SECONDS = 60  # a build that was just scheduled may not be found everywhere at once
REUSED_FOR = timedelta(days=1)  # a killed promotion finds its build; later it may be deleted
RUNS_TO_SEARCH = 50
ABAC = "AbacRepositoryPermissions"
CALLER = "[caller]"  # the build may do in the registry what its caller may
WRITER_NEEDED = (
    "; as the registry uses ABAC, give this identity the role Container Registry Repository Writer on {}"
)
UNFINISHED = {"Queued", "Started", "Running"}


def role_mode(registry: str, rest: Rest) -> str:
    """How a registry takes roles. Args: registry: its path. Raises: as `Rest.get`."""
    found = rest.get(registry, f"looking at {registry.lstrip('/')}", api_version=REGISTRY_API)
    return str((found.get("properties") or {}).get("roleAssignmentMode", ""))


class ImageBuilder:
    """Builds contexts in one container registry."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._group, self._registry = str(settings.azure.resource_group), str(settings.azure.registry)
        self._where = f"Microsoft.ContainerRegistry/registries/{self._registry}"

    def build(self, repository: str, tag: str, context: Mapping[str, bytes]) -> Image:
        """Build `repository:tag` and return it by digest; the same context is not built again within a day.

        Raises: BuildFailed with the builder's log.
        """
        build_tag = f"{tag}-{fingerprint(context, self._settings)}"
        run = self._recent_build(repository, build_tag) or self._wait_until_built(
            self._schedule(repository, [tag, build_tag], context)
        )
        log = self._log(str(run.run_id))
        if state_name(run.status) != "Succeeded":
            problem = f"the build of {repository}:{tag} in {self._registry} has {state_name(run.status).lower()}"
            problem = f"{problem}: {run.run_error_message or 'see its log'}"
            raise BuildFailed(problem + (WRITER_NEEDED.format(self._where) if self._uses_abac else ""), log)
        made = next((image for image in run.output_images or [] if image.tag == build_tag), None)
        if made is None:
            raise BuildFailed(
                f"the build of {repository}:{tag} in {self._registry} lists no image {build_tag}", log
            )
        return Image(f"{made.registry}/{made.repository}@{made.digest}", log)

    @cached_property
    def stored(self) -> RegistryImages:
        """The images that are in the registry."""
        return RegistryImages(self._settings)

    @cached_property
    def _client(self) -> ContainerRegistryTasksMgmtClient:
        from azure.mgmt.containerregistrytasks import ContainerRegistryTasksMgmtClient

        return ContainerRegistryTasksMgmtClient(**management_options(self._settings))

    @cached_property
    def _uses_abac(self) -> bool:
        """Whether the registry gives rights by repository: then a build has none but those of its caller.

        If that cannot be seen, the build is made as in a registry without ABAC, and fails if it has one.
        """
        path = f"{resource_group(self._settings)}/providers/{self._where}"
        try:
            return role_mode(path, arm(self._settings)) == ABAC
        except RetrainError:
            return False

    def _recent_build(self, repository: str, build_tag: str) -> Run | None:
        """A successful build of the same context within the last day, whose image is still there."""
        with translated(f"looking for builds in {self._where}"):
            recent = self._client.runs.list(self._group, self._registry, top=RUNS_TO_SEARCH)
            for _, run in zip(range(RUNS_TO_SEARCH), recent, strict=False):
                made = {(image.repository, image.tag) for image in run.output_images or []}
                finished = run.finish_time or datetime.min.replace(tzinfo=UTC)
                fresh = datetime.now(UTC) - finished < REUSED_FOR
                if state_name(run.status) == "Succeeded" and (repository, build_tag) in made and fresh:
                    return run if self._is_there(run, build_tag) else None
        return None

    def _is_there(self, run: Run, build_tag: str) -> bool:
        """Whether nobody has removed the image since."""
        return all(
            self.stored.has(str(image.repository), str(image.digest))
            for image in run.output_images or []
            if image.tag == build_tag
        )

    def _schedule(self, repository: str, tags: list[str], context: Mapping[str, bytes]) -> Run:
        from azure.mgmt.containerregistrytasks.models import (
            AgentProperties,
            Argument,
            Credentials,
            DockerBuildRequest,
            PlatformProperties,
            SourceRegistryCredentials,
        )
        from azure.storage.blob import BlobClient

        base = self._settings.azure.base_image
        caller = (
            Credentials(source_registry=SourceRegistryCredentials(identity=CALLER)) if self._uses_abac else None
        )
        with translated(f"building {repository}:{tags[0]} in {self._where}"):
            source = self._client.registries.get_build_source_upload_url(self._group, self._registry)
            with BlobClient.from_blob_url(str(source.upload_url), **bounds()) as blob:
                blob.upload_blob(pack(context), overwrite=True)
            request = DockerBuildRequest(
                docker_file_path="Dockerfile",
                arguments=[Argument(name=BASE, value=base)] if base else None,
                image_names=[f"{repository}:{tag}" for tag in tags],
                is_push_enabled=True,
                source_location=source.relative_path,
                platform=PlatformProperties(os="Linux", architecture="amd64"),
                agent_configuration=AgentProperties(cpu=2),
                timeout=self._settings.azure.build_seconds,
                credentials=caller,
            )
            return self._client.registries.schedule_run(self._group, self._registry, request)

    def _wait_until_built(self, run: Run) -> Run:
        limit = self._settings.azure.build_seconds
        for left in poll(limit, POLL_SECONDS):
            try:
                with translated(f"waiting for build {run.run_id} in {self._where}"):
                    run = self._client.runs.get(self._group, self._registry, str(run.run_id))
            except NotFound:
                if limit - left > UNSEEN_SECONDS:
                    raise
                continue
            if state_name(run.status) not in UNFINISHED:
                return run
        raise ServiceError(f"build {run.run_id} in {self._registry} has not ended within {limit} s")

    def _log(self, run_id: str) -> str:
        """The log of the build; if it cannot be read, the reason why, for that is no reason to fail."""
        from azure.storage.blob import BlobClient

        try:
            with translated(f"reading the log of build {run_id} in {self._where}"):
                link = self._client.runs.get_log_sas_url(self._group, self._registry, run_id).log_link
                with BlobClient.from_blob_url(str(link), **bounds()) as blob:
                    return blob.download_blob().readall().decode(errors="replace")
        except RetrainError as exc:
            return f"{exc}\n"


def fingerprint(context: Mapping[str, bytes], settings: Settings) -> str:
    """Twelve hex digits that change with any file of the context and with the base image."""
    digest = hashlib.sha256(f"{settings.azure.base_image}\0".encode())
    for path, data in sorted(context.items()):
        digest.update(f"{path}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()[:12]


def pack(context: Mapping[str, bytes]) -> bytes:
    """A context as tar.gz; the same files give the same bytes."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as archive,
    ):
        for path, data in sorted(context.items()):
            entry: Any = tarfile.TarInfo(path)
            entry.size, entry.mode = len(data), 0o644
            archive.addfile(entry, io.BytesIO(data))
    return packed.getvalue()
