"""The champion's service is looked after by every trigger and by the forecast route."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from retrain.doors.champion_forecast import champion_forecast as forecast
from retrain.errors import ServiceError, ServiceUnavailable
from retrain.promotion import look as looking
from retrain.records.request import Repair
from retrain.records.service_state import MOST_FAILURES, ServiceStates, State
from retrain.runs import asking
from retrain.runs.dispatch import work_off
from retrain.runs.repairing import ask_for_repair, repair_after
from tests.builders import World, made
from tests.faults import fails
from tests.listening import Heard, Listener

if TYPE_CHECKING:
    from retrain.records.service_state import ServiceState

NAME = "daily-transactions-v1"


def state_of(world: World) -> ServiceState:
    return ServiceStates(world.context.state).read(NAME, "1")[0]


def dies(world: World) -> None:
    """The champion's service is gone, and nobody says so."""
    world.platform.remove(NAME)


def repairs(world: World) -> list[str]:
    """How every repair ended, the oldest first."""
    return [run.reason for run in reversed(world.ledger.runs(100)) if run.trigger == "service"]


def restart(world: World) -> dict[str, object]:
    """As `retrain services --restart` asks for it."""
    request = asking.ask(lambda run_id: Repair(run_id=run_id, version="1", by_person=True), world.context)
    return made(request, world.settings, world.context)


def test_a_trigger_starts_a_dead_champion_again(serving: World):
    """By a run of its own, which says what was found and done; the trigger's own run goes on as ever."""
    dies(serving)

    assert serving.run()["verdict"] == "unchanged"

    assert forecast(7, serving.settings, serving.context)["version"] == "1"
    assert len(repairs(serving)) == 1
    assert "was not answering (no service); it was started again and answers at http://" in repairs(serving)[0]
    assert (state_of(serving).restarts, state_of(serving).failures) == (1, 0)


def test_a_champion_that_answers_is_left_alone(serving: World):
    """Nothing is asked for and nothing remembered."""
    before = serving.platform.find("1")
    serving.run()

    assert repairs(serving) == []
    assert serving.platform.find("1") == before
    assert not (serving.root / "service-states").exists()


def test_a_repair_is_told_as_an_event(serving: World):
    """Of its own kind."""
    listener = Listener()
    heard = Heard(serving, (listener,))
    dies(serving)
    heard.run()

    assert [kind for _, kind in listener.told] == ["service", "verdict"]


def test_a_champion_that_forecasts_other_numbers_is_replaced(serving: World, monkeypatch: pytest.MonkeyPatch):
    """Both looks see that: the trigger's, and that of the run that it asks for."""
    wrong = iter([ServiceError("it forecasts other numbers than its artifact")] * 2)

    def prove(*_args: object) -> None:
        for error in wrong:
            raise error

    monkeypatch.setattr(looking, "prove", prove)
    before = serving.platform.find("1")
    serving.run()

    assert "was not answering (wrong forecasts)" in repairs(serving)[0]
    assert serving.platform.find("1") != before


def test_a_service_that_never_starts_is_tried_later_and_later_and_then_left_to_a_person(
    serving: World, monkeypatch: pytest.MonkeyPatch
):
    """Whatever the number of triggers; each run that they ask for is made."""
    dies(serving)
    monkeypatch.setattr(serving.platform, "deploy", fails(ServiceError("no memory is left")))
    for _ in range(20):
        assert serving.run()["verdict"] == "unchanged"
    soon = len(repairs(serving))
    for _ in range(MOST_FAILURES + 3):
        serving.clock.now += timedelta(days=1)
        serving.run()

    assert soon < 3
    assert len(repairs(serving)) == MOST_FAILURES
    assert all("no memory is left" in reason for reason in repairs(serving))
    with pytest.raises(ServiceError, match=f"{MOST_FAILURES} times .*retrain services --restart {NAME}"):
        ask_for_repair("1", serving.context)


def test_a_person_restarts_what_was_given_up(serving: World, monkeypatch: pytest.MonkeyPatch):
    """And the count begins anew."""
    dies(serving)
    with monkeypatch.context() as broken:
        broken.setattr(serving.platform, "deploy", fails(ServiceError("no memory is left")))
        for _ in range(MOST_FAILURES):
            serving.clock.now += timedelta(days=1)
            serving.run()
    report = restart(serving)

    assert report["status"] == "done"
    assert state_of(serving).failures == 0
    assert forecast(7, serving.settings, serving.context)["version"] == "1"


