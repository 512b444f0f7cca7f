"""The commands of the command line: they make the same requests as the triggers, and work them off here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from retrain.doors.asking import acting, chosen_settings, connected, finished
from retrain.doors.output import complain, printable, say, tell
from retrain.doors.paths import Target
from retrain.errors import ConfigError, LockLost, ServiceError, ServiceUnavailable, UsageError
from retrain.ports import REGISTER

if TYPE_CHECKING:
    import argparse

    from retrain.records.champion import Champion
    from retrain.records.registry import Registry


def run(options: argparse.Namespace) -> int:
    """Retrain on what is there."""
    from retrain.records.request import Evaluate, Trigger
    from retrain.runs.asking import ask

    asked = {"force": options.force, "dry_run": options.dry_run, "note": options.note}
    with acting(options) as (settings, context):
        request = ask(lambda run_id: Evaluate(run_id=run_id, trigger=Trigger.HTTP, **asked), context)
        return finished(request, options, settings, context)


def tick(options: argparse.Namespace) -> int:
    """Do what the timer does."""
    from retrain.doors.sweep_commands import complained_after_tick
    from retrain.records.request import Evaluate, Trigger
    from retrain.runs.asking import ask
    from retrain.runs.inbox import trouble_with_unseen
    from retrain.telemetry.channel import measure

    settings, context = connected(options)
    trouble = trouble_with_unseen(context)
    request = ask(lambda run_id: Evaluate(run_id=run_id, trigger=Trigger.TIMER), context)
    code = finished(request, options, settings, context)
    complained_after_tick(settings, context, as_json=options.json)
    measure(context)
    if trouble is not None:
        raise trouble
    return code


def rollback(options: argparse.Namespace) -> int:
    """Make an earlier version champion again."""
    if options.to == "":
        raise UsageError("--to is empty; name a version, or leave --to out for the champion before the present one")
    from retrain.records.request import RollBack
    from retrain.runs.asking import ask

    settings, context = connected(options)
    request = ask(lambda run_id: RollBack(run_id=run_id, to=options.to), context)
    return finished(request, options, settings, context)


def promote(options: argparse.Namespace) -> int:
    """Continue a promotion, or carry out a job's half of one."""
    from retrain.promotion.resume import promote_run
    from retrain.runs.dispatch import deliver, work_off

    settings, context = connected(options)
    try:
        promoted = promote_run(options.run_id, settings, context, options.step)
    except LockLost:  # all that is left is the work of another process
        raise
    except BaseException:
        work_off(settings, context)
        raise
    if options.step == REGISTER:
        deliver(context)  # the other half of the job follows
    else:
        work_off(settings, context)  # what has waited for its end; no other trigger may come for a day
    if options.report is not None:
        with Target("--report", options.report / "report.json").begun() as write:
            write(promoted.to_json())
    return tell(promoted, as_json=options.json)


def runs(options: argparse.Namespace) -> int:
    """List the newest runs, and the requests that wait; of none, a sentence that is no line of the list."""
    from retrain.doors.terminal import ending

    _, context = connected(options)
    listed = list(context.ledger.runs(options.newest, context.now()))
    if not listed and not options.json:
        complain("no runs yet")
    for found in listed:
        line = f"{found.run_id}  {found.trigger:<8}  {ending(found):<9}  {found.reason}"
        print(json.dumps(found.as_json()) if options.json else printable(line))
    return 0


def show(options: argparse.Namespace) -> int:
    """Show one run; write it as a page too."""
    _, context = connected(options)
    found = context.ledger.run(options.run_id)
    if options.page is not None:
        from retrain.doors.page import page_of

        with Target("--page", options.page).begun() as write:
            write(page_of(found, context.ledger).encode())
    code = tell(found, as_json=options.json)
    if options.slices and not options.json:
        from retrain.doors.sliced import slices_table

        say(*(slices_table(found) if found.slices else ["This run has no scores by slice."]))
    return code


def champion(options: argparse.Namespace) -> int:
    """Say which version is champion, or was on a day, and since when."""
    _, context = connected(options)
    pointer = context.ledger.pointer()
    entries = pointer.during(options.on) if options.on else pointer.champions
    found = pointer.on(options.on) if options.on else pointer.champion
    shown = [_champion(entry, context.registry) for entry in entries if entry.version]
    if options.json:
        print(json.dumps({"champion": found and _champion(found, context.registry), "champions": shown}))
        return 0
    if not shown:
        print(f"There is no champion{f' on {options.on}' if options.on else ''}.")
    for facts in shown:
        since = f"{facts['since']:.19}".replace("T", " ")
        mark = "champion" if found and facts["since"] == found.since.isoformat() else "        "
        made = facts.get("trouble") or f"trained through {facts['trained_through']}, {facts['order']}"
        say(f"{mark}  version {facts['version']} since {since} UTC, {made}, by run {facts['run_id']}")
    return 0


def _champion(entry: Champion, registry: Registry) -> dict[str, str]:
    """What is known of a champion; `trouble` if the record of its version cannot be read."""
    facts = {"version": entry.version, "since": entry.since.isoformat(), "run_id": entry.run_id}
    try:
        lineage = registry.of_record(entry.version).lineage
    except ServiceUnavailable:
        raise
    except (ServiceError, ConfigError) as error:
        return {**facts, "trouble": str(error)}
    return {
        **facts,
        "order": lineage.order,
        "trained_through": lineage.trained_through.isoformat(),
        "data_sha256": lineage.data_sha256,
    }


def rebuild(options: argparse.Namespace) -> int:
    """Make the store anew from the files in its inbox, and retrain after each."""
    from retrain.runs.rebuild import must_confirm
    from retrain.runs.rebuild import rebuild as begin

    settings, context = connected(options)
    if not options.yes:
        raise must_confirm(context)
    requests = begin(context, read_anew=options.read_anew)
    return max([finished(request, options, settings, context) for request in requests], default=0)


def settings(options: argparse.Namespace) -> int:
    """List every setting in force."""
    from retrain.doors.settings_table import print_settings

    print_settings(chosen_settings(options), as_json=options.json)
    return 0


def events(options: argparse.Namespace) -> int:
    """List the events that are not delivered yet, and why."""
    _, context = connected(options)
    outbox = context.ledger.outbox
    refused = [(event, f"not brought any more: {event.trouble}") for event in outbox.undelivered()]
    waiting = [(event, event.trouble or "not delivered yet") for event in outbox.waiting()]
    for event, state in refused + waiting:
        line = f"{event.id}  {event.kind:<9}  {state}"
        print(json.dumps(event.as_json()) if options.json else printable(line))
    return 0
