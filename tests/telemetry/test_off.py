"""Without a target, telemetry costs nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders import QUICK

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("command", ["runs", "tick"])
def test_what_is_off_imports_nothing(tmp_path: Path, command: str):
    """Neither OpenTelemetry's SDK nor an exporter is loaded by a command without a target."""
    script = f"""
import json, sys
from retrain.doors.cli import main
main([{command!r}, "--root", {str(tmp_path / "store")!r}])
print(json.dumps(sorted(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=True, env=QUICK)
    modules = json.loads(done.stdout.splitlines()[-1])

    assert not [name for name in modules if name.startswith(("opentelemetry", "azure"))]
