"""Storage faults: whatever a store does, the champion never moves wrongly, the run says why, the next one succeeds.

Each drill begins with version 1 in production and a second year that has landed. One event is delivered while the
store misbehaves; it is delivered again if it raised, as the platform does; then the timer fires.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from retrain.errors import AccessDenied, ServiceTimeout
from retrain.records.ledger import POINTER
from tests.drills.stage import Stage, confirmed, named, swept
from tests.drills.table import tell
from tests.faults import SAYS, Call, Fault

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name.lower())
def test_one_call_that_goes_wrong_moves_no_champion_wrongly(stage: Stage, fault: Fault):
    """Each call in its turn, on a folder; the next trigger sets everything right."""
    numbers = list(range(len(stage.calls())))

    wrong = swept(stage, fault, numbers)

    tell("storage faults", "folder", f"calls, each of which {fault}", len(numbers), len(wrong))
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("fault", [Fault.AWAY, Fault.LOST], ids=lambda fault: fault.name.lower())
def test_a_confirmation_that_cannot_be_written_down_is_settled_one_way_or_the_other(stage: Stage, fault: Fault):
    """Either the model is champion and its run is done, or the run failed and the old champion is back."""
    number = confirmed(named(stage.calls()))

    wrong = swept(stage, fault, [number])

    tell("storage faults", "folder", f"confirmations whose note {fault}", 1, len(wrong))
    assert not wrong, "\n".join(wrong)


def test_a_store_that_goes_away_and_stays_away_moves_no_champion_wrongly(stage: Stage):
    """From one call on nothing works, until the next trigger."""
    numbers = range(len(stage.calls()))

    wrong = []
    for number in numbers:
        found = stage.play(lambda call, number=number: call.number >= number)  # type: ignore[misc]
        wrong += [f"from {stage.played[number]} on: {each}" for each in found]

    tell("storage faults", "folder", "calls from which on every call failed", len(numbers), len(wrong))
    assert not wrong, "\n".join(wrong)


def refused(call: Call) -> Exception:
    return AccessDenied(f"{SAYS}: {call.method} {call.name}")


def timed_out(call: Call) -> Exception:
    return ServiceTimeout(f"{SAYS}: {call.method} {call.name}")


@pytest.mark.parametrize("fault", [refused, timed_out], ids=["refused", "timed out"])
def test_a_method_that_always_fails_moves_no_champion_wrongly(
    stage: Stage, fault: Callable[[Call], Exception], request: pytest.FixtureRequest
):
    """A role that is missing, a store that answers nothing of one kind in time."""
    methods = sorted({call.method for call in stage.calls()})

    wrong = []
    for method in methods:
        found = stage.play(lambda call, method=method: call.method == method, fault)  # type: ignore[misc]
        wrong += [f"{method}: {each}" for each in found]

    how = request.node.callspec.id
    tell("storage faults", "folder", f"methods, each of which was always {how}", len(methods), len(wrong))
    assert methods == ["chunk", "delete", "lock", "names", "open", "read", "state", "write"]
    assert not wrong, "\n".join(wrong)


def kind(call: Call) -> str:
    """What sort of object a call is about."""
    return call.name.partition("/")[0]


def test_a_store_that_returns_stale_data_all_the_time_moves_no_champion_wrongly(stage: Stage):
    """Every reading of one kind of object is one state behind, as from a cache."""
    kinds = sorted({kind(call) for call in stage.calls() if call.method in ("read", "names")})

    wrong = []
    for chosen in kinds:
        found = stage.play(lambda call, chosen=chosen: kind(call) == chosen, Fault.STALE)  # type: ignore[misc]
        wrong += [f"{chosen}: {each}" for each in found]

    tell("storage faults", "folder", "kinds of objects that were always stale", len(kinds), len(wrong))
    assert POINTER in kinds
    assert not wrong, "\n".join(wrong)
