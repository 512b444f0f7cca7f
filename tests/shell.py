"""Commands as a person types them, on one store whose services are processes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from retrain.doors.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


class Shell:
    """Runs commands against one store and keeps what they print."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys

    def __call__(self, *words: str) -> tuple[int, str, str]:
        code = main([*words, "--root", str(self.folder / "store")])
        printed = self._capsys.readouterr()
        return code, printed.out, printed.err

    def file(self, name: str, data: bytes) -> str:
        """A file of the person, which is not in the store; its path."""
        (self.folder / name).write_bytes(data)
        return str(self.folder / name)


def objects(out: str) -> list[dict[str, Any]]:
    """What --json has printed."""
    return [json.loads(line) for line in out.splitlines()]
