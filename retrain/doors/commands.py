"""The commands of the command line: they make the same requests as the triggers, and work them off here."""

from __future__ import annotations

import json
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from retrain.doors.output import complain, exit_code, printable, show_progress, tell, tell_others
from retrain.errors import DataError, NotFound, ServiceUnavailable, UsageError
from retrain.ports import DEPLOY

if TYPE_CHECKING:
    import argparse

    from retrain.records.champion import Champion
    from retrain.records.context import Context
    from retrain.records.registry import Registry
    from retrain.records.request import Request
    from retrain.records.run import Run
    from retrain.settings import Settings

POLL_SECONDS = 0.5


def land(options: argparse.Namespace) -> int:
    """Take files in, one after the other, and retrain after each."""
    settings, context = connected(options)
    for file in options.files:
        if not file.is_file():
            raise NotFound(f"{file} is not a file; nothing was landed")
        if not file.stat().st_size:
            raise DataError("the file is empty; nothing was landed", file=file.name)
    if options.dry_run:
        from retrain.adapters.local.overlay import without_trace

        with without_trace(context) as apart:
            return max([land_file(file, options, settings, apart) for file in options.files])
    return max([land_file(file, options, settings, context) for file in options.files])


def land_file(file: Path, options: argparse.Namespace, settings: Settings, context: Context) -> int:
    """Store a file in the inbox and take it in."""
    from retrain.records.request import Land

    run_id = context.ledger.name_run(context.now())
    name = f"{run_id}/{file.name}"  # two files of one name are two files
    try:
        with file.open("rb") as stream:
            context.inbox.upload(name, stream)
    except OSError as exc:
        raise NotFound(f"{file} cannot be read: {exc.strerror}; name a file that you may read") from exc
    request = Land(run_id=run_id, file=name, dry_run=options.dry_run, again=True)
    context.ledger.ask(request)
    return finished(request, options, settings, context)


def check(options: argparse.Namespace) -> int:
    """Say how a file would be read; 3 if it would be refused."""
    from retrain.doors.check import check_file, lines

    checked = check_file(options.file, _chosen(options).data, datetime.now(UTC).date())
    show_progress("", "")
    print(json.dumps(checked.as_json()) if options.json else printable("\n".join(lines(checked))))
    return 0 if checked.refusal is None else exit_code(checked.refusal.kind)


def run(options: argparse.Namespace) -> int:
    """Retrain on what is there."""
    from retrain.records.request import Evaluate, Trigger
    from retrain.runs.dispatch import ask

    settings, context = connected(options)
    asked = {"force": options.force, "dry_run": options.dry_run, "note": options.note}

    def made(context: Context) -> int:
        request = ask(lambda run_id: Evaluate(run_id=run_id, trigger=Trigger.HTTP, **asked), context)
        return finished(request, options, settings, context)

    if not options.dry_run:
        return made(context)
    from retrain.adapters.local.overlay import without_trace

    with without_trace(context) as apart:
        return made(apart)


def tick(options: argparse.Namespace) -> int:
    """Do what the timer does."""
    from retrain.records.request import Evaluate, Trigger
    from retrain.runs.dispatch import ask
    from retrain.runs.sweep import ask_for_unseen

    settings, context = connected(options)
    ask_for_unseen(context)
    request = ask(lambda run_id: Evaluate(run_id=run_id, trigger=Trigger.TIMER), context)
    return finished(request, options, settings, context)


def rollback(options: argparse.Namespace) -> int:
    """Make an earlier version champion again."""
    if options.to == "":
        raise UsageError("--to is empty; name a version, or leave --to out for the champion before the present one")
    from retrain.records.request import RollBack
    from retrain.runs.dispatch import ask

    settings, context = connected(options)
    request = ask(lambda run_id: RollBack(run_id=run_id, to=options.to), context)
    return finished(request, options, settings, context)


def promote(options: argparse.Namespace) -> int:
    """Continue a promotion, or carry out a job's half of one."""
    from retrain.promotion.resume import promote_run
    from retrain.runs.dispatch import deliver, work_off

    settings, context = connected(options)
    promoted: Run | None = None
    try:
        promoted = promote_run(options.run_id, settings, context, options.step)
    finally:
        if options.step == DEPLOY or (options.step and promoted is None):
            work_off(settings, context)  # what has waited for this job's end; no other trigger may come for a day
        else:
            deliver(context)
    if options.report is not None:
        options.report.mkdir(parents=True, exist_ok=True)
        (options.report / "report.json").write_bytes(promoted.to_json())
    return tell(promoted, as_json=options.json)


def runs(options: argparse.Namespace) -> int:
    """List the newest runs, and the requests that wait."""
    from retrain.doors.terminal import ending

    _, context = connected(options)
    for found in context.ledger.runs(options.newest):
        line = f"{found.run_id}  {found.trigger:<8}  {ending(found):<9}  {found.reason}"
        print(json.dumps(found.as_json()) if options.json else printable(line))
    return 0


