"""Policies are independent, so each is followed in a process of its own; their number changes no result."""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from typing import TYPE_CHECKING

from retrain.errors import Killed
from retrain.runs.whatif_chain import follow

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.sharedctypes import Synchronized
    from multiprocessing.synchronize import Event

    from retrain.runs.whatif_course import Chain, Course
    from retrain.runs.whatif_timeline import Timeline

    type Progress = Callable[[str, str], None]

STAGE = "what if"
SHOWN_EVERY_SECONDS = 0.2


class _Stopped(Exception):
    """The process that asked has been interrupted."""


class _Shared:
    """What a worker shares with the process that started it; set once, when it starts."""

    looks: Synchronized[int]
    stop: Event


def followed(timeline: Timeline, chains: Sequence[Chain], progress: Progress, processes: int = 0) -> list[Course]:
    """What becomes of each policy; of equal ones, one is followed.

    Args: processes: at most; 0 for as many as there are processors.
    Raises: RetrainError if what is on record cannot be used; Killed if a process was ended from outside.
    """
    different = list(dict.fromkeys(chains))
    looks = len(timeline.looks) * len(different)
    processes = min(processes or os.process_cpu_count() or 1, len(different))
    if processes == 1:
        courses = _here(timeline, different, looks, progress)
    else:
        courses = _elsewhere(timeline, different, looks, progress, processes)
    found = dict(zip(different, courses, strict=True))
    return [found[chain] for chain in chains]


def _here(timeline: Timeline, chains: Sequence[Chain], looks: int, progress: Progress) -> list[Course]:
    made = 0

    def done() -> None:
        nonlocal made
        made += 1
        progress(STAGE, f"{made} of {looks} looks")

    return [follow(timeline, chain, lambda _stage, _detail: None, done) for chain in chains]


def _elsewhere(
    timeline: Timeline, chains: Sequence[Chain], looks: int, progress: Progress, processes: int
) -> list[Course]:
    context = get_context("spawn")
    made, stop = context.Value("q", 0), context.Event()
    with ProcessPoolExecutor(processes, context, _begin, (made, stop)) as pool:
        asked = [pool.submit(_follow, timeline, chain) for chain in chains]
        try:
            waiting = set(asked)
            while waiting:
                _, waiting = wait(waiting, SHOWN_EVERY_SECONDS, FIRST_EXCEPTION)
                progress(STAGE, f"{made.value} of {looks} looks")
                for each in set(asked) - waiting:
                    each.result()
            return [each.result() for each in asked]
        except BrokenProcessPool as error:
            raise Killed(
                "a process of `retrain whatif` was ended from outside, perhaps for lack of memory; run it again"
            ) from error
        finally:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)


def _begin(made: Synchronized[int], stop: Event) -> None:
    """A worker starts: an interrupt is the asking process's to handle, and without it, nobody needs the result."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _Shared.looks, _Shared.stop = made, stop
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _follow(timeline: Timeline, chain: Chain) -> Course:
    def progress(_stage: str, _detail: str) -> None:
        if _Shared.stop.is_set():
            raise _Stopped

    def done() -> None:
        with _Shared.looks.get_lock():
            _Shared.looks.value += 1

    return follow(timeline, chain, progress, done)
