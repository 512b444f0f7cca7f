"""What container images are built from, always the same bytes: a model's service, and the job that promotes."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from retrain.errors import ConfigError

if TYPE_CHECKING:
    from retrain.records.registry import RegisteredModel

PARTS = (".py", ".txt", ".html", ".css", ".js")
SERVICE_PORT = 8080
"""Where the service of an image listens."""


def build_context(model: RegisteredModel, artifact: bytes) -> dict[str, bytes]:
    """Every file of a service's build context by its path; the Dockerfile stands at the top."""
    version = {"name": model.name, "version": model.version, "data_sha256": model.lineage.data_sha256}
    return {
        "Dockerfile": (_folder("scoring") / "Dockerfile").read_bytes(),
        **_package("scoring"),
        "model/artifact.json": artifact,
        "model/version.json": json.dumps(version, sort_keys=True).encode(),
    }


def job_context() -> dict[str, bytes]:
    """Every file of a job's build context by its path: the very code that runs here, and its pinned requirements.

    The Dockerfiles stand in their packages too, for the job builds images and submits jobs itself.

    Raises: ConfigError if this is no checkout and no deployed app, so that the requirements are not at hand.
    """
    requirements = _folder("retrain").parent / "requirements.txt"
    if not requirements.is_file():
        raise ConfigError(f"{requirements} is missing; run this from a checkout or from the deployed Function App")
    return {
        "Dockerfile": (_folder("retrain") / "Dockerfile").read_bytes(),
        "requirements.txt": requirements.read_bytes(),
        **_package("retrain", "Dockerfile"),
        **_package("scoring", "Dockerfile"),
    }


def _folder(package: str) -> Path:
    return Path(str(resources.files(package)))


def _package(name: str, *besides: str) -> dict[str, bytes]:
    folder = _folder(name)
    files = sorted(path for path in folder.rglob("*") if path.suffix in PARTS or path.name in besides)
    return {f"{name}/{path.relative_to(folder).as_posix()}": path.read_bytes() for path in files}
