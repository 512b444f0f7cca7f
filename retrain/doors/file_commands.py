"""The commands about files: land them, check them, fetch them, look at those that were refused."""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from retrain.doors.asking import acting, chosen_settings, connected, finished
from retrain.doors.output import complain, exit_code, printable, say, show_progress
from retrain.doors.paths import readable, see_that_it_can_be_read
from retrain.errors import DataError, NotFound, UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from retrain.records.context import Context
    from retrain.records.quarantine import Refused
    from retrain.settings import Settings


def land(options: argparse.Namespace) -> int:
    """Take files in, one after the other, and retrain after each."""
    with acting(options) as (settings, context):
        files = _files(options.files)
        if options.dry_run and len(files) > 1:
            complain("a dry run promotes nothing: each file is compared with the present champion")
        return max([land_file(file, options, settings, context) for file in files], default=0)


def _files(named: Sequence[Path]) -> list[Path]:
    """The files that are no markers. Raises: NotFound or DataError if one cannot land; then none does."""
    from retrain.runs.inbox import is_marker

    for file in named:
        try:
            see_that_it_can_be_read(file)
        except NotFound as exc:
            raise NotFound(f"{exc}; nothing was landed") from exc
    files = []
    for file in named:
        if is_marker(file.name):
            complain(marker_advice(file.name, file.stat().st_size))
        elif not file.stat().st_size:
            raise DataError("the file is empty; nothing was landed", file=file.name)
        else:
            files.append(file)
    return files


def marker_advice(name: str, size: int) -> str:
    """Why a file is ignored by its name, and what to do if it holds transactions. Args: size: in bytes."""
    ignored = f"{name} has the name of a marker of another program, and is ignored"
    return f"{ignored}; it has {size:,} bytes: if they are transactions, rename the file" if size else ignored


def land_file(file: Path, options: argparse.Namespace, settings: Settings, context: Context) -> int:
    """Store a file in the inbox and take it in."""
    with readable(file), file.open("rb") as stream:
        run_id = _stored(stream, file.name, context)
    return _landed(run_id, file.name, options, settings, context, dry_run=options.dry_run)


def _stored(stream: BinaryIO, name: str, context: Context) -> str:
    """Store what a person brings, under a new run: two files of one name are two files. Returns: the run."""
    run_id = context.ledger.name_run(context.now())
    context.inbox.upload(f"{run_id}/{name}", stream)
    return run_id


def _landed(
    run_id: str, name: str, options: argparse.Namespace, settings: Settings, context: Context, *, dry_run: bool
) -> int:
    """Take in what was stored, also if it was looked at before: a person has brought it."""
    from retrain.records.request import Land
    from retrain.runs.asking import ask_as_named

    request = ask_as_named(Land(run_id=run_id, file=f"{run_id}/{name}", dry_run=dry_run, again=True), context)
    return finished(request, options, settings, context)


def check(options: argparse.Namespace) -> int:
    """Say how a file would be read, and what of it would be held; 3 if it would be refused or held."""
    from retrain.doors.check import check_file, held_lines, lines, would_be_held
    from retrain.records.day_files import RowFile

    settings = chosen_settings(options)
    with tempfile.TemporaryDirectory() as folder, RowFile(Path(folder)) as rows:
        checked = check_file(options.file, settings.data, datetime.now(UTC).date(), rows)
        held = would_be_held(checked.landed, checked, rows, options) if checked.landed else None
    show_progress("", "")
    if options.json:
        print(json.dumps({**checked.as_json(), "held": held and held.as_json()}))
    else:
        say(*lines(checked), *held_lines(held))
    if checked.refusal is not None:
        return exit_code(checked.refusal.kind)
    return exit_code("data") if held and held.days else 0


def acquire(options: argparse.Namespace) -> int:
    """Download the transaction history, cut it by year and land each year."""
    from retrain.doors.acquire import acquire as download

    with acting(options) as (settings, context), tempfile.TemporaryDirectory() as folder:
        today = context.now().date()
        files = download(settings, Path(folder), today, lambda detail: context.progress("download", detail))
        return max([land_file(file, options, settings, context) for file in files])


def quarantine(options: argparse.Namespace) -> int:
    """List the refused files, show one, or land one again."""
    from retrain.records.quarantine import refused_file

    settings, context = connected(options)
    if options.run_id is None:
        if options.land:
            raise UsageError("--land needs the run that refused the file: `retrain quarantine RUN --land`")
        return _list_refused(context, with_landed=options.all, as_json=options.json)
    refused = refused_file(options.run_id, context.state)
    if options.land:
        with context.state.open(refused.place) as stream:
            run_id = _stored(stream, refused.file, context)
        return _landed(run_id, refused.file, options, settings, context, dry_run=False)
    facts = _facts(refused, context)
    if options.json:
        print(json.dumps(facts))
        return 0
    shown = {name: value for name, value in facts.items() if name != "reason"} | refused.reason
    say(*(f"{name:<10} {value}" for name, value in shown.items()))
    return 0


def _list_refused(context: Context, *, with_landed: bool, as_json: bool) -> int:
    from retrain.records.quarantine import refused_files

    refused = refused_files(context.state)
    shown = [each for each in refused if with_landed or not each.landed_by]
    for each in shown:
        landed = f"landed by run {each.landed_by}; before: " if each.landed_by else ""
        line = f"{each.run_id}  {each.file}  {landed}{each.reason.get('message', '')}"
        print(json.dumps(_facts(each, context)) if as_json else printable(line))
    if len(shown) < len(refused) and not as_json:
        print(f"{len(refused) - len(shown)} more have landed since; --all lists them")
    return 0


def _facts(refused: Refused, context: Context) -> dict[str, Any]:
    copy = context.state.address(refused.place)
    return {
        "run_id": refused.run_id,
        "file": refused.file,
        "copy": copy,
        "landed_by": refused.landed_by or None,
        "reason": refused.reason,
    }
