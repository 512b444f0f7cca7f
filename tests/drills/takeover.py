"""A command in a process of its own that is held up at one of the writes which it makes under a lock."""

from __future__ import annotations

import io
import os
import signal
import time
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from azure.core.exceptions import HttpResponseError, ServiceResponseError
from azure.storage.blob import BlobLeaseClient

from retrain.adapters import fence
from retrain.adapters.azure.transport import READS, FencedTransport
from retrain.doors.cli import main
from retrain.poll import poll
from retrain.wiring import connect
from tests.drills.fate import PATIENCE_SECONDS
from tests.drills.place import FilePlatform, Place
from tests.listening import FileListener

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrain.ports import ObjectStore
    from retrain.records.context import Context

HELD_UP, GO_ON = "held-up", "go-on"
"""Marks beside the store: that the command is held up, and that it may go on."""


def command(place: Place, words: list[str], at: int, how: str) -> list[str]:
    """Run a command of the command line; at write `at` under a lock, from 1, it is held up as `how` says.

    Returns: the exit code, what it printed for people, and the names of the writes that it began under a lock.
    """
    os.environ.update(place.environment)
    names: list[str] = []
    hold_up = partial(HOW[how], Path(place.root)) if how in HOW else None
    if how == "sent":
        _freeze_on_the_wire(at)

    def opened(*args: Any) -> Context:
        real = connect(*args)
        watched = _watched(real.state, names, at, hold_up)
        platform = FilePlatform(Path(place.root))
        return replace(real, state=watched, platform=platform, listeners=(FileListener(place.told),))

    with (
        patch("retrain.wiring.connect", opened),
        redirect_stderr(io.StringIO()) as told,
        redirect_stdout(io.StringIO()),
    ):
        code = main(words)
    return [str(code), told.getvalue(), *names]


def _watched(store: ObjectStore, names: list[str], at: int, hold_up: Callable[[], None] | None) -> ObjectStore:
    """The same store, whose writes under a lock are counted."""

    def counted(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(name: str, *args: Any, **options: Any) -> Any:
            if fence._HOLDS.get():
                names.append(f"{method.__name__} {name}")
                if len(names) == at and hold_up is not None:
                    hold_up()
            return method(name, *args, **options)

        return call

    for method in ("write", "upload", "delete"):
        setattr(store, method, counted(getattr(store, method)))
    return store


def _freeze_on_the_wire(at: int) -> None:
    """Freeze after the last look at the lock, right before the request `at` that changes something is sent."""
    sent: list[str] = []

    def send(transport: FencedTransport, request: Any, **options: Any) -> Any:
        if request.method not in READS and fence._HOLDS.get():
            fence.check()
            sent.append(request.url)
            if len(sent) == at:
                _freeze(Path())
        return transport._transport.send(request, **options)

    FencedTransport.send = send  # type: ignore[assignment,method-assign]


def _freeze(_root: Path) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def _wait(root: Path) -> None:
    """Do something else meanwhile; the lease is renewed, as far as it can be."""
    (root / HELD_UP).touch()
    for _ in poll(PATIENCE_SECONDS):
        if (root / GO_ON).exists():
            return
    raise AssertionError("nobody said that it may go on")


def _unanswered(error: Callable[[], Exception], seconds: float, root: Path) -> None:
    """From now on no renewal is answered."""

    def renew(_lease: BlobLeaseClient, **_options: Any) -> None:
        time.sleep(seconds)
        raise error()

    BlobLeaseClient.renew = renew  # type: ignore[assignment,method-assign]
    _wait(root)


def _error_500() -> Exception:
    error = HttpResponseError("the server is in trouble")
    error.status_code = 500
    return error


HOW: dict[str, Callable[[Path], None]] = {
    "frozen": _freeze,
    "busy": _wait,
    "with renewals that are refused": partial(_unanswered, _error_500, 0.0),
    "with connections that are reset": partial(_unanswered, partial(ServiceResponseError, "reset"), 0.0),
    "with answers that are slow": partial(_unanswered, partial(ServiceResponseError, "no answer"), 3.0),
}
