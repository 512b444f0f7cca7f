"""The log takes so many bytes a minute, and says how many lines it has left out."""

from __future__ import annotations

import io
import logging
from dataclasses import dataclass, field

from scoring.log import MINUTE_SECONDS, BoundedHandler

BYTES = 500


@dataclass
class Logged:
    """A log of its own, with a clock."""

    now: float = 0.0
    stream: io.StringIO = field(default_factory=io.StringIO)

    def __post_init__(self) -> None:
        self.handler = BoundedHandler(self.stream, BYTES, lambda: self.now)

    def warn(self, text: str, times: int = 1) -> None:
        for _ in range(times):
            self.handler.handle(logging.LogRecord("x", logging.WARNING, "", 0, text, None, None))

    @property
    def lines(self) -> list[str]:
        return self.stream.getvalue().splitlines()


def test_lines_are_written_with_their_time_and_level():
    log = Logged()

    log.warn("Invalid HTTP request received.")

    assert log.lines[0].endswith("WARNING Invalid HTTP request received.")


def test_a_flood_is_cut_off_and_counted():
    """The count follows when the minute is over."""
    log = Logged()

    log.warn("Invalid HTTP request received.", times=1000)
    written = len(log.lines)
    log.now = MINUTE_SECONDS
    log.warn("the next minute")
    log.handler.close()

    assert len("\n".join(log.lines[:written])) <= BYTES
    assert f"{1000 - written} lines were left out" in log.lines[written]
    assert log.lines[-1].endswith("the next minute")


def test_the_count_is_said_when_the_service_ends():
    """Also if no line follows."""
    log = Logged()

    log.warn("x" * 2 * BYTES)
    log.handler.close()

    assert "1 lines were left out" in log.lines[0]