def test_a_person_restarts_what_answers_too(serving: World):
    """Nothing has to be wrong with it."""
    assert "was asked to be restarted" in str(restart(serving)["reason"])
    assert forecast(7, serving.settings, serving.context)["version"] == "1"


def test_what_a_person_stopped_stays_stopped(serving: World):
    """No trigger starts it, and the forecast says so."""
    states = ServiceStates(serving.context.state)
    states.write(state_of(serving).evolve(state=State.STOPPED, since=serving.clock()))
    dies(serving)
    serving.run()
    with pytest.raises(ServiceUnavailable) as error:
        forecast(7, serving.settings, serving.context)
    wanted = repair_after(error.value, serving.context)

    assert repairs(serving) == []
    assert wanted.run_id == ""
    assert f"was stopped by a person at 2026-01-01 00:00 UTC; `retrain services --restart {NAME}`" in wanted.message


@pytest.mark.parametrize("how", ["restart", "rollback"])
def test_a_person_starts_it_again(serving: World, how: str):
    """And from then on it is looked after as before."""
    ServiceStates(serving.context.state).write(state_of(serving).evolve(state=State.STOPPED, since=serving.clock()))
    dies(serving)
    restart(serving) if how == "restart" else serving.roll_back("1")
    dies(serving)
    serving.run()

    assert forecast(7, serving.settings, serving.context)["version"] == "1"


def test_a_forecast_that_fails_asks_for_one_repair_and_names_it(serving: World):
    """However often it is asked; the queue, or the command, makes it."""
    dies(serving)
    told = []
    for _ in range(3):
        with pytest.raises(ServiceUnavailable) as error:
            forecast(7, serving.settings, serving.context)
        told.append(repair_after(error.value, serving.context))
    waiting = [request.run_id for request in serving.ledger.requests()]
    work_off(serving.settings, serving.context)

    assert waiting == [told[0].run_id]
    assert {wanted.run_id for wanted in told} == {waiting[0]}
    assert f"Run {waiting[0]} repairs the service" in told[0].message
    assert forecast(7, serving.settings, serving.context)["version"] == "1"


def test_a_repair_that_is_no_longer_needed_does_nothing(serving: World):
    """Somebody else was first."""
    run_id = ask_for_repair("1", serving.context)
    before = serving.platform.find("1")
    work_off(serving.settings, serving.context)

    assert serving.ledger.run(run_id).reason == f"Service {NAME} answers; nothing was done."
    assert serving.platform.find("1") == before


def test_a_damaged_state_of_a_service_is_set_aside(serving: World):
    """It is only a memory of what was tried."""
    dies(serving)
    (serving.root / "service-states").mkdir()
    (serving.root / "service-states" / f"{NAME}.json").write_text("{")
    serving.run()

    assert (serving.root / "unreadable" / "service-states" / f"{NAME}.json").read_text() == "{"
    assert forecast(7, serving.settings, serving.context)["version"] == "1"


def test_a_platform_that_is_away_fails_no_run(serving: World, monkeypatch: pytest.MonkeyPatch):
    """Looking after a service is no part of a decision."""
    monkeypatch.setattr(serving.platform, "find", fails(ServiceUnavailable("the platform is away")))

    assert serving.run()["verdict"] == "unchanged"
    assert repairs(serving) == []


def test_a_service_that_its_platform_restarts_is_not_replaced_because_it_is_not_reachable_from_here(
    serving: World, monkeypatch: pytest.MonkeyPatch
):
    """From outside its network nobody sees that it answers others: it is told once, until it answers."""
    monkeypatch.setattr(type(serving.platform), "restarts_by_itself", True)
    monkeypatch.setattr(looking, "ask", fails(ServiceUnavailable("it does not answer")))
    before = serving.platform.find("1")
    for _ in range(3):
        serving.clock.now += timedelta(days=1)
        serving.run()

    assert serving.platform.find("1") == before
    assert len(repairs(serving)) == 1
    assert "does not answer from here" in repairs(serving)[0]
    assert json.loads((serving.root / "service-states" / f"{NAME}.json").read_bytes())["failures"] == 0
