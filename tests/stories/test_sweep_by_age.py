"""Reports, forecasts and copies are kept for ever, or for `RETRAIN_KEEP_DAYS`."""

from __future__ import annotations

from retrain.records.request import Trigger
from retrain.records.watched import Tellings, Told, ToldAlarm
from retrain.runs.dispatch import work_off
from retrain.runs.sweep import look
from tests.builders import FIRST_DAY, ONE, TWO, World, ask
from tests.leftovers import DAY, LONG, keys, swept, three_champions, with_forecasts


def test_nothing_is_too_old_by_default(world: World):
    """Reports, forecasts and copies are kept for ever unless somebody says for how long."""
    three_champions(world)
    world.overrides["RETRAIN_KEEP_IMAGES"] = "10"
    world.run()
    world.land("bad.csv", b"TransactionDate,PaidAmount\n2023-01-01,much\n")
    world.clock.now += LONG

    assert keys(swept(world)) == []


def test_old_reports_go_and_those_of_champions_stay(world: World):
    """`retrain champion` names their runs, and a promotion that failed may be repeated."""
    three_champions(world)
    world.overrides |= {"RETRAIN_KEEP_IMAGES": "10", "RETRAIN_KEEP_DAYS": "90"}
    ordinary = world.run()["run_id"]
    world.clock.now += LONG
    recent = world.run()["run_id"]
    swept(world)
    world.clock.now += DAY
    done = swept(world)
    left = {run.run_id for run in world.ledger.runs(100)}

    assert f"run {ordinary}" in done.removed
    assert left == {entry.run_id for entry in world.ledger.pointer().champions} | {recent}
    assert not [name for name in world.context.state.names("runs/") if ordinary in name]


def test_a_run_that_waits_for_a_person_is_never_too_old(world: World):
    """Its days are held until somebody decides."""
    world.land("one.csv", ONE)
    held = world.land("two.csv", TWO.replace(b"\n2023-05", b"\n2023-05", 1).replace(b",1", b",9999991", 1))
    world.overrides["RETRAIN_KEEP_DAYS"] = "90"
    world.clock.now += LONG

    assert held["status"] == "held"
    assert f"run {held['run_id']}" not in keys(look(world.settings, world.context))


def test_a_folder_of_a_run_with_a_file_of_newer_code_is_left(world: World):
    """This code does not know who needs it."""
    three_champions(world)
    run_id = world.run()["run_id"]
    world.overrides["RETRAIN_KEEP_DAYS"] = "90"
    world.context.state.write(f"runs/{run_id[:6]}/{run_id}/shadow.csv", b"")
    world.clock.now += LONG

    assert f"run {run_id}" not in keys(look(world.settings, world.context))


def test_an_old_forecast_goes_with_its_files_and_the_newest_days_keep_theirs(world: World):
    """The next run would only issue those again."""
    world.overrides["RETRAIN_KEEP_DAYS"] = "90"
    context = with_forecasts(world)
    for name, data in (("one.csv", ONE), ("two.csv", TWO)):
        context.inbox.write(name, data)
        ask(Trigger.BLOB, context, file=name)
        work_off(world.settings, context)
    ask(Trigger.TIMER, context)
    work_off(world.settings, context)
    issued = sorted(name.removeprefix("issued/").removesuffix(".json") for name in context.state.names("issued/"))
    world.clock.now += LONG
    swept(world)
    world.clock.now += DAY
    removed = [key for key in swept(world).removed if key.startswith("forecast ")]
    left = sorted(context.state.names("issued/"))

    assert len(issued) >= 2
    assert removed == [f"forecast {stem}" for stem in issued if stem[:10] < issued[-1][:10]]
    assert left == [f"issued/{stem}.json" for stem in issued if stem[:10] == issued[-1][:10]]
    assert context.forecasts is not None
    assert {name.rpartition(".")[0] for name in context.forecasts.names("")} == {
        stem for stem in issued if stem[:10] == issued[-1][:10]
    }


def test_a_landed_file_is_never_removed_and_the_copy_of_a_refused_one_is(world: World):
    """The inbox is the data."""
    world.land("bad.csv", b"TransactionDate,PaidAmount\n2023-01-01,much\n")
    world.overrides["RETRAIN_KEEP_DAYS"] = "90"
    world.clock.now += LONG
    swept(world)
    world.clock.now += DAY
    swept(world)

    assert list(world.context.state.names("quarantine/")) == []
    assert list(world.context.inbox.names("")) == ["bad.csv"]


def test_a_run_of_newer_code_is_never_too_old(world: World):
    """This code does not know what its trigger asks of it."""
    world.overrides["RETRAIN_KEEP_DAYS"] = "90"
    run_id = world.run()["run_id"]
    report = f"runs/{run_id[:6]}/{run_id}/report.json"
    stored = world.context.state.read(report)
    assert stored is not None
    world.context.state.write(report, stored.data.replace(b'"http"', b'"satellite"'))
    world.clock.now += LONG

    assert f"run {run_id}" not in keys(look(world.settings, world.context))


def test_a_run_whose_event_was_not_delivered_is_never_too_old(world: World):
    """Whoever is told of it reads its report."""
    world.overrides["RETRAIN_KEEP_DAYS"] = "90"
    run_id = world.run()["run_id"]
    world.context.state.write(f"undelivered/{run_id}-1.json", b"{}")
    world.clock.now += LONG

    assert f"run {run_id}" not in keys(look(world.settings, world.context))


def test_an_old_alarm_is_not_told_again_because_its_run_is_swept(world: World):
    """What was told names the runs that told it; they stay, however old."""
    world.overrides["RETRAIN_KEEP_DAYS"] = "90"
    world.land("one.csv", ONE)
    run = world.run(Trigger.HTTP)["run_id"]
    told = ToldAlarm(version="1", day=FIRST_DAY, by=run, retrain=run)
    Tellings(world.context.state).write(Told(alarms=(told,)))
    world.run(Trigger.HTTP)
    world.clock.now += 40 * LONG
    swept(world)
    world.clock.now += DAY

    removed = swept(world).removed

    assert f"run {run}" not in removed
    assert any(key.startswith("run ") for key in removed)
