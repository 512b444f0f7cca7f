"""Starts the service: loads the model, verifies its golden forecasts, and listens."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scoring.keys import keys_of
from scoring.log_file import bound_log

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scoring.app import Served


def load(folder: Path) -> Served:
    """Load `artifact.json` and `version.json`.

    Raises: BadArtifact if one is missing, or if the model does not reproduce its golden forecasts.
    """
    from scoring.model import BadArtifact, ForecastModel

    try:
        model = ForecastModel.from_json((folder / "artifact.json").read_bytes())
        version = json.loads((folder / "version.json").read_bytes())
        from scoring.app import Served  # a model that is no good needs no web framework

        return Served(model, version["name"], version["version"], version["data_sha256"])
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise BadArtifact(f"{folder}: {exc}") from exc


def tls_of(environment: Mapping[str, str]) -> dict[str, Any]:
    """The TLS options of uvicorn; none if neither file is set.

    Raises: ValueError if only one of the two is set, or if one is not a file.
    """
    settings = {"ssl_certfile": "SCORING_TLS_CERTIFICATE", "ssl_keyfile": "SCORING_TLS_KEY"}
    files = {option: environment.get(setting, "") for option, setting in settings.items()}
    if not any(files.values()):
        return {}
    for option, file in files.items():
        if not Path(file).is_file():
            raise ValueError(f"{settings[option]} is {file!r}, which is not a file; set both certificate and key")
    return files


def main() -> int:
    """Serve until a signal stops it; current requests are finished first."""
    environment = os.environ
    environment.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when NumPy is loaded; the matrices are small
    try:
        bound_log(environment)
        keys = keys_of(environment)
        port, tls = int(environment.get("SCORING_PORT", "8080")), tls_of(environment)
        served = load(Path(environment.get("SCORING_MODEL", "model")))
    except ValueError as exc:
        print(f"scoring: {exc}", file=sys.stderr)
        return 1

    from scoring.app import create_app
    from scoring.log import log_to_stderr
    from scoring.server import Server, configured

    log_to_stderr()
    host = environment.get("SCORING_HOST", "0.0.0.0")  # noqa: S104 - a container is reached from outside
    Server(configured(create_app(served, keys), host=host, port=port, **tls)).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
