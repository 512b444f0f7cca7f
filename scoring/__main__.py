"""Start the service: read the model, prove it, listen."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scoring.model import BadArtifact, ForecastModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scoring.app import Served

GRACE_SECONDS = 20


def load(folder: Path) -> Served:
    """Read `artifact.json` and `version.json`.

    Raises: BadArtifact if either is missing, or the model does not reproduce its golden forecasts.
    """
    from scoring.app import Served

    try:
        model = ForecastModel.from_json((folder / "artifact.json").read_bytes())
        version = json.loads((folder / "version.json").read_bytes())
        return Served(model, version["name"], version["version"], version["data_sha256"])
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise BadArtifact(f"{folder}: {exc}") from exc


def key_of(environment: Mapping[str, str]) -> str | None:
    """The key that callers must present; None only where anonymous callers were asked for.

    Raises: ValueError otherwise.
    """
    key = environment.get("SCORING_KEY")
    if key:
        return key
    if environment.get("SCORING_ALLOW_ANONYMOUS") == "1":
        return None
    raise ValueError("SCORING_KEY is not set; set it, or SCORING_ALLOW_ANONYMOUS=1 to let anybody in")


def main() -> int:
    """Serve until told to stop; requests in flight are finished first."""
    environment = os.environ
    try:
        key = key_of(environment)
        served = load(Path(environment.get("SCORING_MODEL", "model")))
    except ValueError as exc:
        print(f"scoring: {exc}", file=sys.stderr)
        return 1

    import uvicorn

    from scoring.app import create_app

    options: dict[str, Any] = {}
    if environment.get("SCORING_TLS_CERTIFICATE"):
        options = {
            "ssl_certfile": environment["SCORING_TLS_CERTIFICATE"],
            "ssl_keyfile": environment.get("SCORING_TLS_KEY"),
        }
    uvicorn.run(
        create_app(served, key),
        host=environment.get("SCORING_HOST", "0.0.0.0"),  # noqa: S104 - a container is reached from outside
        port=int(environment.get("SCORING_PORT", "8080")),
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        **options,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
