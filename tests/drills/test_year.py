"""A year, a day at a time, through the timer: what the product is for, from the first model to what became of it.

The data change on a day, and change back right after the retrain that follows. A person approves winners; nobody
looks at anything else.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from retrain.adapters.local.folder import FolderStore
from retrain.adapters.notify.listeners import listeners
from retrain.monitoring.issued import IssuedForecasts
from retrain.monitoring.review import review
from retrain.records.history import Histories
from retrain.records.request import Evaluate, Trigger
from retrain.records.run import Status
from retrain.records.watched import News
from retrain.runs import asking
from retrain.runs.dispatch import work_off
from retrain.runs.inbox import ask_for_unseen
from retrain.runs.replay import Outcome, replay
from retrain.runs.whatif import IN_FORCE, whatif
from tests.approving import ask_to_approve
from tests.builders import FIRST_DAY, World, csv_file, level_days
from tests.notify.receiver import receiving
from tests.platforms import ThreadPlatform

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrain.records.context import Context
    from retrain.records.run import Run
    from tests.notify.receiver import Receiver

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]  # it takes a minute on an idle machine

KEY = b"a key for tests"
KNOWN, YEAR = 150, 365
CHANGE, BACK = KNOWN + 60, KNOWN + 98
"""The days from which the level is lower, and again what it was: the second just after the promotion."""
SETTINGS = {
    "RETRAIN_POLICY": "evidence",
    "RETRAIN_ORDER": "0,0,1",
    "RETRAIN_ALPHA": "0.2",
    "RETRAIN_REFIT_DAYS": "56",
    "RETRAIN_DRIFT_ALPHA": "0.05",
    "RETRAIN_PROBATION_DAYS": "200",
    "RETRAIN_APPROVAL": "required",
    "RETRAIN_NOTIFY_SECRET": "whsec_" + base64.b64encode(KEY).decode(),
}


def amounts() -> np.ndarray:
    """Of every day, currency per day."""
    calm = level_days(KNOWN + YEAR, seed=1, level=200)
    calm[CHANGE:BACK] -= 60
    return calm


@dataclass
class Year:
    """The store, who is told, and what a person has approved."""

    world: World
    receiver: Receiver
    values: np.ndarray = field(default_factory=amounts)
    approved: list[str] = field(default_factory=list)

    @property
    def context(self) -> Context:
        heard = replace(self.world.context, listeners=listeners(self.world.settings))
        return replace(heard, forecasts=FolderStore(self.world.root / "forecasts"))

    def lived(self) -> None:
        """All of it: the days that are known, then each new one."""
        self.day(0, KNOWN)
        for day in range(KNOWN, KNOWN + YEAR):
            self.day(day, day + 1)

    def day(self, first: int, last: int) -> None:
        """The file of these days lands, the timer fires, and a person looks into the mail."""
        day = FIRST_DAY + timedelta(days=last)
        self.world.clock.now = datetime.combine(day, time(6), UTC)
        self.world.put(f"{day}.csv", csv_file(self.values[first:last], FIRST_DAY + timedelta(days=first)))
        context = self.context
        ask_for_unseen(context)
        asking.ask(lambda run_id: Evaluate(run_id=run_id, trigger=Trigger.TIMER), context)
        work_off(self.world.settings, context)
        self.approve_what_waits()

    def approve_what_waits(self) -> None:
        for run in self.world.ledger.runs(3):
            if run.status is Status.AWAITING:
                ask_to_approve(self.world, run.run_id)
                work_off(self.world.settings, self.context)
                self.approved.append(run.run_id)

    @property
    def runs(self) -> list[Run]:
        """Every run, in their order."""
        return list(reversed(self.world.ledger.runs(9999)))

    def kinds(self) -> list[str]:
        """What the receiver was told, without verdicts that changed nothing."""
        return [post.json["type"].removeprefix("retrain.") for post in self.receiver.posts]


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Year]:
    """Lived once; every test looks at it."""
    platform = ThreadPlatform()
    with receiving() as receiver:
        overrides = SETTINGS | {"RETRAIN_NOTIFY_URL": f"{receiver.url}/hook"}
        found = Year(World(tmp_path_factory.mktemp("year") / "store", overrides, platform=platform), receiver)
        found.lived()
        yield found
    platform.close()


def test_a_change_is_noticed_learned_and_approved_and_what_turns_back_is_taken_back(year: Year):
    """The alarm comes in days, the promotion when there is evidence, and the rollback during probation."""
    told = dict(zip(year.kinds(), year.receiver.posts, strict=True))

    expected = ["approval", "promotion", "alarm", "approval", "promotion", "rollback", "recovery"]
    assert year.kinds()[:7] == expected
    assert [entry.version for entry in year.world.ledger.pointer().champions][:3] == ["1", "2", "1"]
    assert "Version 2 was on probation" in year.world.ledger.run(told["rollback"].json["subject"]).reason


def test_the_first_alarm_follows_the_change_in_a_few_days(year: Year):
    """And asks for a run of its own."""
    alarmed = next(run for run in year.runs if run.watch and run.watch.news is News.ALARM)

    assert alarmed.watch is not None
    assert alarmed.watch.alarm is not None
    assert 0 <= (alarmed.watch.alarm.day - (FIRST_DAY + timedelta(days=CHANGE))).days <= 14
    assert year.world.ledger.run(str(alarmed.watch.retrain)).trigger is Trigger.DRIFT


def test_every_notification_is_signed_and_none_comes_twice(year: Year):
    """Whoever receives them can tell who sent them."""
    for post in year.receiver.posts:
        content = f"{post.headers['webhook-id']}.{post.headers['webhook-timestamp']}.".encode() + post.body
        expected = base64.b64encode(hmac.new(KEY, content, hashlib.sha256).digest()).decode()
        assert post.headers["webhook-signature"] == f"v1,{expected}"
    ids = [post.json["id"] for post in year.receiver.posts]
    assert len(ids) == len(set(ids))
    assert year.world.ledger.outbox.waiting() == []


def test_each_day_one_forecast_was_issued_and_can_be_compared(year: Year):
    """By the champion of that day, from the newest day; the first day had no champion yet."""
    issued = list(IssuedForecasts(year.context.state).since(date.min))
    origins = [each.origin for each in issued]
    found = review(date.min, year.world.settings, year.context)

    assert set(origins) == {FIRST_DAY + timedelta(days=day) for day in range(KNOWN, KNOWN + YEAR)}
    assert found.origins > YEAR / 4
    assert found.by_actual["as_corrected"]["champion"].total is not None


def test_every_run_is_replayed_to_the_same_verdict(year: Year):
    """From the landings as of then."""
    histories = Histories(year.context.state)
    replayed = [replay(run, histories, year.world.settings, year.context) for run in year.runs]

    assert [each for each in replayed if each.outcome not in (Outcome.SAME, Outcome.NOTHING)] == []
    assert sum(each.outcome is Outcome.SAME for each in replayed) > YEAR


def test_the_policy_in_force_would_have_decided_as_it_did(year: Year):
    """Tried on the past, beside never and always."""
    policy = year.world.settings.decision.policy
    found = whatif({IN_FORCE: policy}, year.world.settings, year.context, since=None, processes=2)

    assert found.record is not None
    assert found.record.differs == ()
    assert [tried.name for tried in found.tried] == [IN_FORCE, "never", "always"]
