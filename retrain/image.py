"""What a container image is built from: the scoring package and one model version, always the same bytes."""

from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retrain.registry import RegisteredModel

PARTS = (".py", ".txt")


def build_context(model: RegisteredModel, artifact: bytes) -> dict[str, bytes]:
    """Every file of the build context by its path; the Dockerfile stands at the top."""
    package = resources.files("scoring")
    files = {f"scoring/{part.name}": part.read_bytes() for part in package.iterdir() if part.name.endswith(PARTS)}
    version = {"name": model.name, "version": model.version, "data_sha256": model.lineage.data_sha256}
    return {
        "Dockerfile": package.joinpath("Dockerfile").read_bytes(),
        **dict(sorted(files.items())),
        "model/artifact.json": artifact,
        "model/version.json": json.dumps(version, sort_keys=True).encode(),
    }
