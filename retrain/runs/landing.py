"""Takes a file into the history, holds what is implausible, or quarantines what cannot be read."""

from __future__ import annotations

import io
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from retrain.data.totals import Joins
from retrain.errors import DataError, ServiceError, ServiceUnavailable
from retrain.reading.transactions import read_landed
from retrain.records.arrow import arrow
from retrain.records.base import skipping
from retrain.records.day_files import RowFile, span_of
from retrain.records.history import Histories, History, joins_by
from retrain.records.landing import Ignored, Landed, LandedBefore, Quarantined
from retrain.records.landing_log import LandedFile, Seen, Standing
from retrain.records.quarantine import quarantine
from retrain.records.request import Accept, Land, shown_name
from retrain.runs.asking import ask
from retrain.runs.hashing import HashingReader
from retrain.runs.judging import Judge
from retrain.settings.data import DataSettings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import date

    from retrain.data.landed import FileContent
    from retrain.records.context import Context
    from retrain.records.counted_days import CountedDays
    from retrain.records.registry import Lineage
    from retrain.runs.draft import Draft
    from retrain.settings import Settings

FRONT_BYTES = 1 << 20


def land(request: Land, draft: Draft, lineage: Lineage | None, settings: Settings, context: Context) -> History:
    """Read the file of a request, and note in the run what became of it.

    Args: lineage: what the champion was trained on; None without one.
    Returns: the history after it.
    Raises: DataError if it cannot be read; it is quarantined then. Conflict if it changed meanwhile.
    """
    histories, name = Histories(context.state), shown_name(request.file)
    history = histories.read()
    mine = history.log.entry_of(request.run_id)
    if isinstance(mine, LandedFile):  # this run was interrupted after the file had landed
        draft.run = draft.run.evolve(landing=mine.facts)
        tell_replaced(history, request.run_id, context)
        return history
    with _of_the_file(name):
        version = context.inbox.state(request.file)
    earlier = history.standing(history.log.landed_by(request.file, version))
    if earlier is not None and not request.again:
        draft.run = draft.run.evolve(landing=_before(earlier, name))
        return history
    judge = Judge(histories, history, lineage, settings, context.now().date())
    file = _File(request, name, version, judge, context)
    try:
        found = file.read()
    except DataError as reason:
        place = quarantine(request.file, reason, request.run_id, context.inbox, context.state)
        draft.run = draft.run.evolve(landing=Quarantined(file=name, quarantine=place))
        file.noted(because=str(reason))
        raise
    if found is None:
        draft.run = draft.run.evolve(landing=Ignored(file=name, ignored="the file is empty"))
        return file.noted(because="it is empty")
    if isinstance(found, Standing):
        draft.run = draft.run.evolve(landing=_before(found, name))
        return file.noted(of=found.landing.run_id, because="its content was landed before")
    after = histories.add(found, history, settings.data.aggregate)
    draft.run = draft.run.evolve(landing=found.facts)
    tell_replaced(after, request.run_id, context)
    return after


def foreseen(
    content: FileContent, sha256: str, rows: RowFile, settings: Settings, context: Context
) -> tuple[LandedFile | Standing, History]:
    """What landing a file that was read would add to the log, or the landing that has its content; and the history.

    Args: context: on stores that forget, because what the file brings is stored.
    Raises: DataError if it is not daily.
    """
    histories, today = Histories(context.state), context.now().date()
    history = histories.read()
    request = Land(run_id=context.ledger.name_run(context.now()), file=content.file, again=True)
    file = _File(request, content.file, "", Judge(histories, history, None, settings, today), context)
    return file.judged(content, sha256, rows), history


