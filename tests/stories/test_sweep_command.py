"""`retrain sweep`: what it lists, what it removes, and what a tick tells of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from retrain.adapters.local.folder import FolderStore
from retrain.adapters.local.process import ProcessPlatform
from retrain.doors.cli import main
from retrain.errors import AccessDenied
from retrain.promotion.resume import LOCK
from retrain.records.leftovers import LastSweep, keep_sweep, last_sweep
from tests.faults import fails

if TYPE_CHECKING:
    from pathlib import Path

UNFINISHED = ".daily-transactions-v1-0a1b2c3d"
LEFT = f"image {UNFINISHED}"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A store whose only image was never finished, which is known for two days."""
    image = tmp_path / "store" / "platform" / "images" / UNFINISHED
    image.mkdir(parents=True)
    (image / "Dockerfile").write_bytes(b"x" * (1 << 20))
    now = datetime.now(UTC)
    earlier = LastSweep(at=now - timedelta(days=1), since={LEFT: now - timedelta(days=2)})
    keep_sweep(earlier, FolderStore(tmp_path / "store"))
    return tmp_path / "store"


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_it_says_what_is_removed_and_why(root: Path, capsys: pytest.CaptureFixture[str]):
    """For people, with the size."""
    code = main(["sweep", "--root", str(root)])
    told = capsys.readouterr().out

    assert code == 0
    assert f"image       {UNFINISHED}  known since " in told
    assert "1.0 MB, removed" in told
    assert "its build was never finished" in told
    assert not list((root / "platform" / "images").iterdir())


def test_a_dry_run_lists_and_removes_nothing(root: Path, capsys: pytest.CaptureFixture[str]):
    """One object a line."""
    before = last_sweep(FolderStore(root))
    code = main(["sweep", "--dry-run", "--json", "--root", str(root)])
    (told,) = objects(capsys.readouterr().out)

    assert (code, told["kind"], told["name"], told["bytes"]) == (0, "image", UNFINISHED, 1 << 20)
    assert (told["removed"], told["trouble"]) == (False, "")
    assert last_sweep(FolderStore(root)) == before
    assert (root / "platform" / "images" / UNFINISHED).is_dir()


def test_a_failure_is_an_exit_code_of_a_service(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """The line says why, and the record keeps the date."""
    monkeypatch.setattr(ProcessPlatform, "remove_image", fails(AccessDenied("refused; give it AcrDelete")))
    code = main(["sweep", "--json", "--root", str(root)])
    told, error = objects(capsys.readouterr().out)
    last = last_sweep(FolderStore(root))

    assert (code, told["trouble"]) == (5, "refused; give it AcrDelete")
    assert "then run `retrain sweep` again" in error["error"]["message"]
    assert last is not None
    assert last.trouble == (f"{LEFT}: refused; give it AcrDelete",)
    assert set(last.since) == {LEFT}


def test_whoever_retrains_is_not_disturbed(root: Path, capsys: pytest.CaptureFixture[str]):
    """The lock is theirs."""
    with FolderStore(root).lock(LOCK):
        code = main(["sweep", "--root", str(root)])

    assert code == 5
    assert "lock" in capsys.readouterr().err
    assert (root / "platform" / "images" / UNFINISHED).is_dir()


def test_a_tick_sweeps_and_tells_what_it_has_removed(root: Path, capsys: pytest.CaptureFixture[str]):
    """After its run."""
    code = main(["tick", "--root", str(root)])

    assert code == 0
    assert f"sweep has removed {LEFT}: its build was never finished" in capsys.readouterr().out


def test_a_tick_does_not_fail_for_a_sweep(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """Not even for a bug in it."""
    monkeypatch.setattr("retrain.runs.sweep.leftovers", fails(ZeroDivisionError("a bug")))
    code = main(["tick", "--json", "--root", str(root)])
    told = capsys.readouterr()

    assert code == 0
    assert [run["verdict"] for run in objects(told.out)] == ["waiting"]
    assert "sweep: ZeroDivisionError: a bug; this is a bug" in told.err
