"""Where the records go: a listener of events that takes states as well, and the one that writes them to the log."""

from __future__ import annotations

import json
import logging
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

from retrain.errors import RetrainError
from retrain.telemetry.facts import Facts, run_facts
from retrain.telemetry.state import state_facts

if TYPE_CHECKING:
    from retrain.records.context import Context
    from retrain.records.outbox import Event
    from retrain.records.run import Run

LOGGER = "retrain.telemetry"
LEVELS = {"failure": logging.ERROR, **dict.fromkeys(("held", "approval", "alarm", "stale"), logging.WARNING)}


class Telemetry(ABC):
    """A listener of events, under one name: a run that one process has told of is not told again by another."""

    name: ClassVar[str] = "telemetry"

    @abstractmethod
    def receive(self, event: Event, run: Run) -> None:
        """See Listener."""

    @abstractmethod
    def measure(self, state: Facts) -> None:
        """Take what `state_facts` found. It is not tried again. Raises: ServiceError if it cannot be taken."""


class LogLines(Telemetry):
    """One line of JSON a record, through `logging`: a Function App's host carries it to Application Insights."""

    def receive(self, event: Event, run: Run) -> None:
        """An error for a failed run, a warning for what somebody should look at, information otherwise."""
        logging.getLogger(LOGGER).log(level_of(event), as_line(run_facts(event, run)))

    def measure(self, state: Facts) -> None:
        """See Telemetry."""
        logging.getLogger(LOGGER).log(level_of_state(state), as_line(state))


def level_of(event: Event) -> int:
    """How urgent the end of a run is, as a level of `logging`."""
    return LEVELS.get(str(event.kind), logging.INFO)


def level_of_state(state: Facts) -> int:
    """A warning if a request is in trouble, the champion does not answer, or a record cannot be read."""
    is_wrong = state["trouble"] or state["unreadable"] or state["champion_answers"] is False
    return logging.WARNING if is_wrong else logging.INFO


def as_line(facts: Facts) -> str:
    """A record as one line of JSON; a number that is not finite is refused when the run is recorded."""
    return json.dumps(facts, allow_nan=False, ensure_ascii=False)


def measure(context: Context) -> None:
    """Tell the state of queue and services. Without telemetry nothing is asked; no failure is raised."""
    channels = [listener for listener in context.listeners if isinstance(listener, Telemetry)]
    if channels:
        state = state_facts(context)
        for channel in channels:
            with suppress(RetrainError):  # the next tick tells a newer state
                channel.measure(state)
