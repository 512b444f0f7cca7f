"""The gate cannot fail open: whatever breaks, the champion pointer does not move."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from retrain.adapters.local.folder import FolderStore
from retrain.arima.likelihood import Optimum, maximise
from retrain.errors import AccessDenied, Conflict, NotConverged, RetrainError, ServiceUnavailable
from retrain.gate import scores
from retrain.gate.rolling import RollingForecasts
from retrain.promotion.steps import promote
from retrain.records.request import Trigger
from retrain.runs.dispatch import work_off
from tests.builders import NEW_YEAR, TWO, World, ask, csv_file, reports, weekly
from tests.faults import Faults, FaultyStore, fails
from tests.sweeps import in_drills

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from retrain.arima.ensemble import FittedModel
    from retrain.arima.order import Order
    from retrain.data.series import DailySeries
    from retrain.ports import ObjectStore

pytestmark = pytest.mark.usefixtures("assessed_anew")
METRICS = ("rmse", "mae", "mase", "r2", "bias")


@pytest.fixture
def drifted(serving: World) -> World:
    """Year one has a champion; a better challenger would come out of year two, which has landed."""
    serving.put("two.csv", TWO)
    return serving


def pointer(world: World) -> bytes:
    return (world.root / "champion.json").read_bytes()


def retrain_through(world: World, state: ObjectStore, inbox: ObjectStore | None = None) -> None:
    """One blob event, with the errors a trigger would show to the platform taken as they come."""
    context = world.with_state(state)
    try:
        ask(Trigger.BLOB, world.context, file="two.csv")
        work_off(world.settings, context if inbox is None else replace(context, inbox=inbox))
    except RetrainError:
        pass


def from_the_nth(nth: int, method: str, error: Exception) -> Faults:
    """One method raises, from its nth call on, counted from 0."""
    calls = count()
    return Faults(lambda call: call.method == method and next(calls) >= nth, lambda _call: error)


ERRORS = [ServiceUnavailable("away"), *in_drills(AccessDenied("no role"), Conflict("moved"), MemoryError("a bug"))]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("method", ["read", "write", "names", "delete", "lock", "address", "upload"])
def test_no_call_to_the_state_that_raises_moves_the_pointer_wrongly(drifted: World, method: str, error: Exception):
    """Each method made to raise at its first, second, third, ... call, until a run gets by without it.

    The pointer is either untouched, or moved by the one write that moves it after everything else succeeded.
    """
    before = pointer(drifted)
    for nth in range(40):
        faults = from_the_nth(nth, method, error)
        with suppress(MemoryError):
            retrain_through(drifted, FaultyStore(FolderStore(drifted.root), faults))
        if not faults.hits:
            break
        for request in drifted.ledger.requests():  # what may pass is kept for the next trigger
            drifted.ledger.done(request.run_id)
        champions = drifted.ledger.pointer().champions
        if pointer(drifted) != before:
            assert [entry.version for entry in champions] == ["1", "2"]
            break
    else:
        pytest.fail("the run never got by")


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_inbox_that_raises_keeps_the_champion(drifted: World, error: Exception):
    """The landed file cannot be read."""
    before = pointer(drifted)

    inbox = FaultyStore(FolderStore(drifted.root / "inbox"), from_the_nth(0, "open", error))
    retrain_through(drifted, FolderStore(drifted.root), inbox)

    assert pointer(drifted) == before
    assert reports(drifted.ledger, 1)[0]["status"] == "failed"


def with_metric(metric: str, value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every scorecard from now on has this value of the metric."""
    scorecard = scores.Scorecard
    monkeypatch.setattr(scores, "Scorecard", lambda **numbers: scorecard(**{**numbers, metric: value}))


NO_NUMBERS = [
    *((metric, float("nan")) for metric in METRICS),
    *(pytest.param(metric, float("inf"), marks=pytest.mark.long) for metric in METRICS),
    *((metric, None) for metric in METRICS if metric not in ("mase", "r2")),
]


@pytest.mark.parametrize(("metric", "value"), NO_NUMBERS)
def test_a_metric_that_is_no_number_keeps_the_champion(
    drifted: World, metric: str, value: Any, monkeypatch: pytest.MonkeyPatch
):
    """The run fails and names the metric."""
    before = pointer(drifted)
    with_metric(metric, value, monkeypatch)

    report = drifted.run(Trigger.BLOB, file="two.csv")

    assert pointer(drifted) == before
    assert report["status"] == "failed"
    assert metric in report["reason"]


@pytest.mark.parametrize("metric", ["mase", "r2"])
def test_a_metric_that_is_not_defined_and_decides_nothing_changes_no_verdict(
    drifted: World, metric: str, monkeypatch: pytest.MonkeyPatch
):
    """It is null in the report; RMSE decides."""
    with_metric(metric, None, monkeypatch)

    report = drifted.run(Trigger.BLOB, file="two.csv")

    assert report["verdict"] == "promote"
    assert [report[model][metric] for model in ("champion", "challenger", "seasonal_naive")] == [None] * 3


