"""From a file that lands to a run, through the event subscription to the genuine worker, whatever happens between.

Event Grid delivers at least once, in any order, and gives up after a day or at once, by what the webhook answers.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from retrain.doors.cli import main
from retrain.records.history import Histories
from retrain.records.quarantine import refused_files
from tests.azure.cloud import on_a_laptop
from tests.azure.emulator.access import TOPIC, of_the_template
from tests.builders import FIRST_DAY, csv_file
from tests.functions.worker import Worker

if TYPE_CHECKING:
    from tests.azure.cloud import Cloud

ROOT = Path(__file__).parents[2]
SECONDS = 120
FEW = np.array([200.0, 210.0, 190.0, 205.0])
LATER = FIRST_DAY + timedelta(days=len(FEW))


@pytest.fixture
def subscribed(cloud: Cloud, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """A deployment whose app is told of new files."""
    for name, value in cloud.environment.items():
        monkeypatch.setenv(name, value)
    cloud.azure.app.deploy(worker)
    with monkeypatch.context() as laptop:
        on_a_laptop(cloud.azure, laptop)
        assert main(["subscribe"]) == 0
    return cloud


def container(cloud: Cloud) -> str:
    """Where files land."""
    return cloud.settings.storage.transactions_container


def land(cloud: Cloud, name: str, first: date = FIRST_DAY) -> None:
    """A file lands, and all that follows from it has happened: a few days, too few for a model."""
    cloud.azure.upload(container(cloud), name, csv_file(FEW, first))
    cloud.azure.wait_for_events(SECONDS)


def deliver(cloud: Cloud, *events: dict[str, Any]) -> int:
    """Deliver events. Returns: to how many subscriptions."""
    told = sum(cloud.azure.events.publish(event) for event in events)
    cloud.azure.wait_for_events(SECONDS)
    return told


def landed(cloud: Cloud) -> list[str]:
    """The files that have landed, in their order."""
    return [entry.source for entry in Histories(cloud.context.state).log().looks]


def triggers(cloud: Cloud) -> list[str]:
    """What the runs were caused by, the newest first."""
    context = cloud.context
    return [str(run.trigger) for run in context.ledger.runs(20, context.now())]


def letters(cloud: Cloud) -> list[dict[str, Any]]:
    """The events of this world that were given up."""
    kept = cloud.azure.stored(cloud.settings.triggers.dead_letters).values()
    return [
        letter
        for data in kept
        if f"/containers/{container(cloud)}/".encode() in data
        for letter in json.loads(data)
    ]


def test_a_file_that_lands_starts_a_run(subscribed: Cloud):
    """Its name may hold a folder, a blank and letters of any alphabet."""
    land(subscribed, "jahre/März 2023.csv")

    assert landed(subscribed) == ["jahre/März 2023.csv"]
    assert triggers(subscribed) == ["blob"]


def test_a_file_of_another_container_is_told_to_nobody(subscribed: Cloud):
    """The state container gets a write for every record."""
    events = subscribed.azure.events

    assert deliver(subscribed, events.blob_created(f"{subscribed.name}-state", "one.csv")) == 0
    assert deliver(subscribed, events.blob_created(f"{container(subscribed)}2", "one.csv")) == 0


def test_a_file_that_is_still_empty_is_told_to_nobody(subscribed: Cloud):
    """The event of its content follows."""
    event = subscribed.azure.events.blob_created(container(subscribed), "one.csv", api="CreateFile")

    assert deliver(subscribed, event) == 0


def test_the_app_ignores_a_file_of_another_container(subscribed: Cloud, caplog: pytest.LogCaptureFixture):
    """Of a subscription that somebody made wider: the host passes on whatever an event names."""
    azure, other = subscribed.azure, f"{subscribed.name}-other"
    azure.events.widen()
    azure.upload(other, "one.csv", csv_file(FEW))
    azure.wait_for_events(SECONDS)

    assert landed(subscribed) == []
    assert (
        f"the file 'one.csv' is in the container '{other}' and not in {container(subscribed)}; it is ignored"
        in caplog.text
    )


def test_an_event_that_comes_twice_lands_a_file_once(subscribed: Cloud):
    """Delivery is at least once."""
    land(subscribed, "one.csv")
    again = subscribed.azure.events.blob_created(container(subscribed), "one.csv")
    deliver(subscribed, again, again)

    assert landed(subscribed) == ["one.csv"]
    assert len(subscribed.azure.events.deliveries) == 3


def test_events_out_of_order_land_every_file(subscribed: Cloud):
    """The later days first."""
    land(subscribed, "two.csv", LATER)
    land(subscribed, "one.csv")

    assert sorted(landed(subscribed)) == ["one.csv", "two.csv"]
    assert len(subscribed.context.ledger.runs(20, subscribed.context.now())) == 2


def test_an_app_that_starts_is_told_again(subscribed: Cloud):
    """The first delivery to a cold app may fail; the next is ten seconds later."""
    subscribed.azure.app.cool(404)
    land(subscribed, "one.csv")

    assert landed(subscribed) == ["one.csv"]
    assert [(one.after, one.status) for one in subscribed.azure.events.deliveries] == [(0, 404), (10, 202)]
    assert letters(subscribed) == []


def test_an_event_that_is_given_up_at_once_is_kept_and_its_file_lands_by_the_timer(
    subscribed: Cloud, worker: Worker
):
    """A cold host that has not read its keys answers 401, after which Event Grid does not try again."""
    subscribed.azure.app.cool(401)
    land(subscribed, "one.csv")
    before = landed(subscribed)
    worker.timer("retrain_on_schedule")
    (letter,) = letters(subscribed)

    assert before == []
    assert landed(subscribed) == ["one.csv"]
    assert letter["subject"].endswith("/blobs/one.csv")
    assert (letter["deadLetterReason"], letter["deliveryAttempts"]) == ("Unauthorized", 1)


def test_the_timer_asks_again_for_no_file_that_was_looked_at(subscribed: Cloud, worker: Worker):
    """Neither for one that landed, nor for one that was refused or is empty: each would be an alert a tick."""
    land(subscribed, "one.csv")
    subscribed.azure.upload(container(subscribed), "empty.csv", b"")
    subscribed.azure.upload(container(subscribed), "bad.csv", b"TransactionDate,PaidAmount\nnonsense,nonsense\n")
    subscribed.azure.wait_for_events(SECONDS)
    before = len(triggers(subscribed))
    worker.timer("retrain_on_schedule")
    worker.timer("retrain_on_schedule")

    assert triggers(subscribed)[:-before] == ["timer"] * 2
    assert len(refused_files(subscribed.context.state)) == 1


def test_without_its_role_an_event_that_is_given_up_is_kept_nowhere(subscribed: Cloud, worker: Worker):
    """The topic writes dead letters as itself; the file lands all the same."""
    azure = subscribed.azure
    azure.taken_away = frozenset(one for one in of_the_template() if one.who == TOPIC)
    azure.app.cool(401)
    land(subscribed, "one.csv")
    worker.timer("retrain_on_schedule")

    assert letters(subscribed) == []
    assert landed(subscribed) == ["one.csv"]


def test_an_app_that_is_away_for_a_day_loses_no_file(subscribed: Cloud, worker: Worker):
    """Event Grid tries for 24 hours, then keeps the event."""
    subscribed.azure.app.cool(*[503] * 30)
    land(subscribed, "one.csv")
    (letter,) = letters(subscribed)
    worker.timer("retrain_on_schedule")

    assert letter["deadLetterReason"] == "TimeToLiveExceeded"
    assert landed(subscribed) == ["one.csv"]


def test_a_file_whose_invocations_fail_five_times_lands_by_the_timer(
    subscribed: Cloud, worker: Worker, monkeypatch: pytest.MonkeyPatch
):
    """The host moves it to its poison queue; here a setting was wrong for a while."""
    with monkeypatch.context() as wrong:
        wrong.setenv("RETRAIN_ALPHA", "none")
        land(subscribed, "one.csv")
    poisoned = [one.blob for one in subscribed.azure.app.poisoned]
    worker.timer("retrain_on_schedule")

    assert poisoned == ["one.csv"]
    assert len(subscribed.azure.app.errors) == 5
    assert landed(subscribed) == ["one.csv"]


def test_a_file_that_is_gone_before_its_event_starts_no_run(subscribed: Cloud):
    """The host looks for it first."""
    deliver(subscribed, subscribed.azure.events.blob_created(container(subscribed), "gone.csv"))

    assert [why for _, why in subscribed.azure.app.forgotten] == ["the blob cannot be found"]
    assert triggers(subscribed) == []
