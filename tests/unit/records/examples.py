"""A run of every kind, and the records around it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from retrain.data.findings import Doubt
from retrain.data.totals import Joins
from retrain.errors import ConfigError, DataError, PromotionFailed
from retrain.gate.decide import Decision, Verdict
from retrain.gate.scores import Scorecard
from retrain.gate.slices import Figures, Slice
from retrain.records.landing import Doubted, Ignored, Landed, LandedBefore, Quarantined, Settled
from retrain.records.measured import Model
from retrain.records.request import Accept, Drop, Evaluate, Land, Promote, Retract, RollBack, Trigger
from retrain.records.run import Registered, Run, Status, Step
from retrain.records.watched import Alarm, News, Probation, Statistic, Watched
from tests.builders import measured, scored, series, weekly

if TYPE_CHECKING:
    from retrain.records.request import Request

RUN_ID = "20240301T120000000Z-0a1b"
NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
FIRST = date(2024, 2, 28)
REQUESTS: dict[str, Request] = {
    "land": Land(run_id=RUN_ID, file="2024/february.csv", dry_run=True),
    "evaluate": Evaluate(run_id=RUN_ID, trigger=Trigger.HTTP, force=True, note="drift"),
    "roll back": RollBack(run_id=RUN_ID, to="3", over="4", note="complaints"),
    "accept": Accept(run_id=RUN_ID, of=RUN_ID, days=(FIRST,), joins=Joins.ADD),
    "drop": Drop(run_id=RUN_ID, of=RUN_ID),
    "retract": Retract(run_id=RUN_ID, of=RUN_ID, note="it was a test"),
    "promote": Promote(run_id=RUN_ID, trigger=Trigger.TIMER, ends=1),
}
STEPS = {
    "submit": Step(at=NOON, job="job-7"),
    "register": Step(at=NOON, version="4"),
    "build": Step(at=NOON, image="registry/model@sha256:ab"),
    "prove": Step(at=NOON, service="http://127.0.0.1:23000"),
    "retire": Step(at=NOON, removed=("model-v1",), failed="model-v2 does not answer"),
}
CARD = Scorecard(rmse=12.5, mae=9.0, mase=0.8, r2=-0.25, bias=-1.5, coverage_80=0.81, coverage_95=None)


SETTLED = Settled(file="february.csv", of=RUN_ID, done="accepted", days=1, new_days=1, changed_days=())


def landed_run() -> Run:
    """It took a file in whose days were partly known; one of them is held."""
    finding = Doubted(doubt=Doubt.ABSURD_DAY, days=(FIRST,), found="9e9", expected="at most 100")
    facts = Landed(
        file="february.csv",
        rows=40,
        days=2,
        repeated_rows=3,
        new_days=1,
        equal_days=0,
        changed_days=(FIRST,),
        made="mean of 18.5 rows a day",
        findings=(finding,),
        held_days=(FIRST,),
    )
    return asked_run().evolve(landing=facts)


def asked_run() -> Run:
    return Run.of(REQUESTS["land"], "runs/report.json")


def compared_run() -> Run:
    """It was decided on the days that the champion had not seen."""
    champion = Model(version="3", order="(1,0,0)", trained_through=FIRST)
    challenger = Model(order="(0,1,1)", trained_through=FIRST)
    run = landed_run().on_data(series(weekly(60)), 2).evolve(champion=champion)
    figures = Figures(days=9, rmse=12.5, mae=9.0, bias=-1.5, coverage_80=None, coverage_95=0.9)
    by_slice = (Slice("weekday", "Monday", figures, replace(figures, rmse=11.0), figures),)
    comparison = replace(measured(CARD, replace(CARD, rmse=11.0)), slices=by_slice)
    decision = Decision(Verdict.PROMOTE, "It is better by 12 %.", ("One refit did not converge.",))
    return run.compared(challenger, comparison).decided(decision).evolve(seconds={"land": 0.012, "compare": 3.4})


def first_model_run() -> Run:
    """There is no champion to compare with, so there is no test."""
    run = asked_run().compared(Model(order="(1,0,0)", trained_through=FIRST), measured(None, scored()))
    return run.decided(Decision(Verdict.PROMOTE, "It is the first."))


def promoted_run() -> Run:
    model = Registered(name="model", version="4", artifact_sha256="ab" * 32)
    return compared_run().promoting(model=model, promotion=STEPS).promoted("It is better by 12 %.").evolve(ends=1)


def refused_run() -> Run:
    """Its file was quarantined."""
    landing = Quarantined(file="february.csv", quarantine="quarantine/february.csv")
    error = DataError(file="february.csv", row=7, column="PaidAmount", found="müch\x00", expected="a number")
    return asked_run().evolve(landing=landing, ends=1).failed(error)


def watched_run() -> Run:
    """It was the first to find that the data have changed."""
    found = Watched(
        version="3",
        through=FIRST,
        days=60,
        statistics=(Statistic(name="level", value=4.5, limit=3.7),),
        alarm=Alarm(names=("level",), day=FIRST),
        news=News.ALARM,
        retrain=RUN_ID,
        probation=Probation(over="2", ends=FIRST, days=60, loss=12.5, over_loss=10.0, evidence=25.0, needed=20.0),
    )
    return compared_run().evolve(watch=found).done()


RUNS: dict[str, Run] = {
    "queued": Run.of(REQUESTS["evaluate"], "runs/report.json", Status.QUEUED),
    "landed": landed_run(),
    "landed before": asked_run().evolve(landing=LandedBefore(file="february.csv", taken_in_by=RUN_ID)).done(),
    "quarantined": refused_run(),
    "held": landed_run().done(),
    "ignored": asked_run().evolve(landing=Ignored(file="february.csv", ignored="the file is empty")).done(),
    "accepted": asked_run().evolve(landing=SETTLED).done(),
    "compared": compared_run(),
    "watched": watched_run(),
    "compared without a champion": first_model_run(),
    "promoting": compared_run().promoting(promotion=STEPS),
    "promoting with trouble": compared_run().promoting(promotion=STEPS).evolve(trouble="the registry is away"),
    "promoted": promoted_run(),
    "rolled back": Run.of(REQUESTS["roll back"], "runs/report.json", ends=1).promoting().promoted("Back to 3."),
    "failed at a step": compared_run().failed(PromotionFailed("prove", "it answered 500", ["line 1", "line 2"])),
    "to be made again": asked_run().failed(ConfigError("RETRAIN_ORDER is wrong"), will_retry=True),
}
