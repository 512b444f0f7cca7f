"""`retrain doctor` on a machine with a store in a folder: what that needs, and nothing of Azure."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from retrain.doctor.app import function_seconds
from retrain.doctor.check import Check, Outcome, examine, ok, worst
from retrain.doctor.leftovers import swept
from retrain.doctor.machine import OWN_LOCK, disk, lockable, packages, writable
from retrain.doctor.storage import storage_checks
from retrain.doors.cli import main
from retrain.errors import AccessDenied, ConfigError, ServiceUnavailable
from retrain.promotion.resume import LOCK
from retrain.records.leftovers import LastSweep, keep_sweep
from retrain.settings import parse
from tests.faults import fails

if TYPE_CHECKING:
    from pathlib import Path

    from tests.builders import World


def looked(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict[str, Any]]:
    """The exit code, and each line by its name."""
    code = main(["doctor", "--json", *options])
    told = json.loads(capsys.readouterr().out)
    return code, {line["name"]: line for line in told["checks"]}


def test_a_machine_that_is_well_is_all_ok(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Also with a store that does not exist yet."""
    code, lines = looked(capsys, "--root", str(tmp_path / "store"))

    assert list(lines) == ["settings", "python", "packages", "store", "locks", "disk", "services", "ports", "sweep"]
    assert {line["outcome"] for line in lines.values()} == {"ok"}
    assert code == 0


def test_settings_that_are_wrong_are_a_line(capsys: pytest.CaptureFixture[str]):
    """What does not depend on them is looked at all the same."""
    code, lines = looked(capsys, "--set", "RETRAIN_HORIZON_DAYS=many")

    assert lines["settings"]["outcome"] == "fault"
    assert "RETRAIN_HORIZON_DAYS" in lines["settings"]["text"]
    assert (lines["python"]["outcome"], code) == ("ok", 4)


