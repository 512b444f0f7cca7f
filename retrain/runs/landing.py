"""Takes a file into the history, holds what is implausible, or quarantines what cannot be read."""

from __future__ import annotations

import io
import tempfile
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from retrain.data.findings import Doubt, Finding
from retrain.data.landed import FileContent
from retrain.data.totals import Joins
from retrain.errors import ConfigError, Conflict, DataError, ServiceError, ServiceUnavailable
from retrain.plausible.findings import Known, findings
from retrain.reading.transactions import read_landed
from retrain.records.day_files import RowFile, span_of
from retrain.records.history import Histories, History, changes, joins_by
from retrain.records.landing import Doubted, Ignored, Landed, LandedBefore, Quarantined
from retrain.records.landing_log import LandedFile, Seen, Standing, latest_of
from retrain.records.quarantine import quarantine
from retrain.records.request import Accept, shown_name
from retrain.runs.asking import ask
from retrain.runs.hashing import HashingReader

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import date, datetime

    from retrain.records.context import Context
    from retrain.records.registry import Lineage
    from retrain.records.request import Land
    from retrain.runs.draft import Draft
    from retrain.settings import Settings

FRONT_BYTES = 1 << 20


def land(request: Land, draft: Draft, lineage: Lineage | None, settings: Settings, context: Context) -> None:
    """Read the file of a request, and note in the run what became of it.

    Args: lineage: what the champion was trained on; None without one.
    Raises: DataError if it cannot be read; it is quarantined then. Conflict if it changed meanwhile.
    """
    histories, name = Histories(context.state), shown_name(request.file)
    history = histories.read()
    before = history.log.entry_of(request.run_id)
    if isinstance(before, LandedFile):  # this run was interrupted after the file had landed
        draft.run = draft.run.evolve(landing=before.facts)
        return
    with _of_the_file(name):
        version = context.inbox.state(request.file)
        is_empty = _is_empty(request.file, context)
    earlier = history.log.landed_by(request.file, version)
    if earlier and not request.again:
        held = earlier in {each.landing.run_id for each in history.standings if each.is_held}
        draft.run = draft.run.evolve(landing=LandedBefore(file=name, taken_in_by=earlier, held=held))
        return
    seen = partial(Seen, run_id=request.run_id, at=context.now(), source=request.file, version=version, file=name)
    if is_empty:
        draft.run = draft.run.evolve(landing=Ignored(file=name, ignored="the file is empty"))
        histories.add(seen(because="it is empty"), history, settings.data.aggregate)
        return
    with tempfile.TemporaryDirectory() as folder, RowFile(Path(folder)) as rows:
        try:
            with _of_the_file(name):
                landed, sha256 = _read(request.file, rows, version, settings, context)
            same = _same_content(history, sha256, again=request.again)
            if same is not None:
                before_it = LandedBefore(file=name, taken_in_by=same.landing.run_id, held=same.is_held)
                draft.run = draft.run.evolve(landing=before_it)
                known = seen(of=same.landing.run_id, because="its content was landed before")
                histories.add(known, history, settings.data.aggregate)
                return
            entry = _judged(
                landed, sha256, version, rows, request, history, histories, lineage, settings, context.now()
            )
        except DataError as reason:
            place = quarantine(request.file, reason, request.run_id, context.inbox, context.state)
            draft.run = draft.run.evolve(landing=Quarantined(file=name, quarantine=place))
            histories.add(seen(because=str(reason)), history, settings.data.aggregate)
            raise
    after = histories.add(entry, history, settings.data.aggregate)
    draft.run = draft.run.evolve(landing=entry.facts)
    for was, now in zip(history.standings, after.standings, strict=False):
        if was.held and not now.held:  # nobody has to decide on them any more
            tell_its_run(was.landing.run_id, was.held, "replaced", request.run_id, context)


def tell_its_run(of: str, days: Collection[date], how: str, by: str, context: Context) -> None:
    """Note in the run that landed these days that they are held no more; without a record, the log decides."""
    try:
        run = context.ledger.recorded(of)
    except ServiceUnavailable:
        raise
    except ServiceError:
        return
    if run is not None and set(run.held_days) & set(days):
        context.ledger.record(run.settled(days, how, by))


@contextmanager
def _of_the_file(name: str) -> Iterator[None]:
    """What the inbox refuses is a matter of this file: its request is kept, and holds up no other.

    Raises: ConfigError for it.
    """
    try:
        yield
    except ServiceUnavailable:
        raise
    except ServiceError as error:
        raise ConfigError(f"{name} cannot be read: {error}; the next trigger tries again") from error


def _is_empty(file: str, context: Context) -> bool:
    with context.inbox.open(file) as stream:
        return not stream.read(1)


def _read(file: str, rows: RowFile, version: str, settings: Settings, context: Context) -> tuple[FileContent, str]:
    """The content of a file and the sha256 of its bytes."""
    with context.inbox.open(file) as stream:
        source = HashingReader(stream)
        # The buffer is in front of the digest: a reader that takes a few bytes at a time costs no call for each.
        front = io.BufferedReader(source, FRONT_BYTES)
        landed = read_landed(front, shown_name(file), settings.data.reading, context.now().date(), rows.begin_anew)
        sha256 = source.sha256()
    if context.inbox.state(file) != version:
        raise Conflict(f"{shown_name(file)} changed while it was read; it will be read again")
    return landed, sha256


def _same_content(history: History, sha256: str, *, again: bool) -> Standing | None:
    """A landing of the same bytes that nothing has replaced, and that is not to be judged anew."""
    for each in reversed(history.standings):
        if each.landing.sha256 != sha256 or each.ended == "replaced":
            continue
        if not again or each.is_in_force:  # a person may have what was retracted, dropped or held judged anew
            return each
    return None


