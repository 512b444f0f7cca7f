"""Images by ACR Tasks: the registry builds them, so nobody here needs a container engine."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from retrain.adapters.azure.arm import bounds, management, translated, word
from retrain.errors import BuildFailed, RetrainError, ServiceError
from retrain.poll import poll
from retrain.ports import Image

if TYPE_CHECKING:
    from collections.abc import Mapping

    from azure.mgmt.containerregistrytasks import ContainerRegistryTasksMgmtClient
    from azure.mgmt.containerregistrytasks.models import Run

    from retrain.settings import Settings

BASE = "BASE"  # the argument of both Dockerfiles
BUILD_SECONDS = 1800
POLL_SECONDS = 2.0
REUSED_FOR = timedelta(days=1)  # a promotion that was killed finds its build; later a policy may have removed it
RUNS_LOOKED_AT = 50
GOING_ON = {"Queued", "Started", "Running"}


class ImageBuilder:
    """Builds contexts in one container registry."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._group, self._registry = str(settings.resource_group), str(settings.registry)
        self._where = f"Microsoft.ContainerRegistry/registries/{self._registry}"

    def build(self, repository: str, tag: str, context: Mapping[str, bytes]) -> Image:
        """Build `repository:tag` and give it by its digest; the same context within a day is not built again.

        Raises: BuildFailed with the builder's log.
        """
        mark = f"{tag}-{fingerprint(context, self._settings)}"
        run = self._found(repository, mark) or self._finished(self._scheduled(repository, [tag, mark], context))
        log = self._log(str(run.run_id))
        if word(run.status) != "Succeeded":
            problem = f"the build of {repository}:{tag} in {self._registry} has {word(run.status).lower()}"
            raise BuildFailed(f"{problem}: {run.run_error_message or 'its log tells why'}", log)
        made = next((image for image in run.output_images or [] if image.tag == mark), None)
        if made is None:
            raise BuildFailed(f"the build of {repository}:{tag} in {self._registry} names no image {mark}", log)
        return Image(f"{made.registry}/{made.repository}@{made.digest}", log)

    @cached_property
    def _client(self) -> ContainerRegistryTasksMgmtClient:
        from azure.mgmt.containerregistrytasks import ContainerRegistryTasksMgmtClient

        return ContainerRegistryTasksMgmtClient(**management(self._settings))

    def _found(self, repository: str, mark: str) -> Run | None:
        """A finished build of the very same context."""
        with translated(f"looking for builds in {self._where}"):
            recent = self._client.runs.list(self._group, self._registry, top=RUNS_LOOKED_AT)
            for _, run in zip(range(RUNS_LOOKED_AT), recent, strict=False):
                made = {(image.repository, image.tag) for image in run.output_images or []}
                finished = run.finish_time or datetime.min.replace(tzinfo=UTC)
                fresh = datetime.now(UTC) - finished < REUSED_FOR
                if word(run.status) == "Succeeded" and (repository, mark) in made and fresh:
                    return run
        return None

    def _scheduled(self, repository: str, tags: list[str], context: Mapping[str, bytes]) -> Run:
        from azure.mgmt.containerregistrytasks.models import (
            AgentProperties,
            Argument,
            DockerBuildRequest,
            PlatformProperties,
        )
        from azure.storage.blob import BlobClient

        base = self._settings.base_image
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
                timeout=BUILD_SECONDS,
            )
            return self._client.registries.schedule_run(self._group, self._registry, request)

    def _finished(self, run: Run) -> Run:
        for _ in poll(BUILD_SECONDS, POLL_SECONDS):
            with translated(f"waiting for build {run.run_id} in {self._where}"):
                run = self._client.runs.get(self._group, self._registry, str(run.run_id))
            if word(run.status) not in GOING_ON:
                return run
        raise ServiceError(f"build {run.run_id} in {self._registry} has not ended within {BUILD_SECONDS} s")

    def _log(self, run_id: str) -> str:
        """What the builder wrote; that it cannot be read is no reason to fail."""
        from azure.storage.blob import BlobClient

        try:
            with translated(f"reading the log of build {run_id} in {self._where}"):
                link = self._client.runs.get_log_sas_url(self._group, self._registry, run_id).log_link
                with BlobClient.from_blob_url(str(link), **bounds()) as blob:
                    return blob.download_blob().readall().decode(errors="replace")
        except RetrainError as exc:
            return f"{exc}\n"


def fingerprint(context: Mapping[str, bytes], settings: Settings) -> str:
    """Twelve hex digits that change when any file of a context does, or what it is built on."""
    digest = hashlib.sha256(f"{settings.base_image}\0".encode())
    for path, data in sorted(context.items()):
        digest.update(f"{path}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()[:12]


def pack(context: Mapping[str, bytes]) -> bytes:
    """A context as tar.gz: the same files make the same bytes."""
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
