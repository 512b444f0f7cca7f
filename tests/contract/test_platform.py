"""What every platform promises: one suite against processes, other tests' threads, and each target on Azure."""

from __future__ import annotations

import socket
import sys
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from retrain.adapters.local.process import ProcessPlatform
from retrain.arima.ensemble import fit_pinned
from retrain.arima.order import Order
from retrain.errors import ServiceError, UsageError
from retrain.promotion.client import ask
from retrain.promotion.verify import prove, wait_until_ready
from retrain.records.image import build_context
from retrain.records.registry import Lineage, RegisteredModel
from scoring.model import ForecastModel
from tests.builders import series, weekly
from tests.platforms import stop_services

if TYPE_CHECKING:
    from pathlib import Path

    from retrain.ports import Platform, Service

LINEAGE = Lineage("ab" * 32, "cd" * 32, date(2023, 1, 2), date(2023, 3, 2), "(1,0,0)", "0.1.0")


@cache
def model() -> ForecastModel:
    """The one that every version here has; fitted when it is first needed, for others collect this file too."""
    return fit_pinned(Order(1, 0, 0, mean=True), series(weekly(60)), 7).model


def context_of(version: str) -> dict[str, bytes]:
    """What the image of a version is built from."""
    return build_context(RegisteredModel("m", version, "cd" * 32, LINEAGE, "run"), model().to_json())


def ready(platform: Platform, version: str = "3") -> Service:
    context = context_of(version)
    service = platform.deploy(f"m-v{version}", version, platform.build("m", version, context).reference)
    wait_until_ready(service, platform, limit_seconds=20)
    return service


def test_versions_answer_side_by_side_wherever_the_traffic_goes(platform: Platform):
    """Each is asked as itself; the stable address, where there is one, follows the pointer."""
    old, new = ready(platform, "3"), ready(platform, "4")
    platform.point_to("m-v3")
    platform.point_to("m-v4")

    assert ask(old, "/readyz")["version"] == "3"
    assert ask(new, "/readyz")["version"] == "4"
    assert sorted(service.version for service in platform.services()) == ["3", "4"]
    platform.remove("m-v3")
    assert [service.version for service in platform.services()] == ["4"]


def test_a_removed_service_is_gone(platform: Platform):
    """It answers nobody, and removing it again is nothing."""
    service = ready(platform)

    platform.remove("m-v3")
    platform.remove("m-v3")

    assert platform.services() == []
    assert not platform.is_running("m-v3")
    with pytest.raises(ServiceError):
        ask(service, "/readyz")


def test_a_process_that_was_killed_is_started_again_where_it_was(tmp_path: Path):
    """Its address and key are on record; nobody has to be told."""
    platform = ProcessPlatform(tmp_path / "platform")
    try:
        service = ready(platform)
        platform._processes("m-v3")[0].kill()
        while platform.is_running("m-v3"):
            time.sleep(0.01)

        assert ready(platform) == service
        assert len(platform._processes("m-v3")) == 1
    finally:
        stop_services(tmp_path)


def test_a_record_that_is_damaged_is_set_aside_and_its_process_replaced(tmp_path: Path):
    """Nobody knows the key of what ran: one process is left, with a record that can be read."""
    platform = ProcessPlatform(tmp_path / "platform")
    record = tmp_path / "platform" / "services" / "m-v3.json"
    try:
        ready(platform)
        record.write_text("{")
        listed = platform.services()
        again = ready(platform)

        assert [(service.name, service.version, service.url) for service in listed] == [("m-v3", "3", "")]
        assert platform.find("3") == again
        assert len(platform._processes("m-v3")) == 1
        assert (record.parent / "unreadable" / "m-v3.json").read_text() == "{"
    finally:
        stop_services(tmp_path)


def test_a_service_whose_port_is_taken_moves_and_keeps_its_key(tmp_path: Path):
    """The other process stays where it is."""
    platform = ProcessPlatform(tmp_path / "platform")
    try:
        service = ready(platform)
        platform.stop("m-v3", at_once=True)
        with socket.create_server(("127.0.0.1", urlsplit(service.url).port or 0)):
            moved = ready(platform)

        assert moved.url != service.url
        assert moved.key == service.key
    finally:
        stop_services(tmp_path)


BLANK = b"""
import sys, time
from pathlib import Path
with open("/proc/self/mem", "r+b", 0) as memory:
    start, end = map(int, Path("/proc/self/stat").read_text().rpartition(")")[2].split()[45:47])
    memory.seek(start)
    arguments = memory.read(end - start)
    memory.seek(start)
    memory.write(bytes(end - start))
    print("blank", flush=True)
    time.sleep(0.5)
    memory.seek(start)
    memory.write(arguments)
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="it needs Linux's view of a process's own memory")
def test_a_process_that_is_being_started_is_running(tmp_path: Path):
    """The kernel shows no arguments of it for an instant; here that instant is half a second."""
    platform = ProcessPlatform(tmp_path / "platform")
    image = platform.build("m", "3", {"scoring/__main__.py": BLANK, "scoring/__init__.py": b""})
    try:
        platform.deploy("m-v3", "3", image.reference)
        while platform.log("m-v3") != ["blank"]:
            assert platform.is_running("m-v3")

        assert platform.is_running("m-v3")
    finally:
        platform.remove("m-v3")


def test_keys_are_for_this_user_alone(tmp_path: Path):
    """The record that holds one is readable by nobody else, and no command line shows it."""
    platform = ProcessPlatform(tmp_path / "platform")
    try:
        service = ready(platform)
        record = tmp_path / "platform" / "services" / "m-v3.json"

        assert record.stat().st_mode & 0o077 == 0
        assert service.key not in repr(service)
        assert service.key not in " ".join(platform._processes("m-v3")[0].cmdline())
    finally:
        stop_services(tmp_path)


def test_two_ways_to_the_same_folder_are_one_platform(tmp_path: Path):
    """A symlinked root finds the services of the real one, and starts no second."""
    (tmp_path / "link").symlink_to(tmp_path / "real", target_is_directory=True)
    real, linked = ProcessPlatform(tmp_path / "real" / "platform"), ProcessPlatform(tmp_path / "link" / "platform")
    try:
        service = ready(real)

        assert ready(linked) == service
        assert len(linked._processes("m-v3")) == 1
    finally:
        stop_services(tmp_path / "real")


def test_a_stopped_service_is_started_again_under_its_key(platform: Platform):
    """Its record stays; stopping it twice is nothing."""
    service = ready(platform)
    platform.stop("m-v3")
    platform.stop("m-v3", at_once=True)
    stopped = platform.is_running("m-v3")
    again = ready(platform)

    assert not stopped
    assert again.key == service.key or platform.restarts_by_itself
    prove(again, model())


def test_a_service_answers_under_both_keys_after_a_rotation(platform: Platform):
    """Unless its keys are those of an endpoint, which is said."""
    service = ready(platform)
    try:
        rotated = platform.rotate("m-v3", datetime.now(UTC) + timedelta(hours=1))
    except UsageError as refusal:
        assert "regenerate-keys" in str(refusal)  # noqa: PT017 - one of two kinds of platforms refuses
        return
    wait_until_ready(rotated, platform, limit_seconds=20)
    prove(rotated, model())
    prove(replace(service, url=rotated.url), model())

    assert rotated.key != service.key
    assert platform.find("3") == rotated