def test_a_store_that_cannot_be_written_is_a_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A file is where the folder should be."""
    (tmp_path / "store").write_text("not a folder")
    code, lines = looked(capsys, "--root", str(tmp_path / "store"))

    assert (lines["store"]["outcome"], code) == ("fault", 4)
    assert lines["locks"]["text"] == "not looked at, because of the fault of store"


def test_a_store_in_use_is_not_a_fault(world: World):
    """Somebody retrains, or looks as well; who retrains is not kept from it."""
    with world.context.state.lock(LOCK):
        assert lockable(world.context.state) == ok("locks can be had")
    with world.context.state.lock(OWN_LOCK):
        assert lockable(world.context.state) == ok("another process is looking now")


def test_a_look_leaves_no_object(world: World):
    """What was written is removed."""
    before = list(world.context.state.names(""))

    assert writable(world.context.state).outcome is Outcome.OK
    assert list(world.context.state.names("")) == before


@pytest.mark.parametrize(
    ("lock", "says"),
    [
        ("numpy==0.0.1 \\\n    --hash=sha256:0\n", "numpy is"),
        ("no-such-package==1.0\n", "no-such-package is missing and should be 1.0"),
    ],
    ids=["another version", "none at all"],
)
def test_a_package_that_is_not_as_pinned_is_named(tmp_path: Path, lock: str, says: str):
    """With the command that installs it."""
    (tmp_path / "requirements.txt").write_text(lock)
    found = packages(tmp_path / "requirements.txt")

    assert found.outcome is Outcome.FAULT
    assert says in found.text
    assert "make setup" in found.advice


def test_a_package_of_another_system_may_be_missing(tmp_path: Path):
    """The lock is for all of them."""
    (tmp_path / "requirements.txt").write_text("no-such-package==1.0 ; sys_platform == 'win32' \\\n")

    assert packages(tmp_path / "requirements.txt").outcome is Outcome.OK


def test_a_full_disk_is_a_warning(tmp_path: Path):
    """Nothing has failed yet."""
    found = disk(tmp_path, smallest=1 << 62)

    assert (found.outcome, "make room" in found.advice) == (Outcome.WARNING, True)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ConfigError("RETRAIN_X is wrong"), "RETRAIN_X is wrong"),
        (ServiceUnavailable("the storage is busy"), "the storage is busy"),
        (ZeroDivisionError("nobody thought of it"), "ZeroDivisionError: nobody thought of it"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_a_check_raises_is_its_line_and_the_others_follow(error: Exception, text: str):
    """A bug in one look hides no other."""
    first, second = examine([Check("first", fails(error)), Check("second", lambda: ok("fine"))])

    assert first.finding.outcome is Outcome.FAULT
    assert text in first.finding.text
    assert second.finding == ok("fine")
    assert worst([first, second]) is Outcome.FAULT


@pytest.mark.parametrize(("optional", "outcome"), [(False, Outcome.FAULT), (True, Outcome.WARNING)])
def test_a_refusal_names_the_role(optional: bool, outcome: Outcome):
    """Only if something needs it is it a fault."""
    refused = fails(
        AccessDenied("looking at it: refused (Forbidden); give this identity the role Contributor on it")
    )
    (line,) = examine([Check("it", refused, "Reader", "resource", optional=optional)])

    assert line.finding.outcome is outcome
    assert line.finding.advice == "give this identity the role Reader on resource"
    assert line.finding.text.endswith("refused (Forbidden)")


def test_a_storage_that_refuses_names_the_role_and_the_account(world: World, monkeypatch: pytest.MonkeyPatch):
    """As every run would meet it."""
    refused = AccessDenied("https://a.blob.core.windows.net/retrain: refused (AuthorizationPermissionMismatch)")
    state = world.context.state
    monkeypatch.setattr(type(state), "write", fails(refused))
    settings = parse(
        {"RETRAIN_STORE": "blob", "TRANSACTIONS_STORAGE__blobServiceUri": "https://acc.blob.core.windows.net"}
    )
    check = next(check for check in storage_checks(settings, {}, state) if check.name == "store")
    (line,) = examine([check])

    assert line.finding.advice.startswith("give this identity the role Storage Blob Data")
    assert line.finding.advice.endswith("on the storage account acc")


@pytest.mark.parametrize(("told", "seconds"), [('"00:10:00"', 600), ("null", 1800), ('"-1"', 1800)])
def test_the_limit_of_a_function_is_read_from_its_host_file(tmp_path: Path, told: str, seconds: int):
    """Without one, it is the platform's."""
    (tmp_path / "host.json").write_text(f'{{"functionTimeout": {told}}}')

    assert function_seconds(tmp_path / "host.json") == seconds


def test_what_the_last_sweep_could_not_remove_is_a_warning(world: World):
    """The tick has not failed for it, so this line tells."""
    before = swept(world.context)
    last = LastSweep(at=world.clock(), trouble=("image m@sha256: refused",))
    keep_sweep(last, world.context.state)
    found = swept(world.context)

    assert before.outcome is Outcome.OK
    assert (found.outcome, "image m@sha256: refused" in found.text) == (Outcome.WARNING, True)


def test_what_depends_on_what_was_not_looked_at_names_the_fault_itself():
    """One fault is told once, however long the chain is."""
    checks = [
        Check("first", fails(ServiceUnavailable("away"))),
        Check("second", lambda: ok("there"), after="first"),
        Check("third", lambda: ok("there"), after="second"),
    ]
    lines = {line.name: line.finding for line in examine(checks)}

    assert [line.outcome for line in lines.values()] == [Outcome.FAULT, Outcome.WARNING, Outcome.WARNING]
    assert lines["third"].text == "not looked at, because of the fault of first"


def test_sweeps_that_have_stopped_are_a_warning(world: World):
    """A tick that cannot even write down what it has found leaves no other trace than the log."""
    keep_sweep(LastSweep(at=world.clock() - timedelta(days=4)), world.context.state)
    old = swept(world.context)
    keep_sweep(LastSweep(at=world.clock() - timedelta(days=1)), world.context.state)

    assert (old.outcome, swept(world.context).outcome) == (Outcome.WARNING, Outcome.OK)