def _judged(
    landed: FileContent,
    sha256: str,
    version: str,
    rows: RowFile,
    request: Land,
    history: History,
    histories: Histories,
    lineage: Lineage | None,
    settings: Settings,
    now: datetime,
) -> LandedFile:
    """Store what the file brought, and say which of its days are held."""
    joins = request.joins or joins_by(history, has_ids=landed.has_ids, asked=settings.data.overlap)
    first_day, last_day = span_of(landed.totals)
    entry = LandedFile(
        run_id=request.run_id,
        at=now,
        file=landed.file,
        source=request.file,
        version=version,
        sha256=sha256,
        first_day=first_day,
        last_day=last_day,
        has_ids=landed.has_ids,
        is_daily=landed.is_daily,
        joins=joins or Joins.RESTATE,
        facts=_facts(landed, settings),
    )
    replaced = latest_of(history.standings, landed.file)
    histories.keep(request.run_id, landed.totals, rows)
    known = _known(entry, landed, history, histories, lineage, settings)
    found = findings(landed, known, now.date())
    if joins is None and (shared := known.totals.keys() & landed.totals.keys()):
        found = (_shared_days(len(shared), known, landed), *found)
    if any(each.doubt is Doubt.CADENCE for each in found):
        cadence = next(each for each in found if each.doubt is Doubt.CADENCE)
        raise DataError(file=landed.file, found=cadence.found, expected=cadence.expected)
    held = _held(found, landed)
    entry = entry.evolve(held=held)
    change = changes(history, histories.preview(entry, history), landed.totals.keys())
    return entry.evolve(
        facts=entry.facts.evolve(
            new_days=len(change.new_days),
            equal_days=change.equal_days,
            changed_days=change.changed_days,
            replaces=replaced.landing.run_id if replaced else None,
            findings=tuple(Doubted(**asdict(each)) for each in found),
            held_days=held,
        )
    )


def ask_for_released(history: History, lineage: Lineage | None, settings: Settings, context: Context) -> None:
    """Ask to accept what was held for a gap alone, where the days between have landed since."""
    held = [each for each in history.standings if each.is_held and _is_held_for_a_gap(each.landing)]
    if not held:
        return
    histories = Histories(context.state)
    asked = {request.of for request in context.ledger.requests() if isinstance(request, Accept)}
    for each in held:
        landing = each.landing
        totals = histories.brought(landing)
        landed = FileContent(landing.file, totals, landing.facts.rows, 0, landing.has_ids)
        known = _known(landing, landed, history, histories, lineage, settings)
        if landing.run_id not in asked and not findings(landed, known, context.now().date()):
            ask(partial(_release, landing.run_id), context)


def _is_held_for_a_gap(landing: LandedFile) -> bool:
    return {found.doubt for found in landing.facts.findings} == {Doubt.GAP}


def _release(of: str, run_id: str) -> Accept:
    return Accept(run_id=run_id, of=of, note="the days of the gap have landed since")


def _facts(landed: FileContent, settings: Settings) -> Landed:
    return Landed(
        file=landed.file,
        rows=landed.rows,
        days=len(landed.totals),
        repeated_rows=landed.repeated,
        new_days=0,
        equal_days=0,
        changed_days=(),
        made=landed.made(settings.data.aggregate),
        read_as=landed.read_as,
        warnings=landed.warnings,
    )


def _known(
    entry: LandedFile,
    landed: FileContent,
    history: History,
    histories: Histories,
    lineage: Lineage | None,
    settings: Settings,
) -> Known:
    """What there is beside the landing."""
    replaced = latest_of(history.standings, landed.file)
    others = histories.without(replaced, history) if replaced else history
    adds = entry.joins in (Joins.BY_ID, Joins.ADD)
    merged = None
    if adds:
        after = histories.preview(entry, history).totals
        merged = {day: after[day] for day in landed.totals if day in others.totals}
    return Known(
        totals=others.totals,
        replaced=histories.counted(replaced) if replaced else {},
        aggregate=settings.data.aggregate,
        is_daily=history.is_daily,
        trained_from=lineage.trained_from if lineage else None,
        trained_through=lineage.trained_through if lineage else None,
        gaps=settings.data.gaps,
        merged=merged,
        country=settings.decision.country,
    )


def _shared_days(count: int, known: Known, landed: FileContent) -> Finding:
    day = next(day for day in landed.totals if day in known.totals)
    there, here = known.totals[day], landed.totals[day]
    return Finding(
        Doubt.OVERLAP,
        (),
        f"{count} of its {len(landed.totals)} days are there already, and it has no transaction ids: on {day}, "
        f"{there.rows} rows of {there.amount:,.2f} together, and in this file {here.rows} of {here.amount:,.2f}",
        "RETRAIN_OVERLAP=add if they are other transactions, or RETRAIN_OVERLAP=restate if they replace those",
    )


def _held(found: tuple[Finding, ...], landed: FileContent) -> tuple[date, ...]:
    if any(not each.days for each in found):
        return tuple(landed.totals)
    return tuple(sorted({day for each in found for day in each.days if day in landed.totals}))


def must_say_overlap(landing: LandedFile) -> ConfigError:
    """The error for days that are there already, where a person has to say what they are."""
    return ConfigError(
        f"{landing.file} has days that are there already: accept it with RETRAIN_OVERLAP=add if they are other "
        "transactions, or with RETRAIN_OVERLAP=restate if they replace those"
    )
