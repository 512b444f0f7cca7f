"""A look at a service, bounded in time: whether it answers as its version, and if not, what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from retrain.errors import AccessDenied, ServiceError, ServiceTimeout, ServiceUnavailable, UnprovenService
from retrain.poll import poll
from retrain.promotion.client import ask, current
from retrain.promotion.verify import prove
from retrain.records.service_state import State

if TYPE_CHECKING:
    from retrain.ports import Platform, Service
    from scoring.model import ForecastModel

ANSWER_SECONDS = 3.0
ATTEMPTS = 2  # one slow answer is no sign of anything
STARTING_SECONDS = 20.0  # for a process that runs and does not listen yet
MENDED_BY_STOPPING = {State.HUNG, State.TAKEN, State.WRONG}
"""States in which what still runs of a service has to be ended before it is started again."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was found: the service as on record, if there is one, and the reason of its state."""

    state: State
    service: Service | None = None
    reason: str = ""


def look(version: str, model: ForecastModel | None, platform: Platform, attempts: int = ATTEMPTS) -> Look:
    """Ask a version's service who it is, and for a forecast if there is a model to compare it with.

    A service that hangs costs `attempts` * `ANSWER_SECONDS`, one that is starting `STARTING_SECONDS`. Where
    services end when nobody asks, one look waits for `platform.wake_seconds`.

    Args: attempts: that have to be in vain before it counts as hung; 1 where another look has been.
    Raises: ServiceUnavailable if the platform or the store of its records is away.
    """
    try:
        service = platform.find(version)
    except (ServiceUnavailable, AccessDenied):
        raise
    except ServiceError as error:
        return Look(State.DAMAGED, None, str(error))
    if service is None:
        return Look(State.MISSING, None, f"version {version} has no service on record")
    found = _asked(service, model, platform, attempts)
    if found.state is State.ANSWERS:
        return found
    moved = current(service, platform)
    if moved.url and moved != service:
        found = _asked(moved, model, platform, attempts)
    if found.state is State.HUNG and platform.restarts_by_itself:
        return Look(State.UNREACHABLE, found.service, f"it runs, and {found.reason}")
    return found


def _asked(service: Service, model: ForecastModel | None, platform: Platform, attempts: int) -> Look:
    timeouts, reason = 0, ""
    seconds = max(ANSWER_SECONDS, platform.wake_seconds)
    for _ in poll(STARTING_SECONDS):
        try:
            version = ask(service, "/readyz", answer_seconds=seconds).get("version")
            if version != service.version:
                return Look(State.WRONG, service, f"it says that it is version {version}")
            if model is not None:
                prove(service, model, seconds)
            return Look(State.ANSWERS, service)
        except UnprovenService as error:
            return Look(State.TAKEN, service, str(error))
        except ServiceUnavailable as error:
            reason = str(error)
            timeouts += isinstance(error, ServiceTimeout)
            is_running = platform.is_running(service.name)
            if not is_running:
                return Look(State.TAKEN if timeouts else State.DEAD, service, reason)
            if timeouts >= attempts or platform.restarts_by_itself:
                break
        except ServiceError as error:
            return Look(State.WRONG, service, str(error))
    return Look(State.HUNG, service, reason)
