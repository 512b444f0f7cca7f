"""The commands about files: land them, check them, fetch them, look at those that were refused."""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from retrain.doors.asking import chosen_settings, connected, finished
from retrain.doors.output import complain, exit_code, printable, show_progress
from retrain.errors import DataError, NotFound, UsageError

if TYPE_CHECKING:
    import argparse

    from retrain.records.context import Context
    from retrain.records.quarantine import Refused
    from retrain.settings import Settings


def land(options: argparse.Namespace) -> int:
    """Take files in, one after the other, and retrain after each."""
    settings, context = connected(options)
    from retrain.runs.sweep import is_marker

    for file in options.files:
        if not file.is_file():
            raise NotFound(f"{file} is not a file; nothing was landed")
    markers = [file for file in options.files if is_marker(file.name)]
    for file in markers:
        complain(f"{file.name} is a marker of another program and no transactions; it is ignored")
    options.files = [file for file in options.files if file not in markers]
    for file in options.files:
        if not file.stat().st_size:
            raise DataError("the file is empty; nothing was landed", file=file.name)
    if options.dry_run:
        from retrain.wiring import without_trace

        with without_trace(context) as apart:
            return max([land_file(file, options, settings, apart) for file in options.files], default=0)
    return max([land_file(file, options, settings, context) for file in options.files], default=0)


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
    """Say how a file would be read, and what of it would be held; 3 if it would be refused or held."""
    from retrain.doors.check import check_file, held_lines, lines, would_be_held

    settings = chosen_settings(options)
    checked = check_file(options.file, settings.data, datetime.now(UTC).date())
    held = would_be_held(options.file, checked, options) if checked.landed else None
    show_progress("", "")
    if options.json:
        print(json.dumps({**checked.as_json(), "held": held and held.as_json()}))
    else:
        print(printable("\n".join([*lines(checked), *held_lines(held)])))
    if checked.refusal is not None:
        return exit_code(checked.refusal.kind)
    return exit_code("data") if held and held.days else 0


def acquire(options: argparse.Namespace) -> int:
    """Download the transaction history, cut it by year and land each year."""
    from retrain.doors.acquire import acquire as download

    settings, context = connected(options)
    with tempfile.TemporaryDirectory() as folder:
        today = context.now().date()
        files = download(settings, Path(folder), today, lambda detail: context.progress("download", detail))
        return max([land_file(file, options, settings, context) for file in files])


def quarantine(options: argparse.Namespace) -> int:
    """List the refused files, show one, or land one again."""
    from retrain.records.quarantine import refused_file, refused_files

    settings, context = connected(options)
    if options.run_id is None:
        if options.land:
            raise UsageError("--land needs the run that refused the file: `retrain quarantine RUN --land`")
        for each in refused_files(context.state):
            facts = {"run_id": each.run_id, "file": each.file, "copy": context.state.address(each.place)}
            line = f"{each.run_id}  {each.file}  {each.reason.get('message', '')}"
            print(json.dumps({**facts, "reason": each.reason}) if options.json else printable(line))
        return 0
    refused = refused_file(options.run_id, context.state)
    if options.land:
        return _land_again(refused, options, settings, context)
    facts = {"run_id": refused.run_id, "file": refused.file, "copy": context.state.address(refused.place)}
    if options.json:
        print(json.dumps({**facts, "reason": refused.reason}))
        return 0
    print(printable("\n".join(f"{name:<10} {value}" for name, value in [*facts.items(), *refused.reason.items()])))
    return 0


def _land_again(refused: Refused, options: argparse.Namespace, settings: Settings, context: Context) -> int:
    """The copy lands under its own name, as if it had been brought again."""
    from retrain.records.request import Land

    run_id = context.ledger.name_run(context.now())
    name = f"{run_id}/{refused.file}"
    with context.state.open(refused.place) as stream:
        context.inbox.upload(name, stream)
    request = Land(run_id=run_id, file=name, again=True)
    context.ledger.ask(request)
    return finished(request, options, settings, context)