@dataclass(frozen=True, slots=True)
class _File:
    """A file that nobody has landed in this state. `version` is what the inbox says of its state."""

    request: Land
    name: str
    version: str
    judge: Judge
    context: Context

    def read(self) -> LandedFile | Standing | None:
        """The entry with which it lands; or the landing that has the same content already; None if it has no bytes.

        Raises: DataError if it cannot be read, or is not daily.
        """
        with tempfile.TemporaryDirectory() as folder, RowFile(Path(folder)) as rows:
            with _of_the_file(self.name):
                found = self._content(rows)
            return None if found is None else self.judged(*found, rows)

    def judged(self, content: FileContent, sha256: str, rows: RowFile) -> LandedFile | Standing:
        """The same for what was read. Raises: DataError if it is not daily."""
        history = self.judge.history
        same = _same_content(history, sha256, again=self.request.again)
        if same is not None:
            return same
        asked = self.judge.settings.data.overlap
        joins = self.request.joins or joins_by(history, has_ids=content.has_ids, asked=asked)
        self.judge.histories.keep(self.request.run_id, content.totals, rows)
        entry = self._entry(content, sha256, joins or Joins.RESTATE)
        return self.judge.judged(entry, content, must_say_overlap=joins is None)

    def noted(self, because: str, of: str = "") -> History:
        """The history after the note that it was looked at and brought nothing."""
        seen = Seen(
            run_id=self.request.run_id,
            at=self.context.now(),
            source=self.request.file,
            version=self.version,
            file=self.name,
            of=of,
            because=because,
        )
        return self.judge.histories.add(seen, self.judge.history, self.judge.settings.data.aggregate)

    @property
    def _data(self) -> DataSettings:
        """The settings with which it is read."""
        asked = self.request.read_with
        return self.judge.settings.data if asked is None else DataSettings().with_assignments(asked)

    def _content(self, rows: RowFile) -> tuple[FileContent, str] | None:
        """What it brings, and the sha256 of its bytes; None if it has none."""
        arrow()
        with self.context.inbox.open(self.request.file) as stream:
            source = HashingReader(stream)
            # In front of the digest: a reader that takes a few bytes at a time costs no call for each.
            front = io.BufferedReader(source, FRONT_BYTES)
            if not front.peek(1):
                return None
            content = read_landed(front, self.name, self._data.reading, self.judge.today, rows.begin_anew)
            sha256 = source.sha256()
        return content, sha256

    def _entry(self, content: FileContent, sha256: str, joins: Joins) -> LandedFile:
        first_day, last_day = span_of(content.totals)
        return LandedFile(
            run_id=self.request.run_id,
            at=self.context.now(),
            file=content.file,
            source=self.request.file,
            version=self.version,
            sha256=sha256,
            first_day=first_day,
            last_day=last_day,
            has_ids=content.has_ids,
            is_daily=content.is_daily,
            joins=joins,
            read_with=self._data.reading_assignments,
            facts=Landed.of(content, self.judge.settings.data.aggregate),
        )


def ask_for_released(days: CountedDays, lineage: Lineage | None, settings: Settings, context: Context) -> None:
    """Ask to accept what was held for a gap alone, where the days between have landed since."""
    if not days.head.held_files:
        return
    histories = Histories(context.state)
    judge = Judge(histories, histories.read(), lineage, settings, context.now().date())
    released = judge.released()
    if not released:
        return
    asked = {request.of for request in context.ledger.requests() if isinstance(request, Accept)}
    for landing in released:
        if landing.run_id not in asked:
            ask(partial(_release, landing.run_id), context)


def _release(of: str, run_id: str) -> Accept:
    return Accept(run_id=run_id, of=of, note="the days of the gap have landed since")


def tell_its_run(of: str, days: Collection[date], how: str, by: str, context: Context) -> None:
    """Note in the run that landed these days that they are held no more; without a record, the log decides."""
    with skipping():
        run = context.ledger.recorded(of)
        if run is not None and set(run.held_days) & set(days):
            context.ledger.record(run.settled(days, how, by))


def tell_replaced(history: History, by: str, context: Context) -> None:
    """Note in the runs whose files the landing of run `by` has replaced that nobody has to decide on them now."""
    for each in history.standings:
        if each.ended == "replaced" and each.ended_by == by and each.landing.held:
            tell_its_run(each.landing.run_id, each.landing.held, "replaced", by, context)


@contextmanager
def _of_the_file(name: str) -> Iterator[None]:
    """Name the file that the inbox refuses. Raises: ServiceError for it."""
    try:
        yield
    except ServiceUnavailable:
        raise
    except ServiceError as error:
        raise ServiceError(f"{name} cannot be read: {error}; the next trigger tries again") from error


def _before(landed: Standing, name: str) -> LandedBefore:
    return LandedBefore(file=name, taken_in_by=landed.landing.run_id, held=landed.is_held)


def _same_content(history: History, sha256: str, *, again: bool) -> Standing | None:
    """A landing of the same bytes that nothing has replaced, and that is not to be judged anew."""
    for each in reversed(history.standings):
        if each.landing.sha256 != sha256 or each.ended == "replaced":
            continue
        if not again or each.is_in_force:  # a person may have what was retracted, dropped or held judged anew
            return each
    return None
