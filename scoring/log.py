"""The log of the service: whatever callers send, it grows by so many bytes a minute at most."""

from __future__ import annotations

import logging
import sys
import threading
import time
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable

BYTES_A_MINUTE = 64 << 10
MINUTE_SECONDS = 60.0
FORMAT = "%(asctime)s %(levelname)s %(message)s"


class BoundedHandler(logging.Handler):
    """Writes lines until a minute's bytes are written; then says how many it has left out.

    Args: clock: seconds, ascending.
    """

    def __init__(
        self, stream: TextIO, bytes_a_minute: int = BYTES_A_MINUTE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter(FORMAT))
        self._stream, self._bytes, self._clock = stream, bytes_a_minute, clock
        self._minute_ends, self._left, self._left_out = -1.0, 0, 0
        self._reporter: threading.Timer | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record, or count it; the lock of the handler is held."""
        try:
            line = self.format(record) + "\n"
            now = self._clock()
            if now >= self._minute_ends:
                self._report()
                self._minute_ends, self._left = now + MINUTE_SECONDS, self._bytes
            size = len(line.encode(errors="replace"))
            if size <= self._left:
                self._left -= size
                self._write(line)
            else:
                self._left_out += 1
                self._report_within(self._minute_ends - now)
        except Exception:  # noqa: BLE001 - as logging does: what cannot be logged ends no request
            self.handleError(record)

    def flush(self) -> None:
        """Say what has been left out so far."""
        with self.lock or threading.Lock():
            self._report()

    def close(self) -> None:
        """The last line."""
        if self._reporter is not None:
            self._reporter.cancel()
        self.flush()
        super().close()

    def _report_within(self, seconds: float) -> None:
        """Also if no further line comes."""
        if self._reporter is None or not self._reporter.is_alive():
            self._reporter = threading.Timer(seconds, self.flush)
            self._reporter.daemon = True
            self._reporter.start()

    def _report(self) -> None:
        if self._left_out:
            lines, self._left_out = self._left_out, 0
            limit = f"the log takes {self._bytes} bytes a minute"
            self._write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} WARNING {lines} lines were left out: {limit}\n")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def log_to_stderr() -> None:
    """Every logger of this process, within the limit."""
    logging.basicConfig(level=logging.INFO, handlers=[BoundedHandler(sys.stderr)], force=True)