def test_a_loss_that_is_not_defined_keeps_the_champion(drifted: World, monkeypatch: pytest.MonkeyPatch):
    """There is no verdict; the report names the setting."""
    before = pointer(drifted)
    drifted.overrides["RETRAIN_LOSS"] = "mase"
    with_metric("mase", None, monkeypatch)

    report = drifted.run(Trigger.BLOB, file="two.csv")

    assert pointer(drifted) == before
    assert (report["status"], report["verdict"], report["error"]["kind"]) == ("failed", None, "model")
    assert "RETRAIN_LOSS is mase, which is not defined" in report["reason"]


@contextmanager
def altered(path: Path, change: Callable[[bytes], bytes]) -> Iterator[None]:
    whole = path.read_bytes()
    path.write_bytes(change(whole))
    yield
    path.write_bytes(whole)


@pytest.mark.parametrize("name", ["champion.json", "history.json", "models/daily-transactions/1.json", "artifact"])
@pytest.mark.parametrize(
    "change", [lambda _: b"", lambda data: data[:20], lambda _: b"[]", lambda _: b'{"champions": 5}'],
    ids=["empty", "half", "list", "other"],
)  # fmt: skip
def test_a_record_that_cannot_be_understood_is_no_missing_champion(
    drifted: World, name: str, change: Callable[[bytes], bytes]
):
    """That there is no champion is an answer of the ledger, never the reading of an accident."""
    path = next((drifted.root / "artifacts").iterdir()) if name == "artifact" else drifted.root / name
    before = pointer(drifted)

    with altered(path, change):
        report = drifted.run(force=True)

    assert pointer(drifted) == before
    assert report["status"] == "failed"
    assert "backup" in report["reason"]


@pytest.mark.parametrize(
    "record",
    [
        b'{"champions": {}, "champion": null}',
        b'{"champions": "", "champion": null}',
        b'{"champions": [], "champion": {"version": "1"}}',
        None,
    ],
    ids=str,
)  # fmt: skip
def test_a_pointer_that_names_nobody_by_accident_is_no_missing_champion(drifted: World, record: bytes | None):
    """Garbled, contradictory, or gone while models are registered."""
    path = drifted.root / "champion.json"
    if record is None:
        path.unlink()
    else:
        path.write_bytes(record)

    report = drifted.run(Trigger.BLOB, file="two.csv")

    assert (report["status"], report["error"]["kind"]) == ("failed", "record")
    assert path.exists() is (record is not None)


def test_amounts_too_large_to_compare_are_refused_at_the_door(drifted: World):
    """Squares that overflow would make the test of significance no number."""
    report = drifted.land("huge.csv", csv_file(1e80 * weekly(60, seed=1), NEW_YEAR))

    assert report["error"]["kind"] == "data"


def test_a_champion_that_was_switched_meanwhile_is_not_replaced(drifted: World, monkeypatch: pytest.MonkeyPatch):
    """The winner has not been compared with that one."""

    def switched_meanwhile(*args: Any) -> Any:
        ledger = drifted.ledger
        seen = ledger.pointer()
        ledger.switch(seen, replace(seen.champions[0], version="9"))
        return promote(*args)

    monkeypatch.setattr("retrain.promotion.resume.promote", switched_meanwhile)
    report = drifted.run(Trigger.BLOB, file="two.csv")

    assert "version 9 became champion meanwhile" in report["reason"]
    assert [entry.version for entry in drifted.ledger.pointer().champions] == ["1", "9"]


def test_a_winner_whose_last_fit_does_not_converge_is_not_promoted(drifted: World, monkeypatch: pytest.MonkeyPatch):
    """What would answer was not measured, so the champion stays, and the report says why."""
    monkeypatch.setattr(RollingForecasts, "finished", fails(NotConverged("it did not converge")))

    report = drifted.run(Trigger.BLOB, file="two.csv")

    assert report["verdict"] == "keep"
    assert "it did not converge" in report["reason"]
    assert [entry.version for entry in drifted.ledger.pointer().champions] == ["1"]


def test_a_last_fit_that_forecasts_otherwise_than_what_was_measured_gives_way_to_the_seasonal_naive(
    drifted: World, monkeypatch: pytest.MonkeyPatch
):
    """The distance between the two is more than the error of what was measured."""
    finished = RollingForecasts.finished

    def far_away(self: RollingForecasts, history: DailySeries) -> FittedModel:
        return finished(self, replace(history, values=history.values * 3))

    monkeypatch.setattr(RollingForecasts, "finished", far_away)

    report = drifted.run(Trigger.BLOB, file="two.csv")

    assert report["challenger"]["order"] == "(0,0,0)(0,1,0)7"
    assert "away from the model that was compared, which is more than its RMSE" in report["reason"]


def test_an_order_that_had_to_be_simplified_is_a_warning(world: World, monkeypatch: pytest.MonkeyPatch):
    """A search never fails for want of an optimum; it says what it fitted instead."""
    best: list[Order] = []

    def all_but_the_best(order: Order, *arguments: Any) -> Optimum:
        best.append(order)
        if order == best[0]:
            raise NotConverged(f"{order} did not converge")
        return maximise(order, *arguments)

    monkeypatch.setattr("retrain.arima.fit.maximise", all_but_the_best)
    world.overrides["RETRAIN_ORDER"] = ""

    report = world.land("one.csv", csv_file(weekly(100)))

    assert report["verdict"] == "promote"
    assert any("has no optimum on these days" in warning for warning in report["warnings"])
