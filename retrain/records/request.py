"""What a trigger asks for: small, written down before anything else, done when its run is recorded."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

STAMP = "%Y%m%dT%H%M%S"
RUN_ID = re.compile(r"\d{8}T\d{9}Z-[0-9a-f]{4}", re.ASCII)


class Trigger(StrEnum):
    """Who asks."""

    BLOB = "blob"
    TIMER = "timer"
    HTTP = "http"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class Request:
    """One run to be made.

    Attributes:
        run_id: the run's name from the first moment on; ascending in time.
        file: the landed file to take in first, by its name in the inbox.
        force: evaluate even where nothing has changed. It opens no gate.
        dry_run: measure and decide, register nothing.
        note: why a person asked.
    """

    run_id: str
    trigger: Trigger
    file: str | None = None
    force: bool = False
    dry_run: bool = False
    note: str | None = None


def shown_name(file: str) -> str:
    """How people call a landed file: without the run under which the command line filed it."""
    first, _, rest = file.partition("/")
    return rest if rest and RUN_ID.fullmatch(first) else file


def new_run_id(now: datetime, after: str = "") -> str:
    """A name that sorts by time, to the millisecond; four hex digits part what fell into the same one.

    Args: after: the newest name there is; should the clock have gone back since, its time goes on instead.
    """
    if after and f"{now:{STAMP}}{now.microsecond // 1000:03d}" <= after[:18]:
        now = datetime.strptime(after[:18], f"{STAMP}%f") + timedelta(milliseconds=1)
    return f"{now:{STAMP}}{now.microsecond // 1000:03d}Z-{secrets.token_hex(2)}"
