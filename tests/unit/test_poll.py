"""The loop with a deadline, on a clock that only its own pauses move."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from retrain.poll import GROWTH, LONGEST_PAUSE_SECONDS, poll


@dataclass
class Timer:
    """A clock in seconds, and the pauses that moved it."""

    now: float = 1000.0
    pauses: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def test_the_first_look_is_at_once_and_the_last_at_the_deadline():
    """However long the pauses are, no time is left unwatched at the end."""
    timer = Timer()

    left = list(poll(10, 2, clock=timer.clock, sleep=timer.sleep))

    assert left == pytest.approx([10, 8, 5.4, 2.02, 0])
    assert timer.now == pytest.approx(1010)


def test_pauses_grow_up_to_the_longest():
    """So a quick condition is seen soon, and a slow one costs few looks."""
    timer = Timer()

    for _ in poll(600, 1, clock=timer.clock, sleep=timer.sleep):
        pass

    assert timer.pauses[:3] == pytest.approx([1, GROWTH, GROWTH**2])
    assert max(timer.pauses) == LONGEST_PAUSE_SECONDS


def test_a_first_pause_that_is_longer_than_the_longest_is_kept():
    """Whoever asks for it knows why."""
    timer = Timer()

    list(poll(30, 10, clock=timer.clock, sleep=timer.sleep))

    assert timer.pauses == pytest.approx([10, 10, 10])


@pytest.mark.parametrize("seconds", [0, -1])
def test_without_time_there_is_one_look_and_no_pause(seconds: float):
    """A limit of zero asks once."""
    timer = Timer()

    assert list(poll(seconds, clock=timer.clock, sleep=timer.sleep)) == [0.0]
    assert timer.pauses == []


def test_a_look_that_takes_longer_than_the_limit_is_the_last():
    """Its own time counts."""
    timer = Timer()

    looks = 0
    for _ in poll(5, 1, clock=timer.clock, sleep=timer.sleep):
        looks += 1
        timer.now += 6

    assert (looks, timer.pauses) == (1, [])


def test_the_loop_ends_when_it_is_left():
    """No pause follows."""
    timer = Timer()

    for _ in poll(5, 1, clock=timer.clock, sleep=timer.sleep):
        break

    assert timer.pauses == []
