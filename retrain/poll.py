"""Looking again and again until a condition holds: the one loop with a deadline that every package uses."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 5.0
GROWTH = 1.3  # a process is up in a moment, a container in minutes, and every look costs a call


def poll(
    seconds: float,
    first_pause: float = FIRST_PAUSE_SECONDS,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[float]:
    """Yield the seconds that are left: at once, after each pause, and for the last time at the deadline (0.0).

        for _ in poll(60):
            if ready():
                return
        raise ServiceError("not ready within 60 s")

    The caller leaves the loop when its condition holds; a loop that runs to its end has timed out. Raises nothing.

    Args:
        seconds: the time limit; with 0 there is one look.
        first_pause: seconds; each pause is longer than the one before by `GROWTH`, up to `LONGEST_PAUSE_SECONDS`.
        clock: seconds that never go back.
        sleep: waits for so many seconds.
    """
    deadline, pause = clock() + seconds, first_pause
    while True:
        yield max(deadline - clock(), 0.0)
        left = deadline - clock()
        if left <= 0:
            return
        sleep(min(pause, left))
        pause = min(pause * GROWTH, max(first_pause, LONGEST_PAUSE_SECONDS))