def show(options: argparse.Namespace) -> int:
    """Show one run; write it as a page too."""
    _, context = connected(options)
    found = context.ledger.run(options.run_id)
    if options.page is not None:
        from retrain.doors.page import page

        try:
            options.page.write_text(page(found, context.ledger.unseen_days(options.run_id)), encoding="utf-8")
        except OSError as exc:
            raise UsageError(f"--page {options.page}: {exc.strerror}; name a file that can be written") from exc
    return tell(found, as_json=options.json)


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
        print(
            f"{mark}  version {facts['version']} since {since} UTC, trained through {facts['trained_through']}, "
            f"{facts['order']}, by run {facts['run_id']}"
        )
    return 0


def _champion(entry: Champion, registry: Registry) -> dict[str, str]:
    lineage = registry.get(entry.version).lineage
    return {
        "version": entry.version,
        "order": lineage.order,
        "trained_through": lineage.trained_through.isoformat(),
        "data_sha256": lineage.data_sha256,
        "since": entry.since.isoformat(),
        "run_id": entry.run_id,
    }


def forecast(options: argparse.Namespace) -> int:
    """Ask the champion's service for the days to come."""
    from retrain.doors.champion_forecast import MOST_DAYS, champion_forecast
    from retrain.doors.terminal import forecast_table

    if not 1 <= options.days <= MOST_DAYS:
        raise UsageError(f"--days is {options.days}; it must lie between 1 and {MOST_DAYS}")
    settings, context = connected(options)
    answer = champion_forecast(options.days, settings, context)
    print(json.dumps(answer) if options.json else forecast_table(answer))
    return 0


def rebuild(options: argparse.Namespace) -> int:
    """Make the store anew from the files in its inbox, and retrain after each."""
    from retrain.runs.rebuild import must_confirm
    from retrain.runs.rebuild import rebuild as begin

    settings, context = connected(options)
    if not options.yes:
        raise must_confirm(context)
    return max([finished(request, options, settings, context) for request in begin(context)], default=0)


def services(options: argparse.Namespace) -> int:
    """List the services and their state."""
    _, context = connected(options)
    present = context.ledger.pointer().champion
    for service in context.platform.services():
        state = "running" if context.platform.is_running(service.name) else "ended"
        is_champion = present is not None and service.version == present.version
        facts = {"name": service.name, "version": service.version, "url": service.url, "state": state}
        line = f"{service.name:<28}{state:<9}{service.url}{'  champion' if is_champion else ''}"
        print(json.dumps({**facts, "champion": is_champion}) if options.json else line)
    return 0


def release(options: argparse.Namespace) -> int:
    """Register what promotion jobs are made of."""
    from retrain.wiring import releaser

    released = releaser(_chosen(options)).release(show_progress)
    show_progress("", "")
    width = max(map(len, released))
    lines = [f"{kind:<{width}}  {name}" for kind, name in released.items()]
    print(json.dumps(released) if options.json else "\n".join(lines))
    return 0


def acquire(options: argparse.Namespace) -> int:
    """Download the transaction history, cut it by year and land each year."""
    from retrain.doors.acquire import acquire as download

    settings, context = connected(options)
    with tempfile.TemporaryDirectory() as folder:
        today = context.now().date()
        files = download(settings, Path(folder), today, lambda detail: context.progress("download", detail))
        return max([land_file(file, options, settings, context) for file in files])


def settings(options: argparse.Namespace) -> int:
    """List every setting in force."""
    from retrain.doors.settings_table import print_settings

    print_settings(_chosen(options), as_json=options.json)
    return 0


def events(options: argparse.Namespace) -> int:
    """List the events that are not delivered yet, and why."""
    _, context = connected(options)
    for event in context.ledger.outbox.waiting():
        line = f"{event.id}  {event.kind:<9}  {event.trouble or 'not delivered yet'}"
        print(json.dumps(event.as_json()) if options.json else line)
    return 0


def _chosen(options: argparse.Namespace) -> Settings:
    from retrain.doors.settings_table import chosen

    return chosen(options.assigned, options.root)


def connected(options: argparse.Namespace) -> tuple[Settings, Context]:
    """The settings that the options choose, and everything that a run touches."""
    from retrain.wiring import connect

    chosen = _chosen(options)
    return chosen, connect(chosen, show_progress)


def finished(request: Request, options: argparse.Namespace, settings: Settings, context: Context) -> int:
    """Wait for the request's own run, made here or by the holder of the lock, and print it."""
    from retrain.runs.dispatch import work_off
    from retrain.runs.outcome import Behind

    while True:
        outcome = work_off(settings, context)
        left = outcome.of(request.run_id)
        made = context.ledger.run(request.run_id)
        if not options.json:
            tell_others([context.ledger.run(run_id) for run_id in outcome.ended if run_id != request.run_id])
        if left is None or left.behind is not Behind.ANOTHER_PROCESS or made.status.has_ended:
            break
        show_progress("waiting", "another process is retraining")
        time.sleep(POLL_SECONDS)
    if left is not None and left.behind is Behind.TROUBLE and left.first not in ("", request.run_id):
        raise ServiceUnavailable(
            f"run {request.run_id} waits behind run {left.first}, which met trouble: {left.reason}"
        )
    if made.error is None:
        return tell(made, as_json=options.json)
    if options.json:
        print(json.dumps(made.as_json()))
    complain(made.error.message)
    return exit_code(made.error.kind)
