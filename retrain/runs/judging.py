"""Judges a file that was read: which of its days are held, beside the history and the days of the champion."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from retrain.data.findings import Doubt, Finding
from retrain.data.landed import FileContent
from retrain.data.totals import Joins
from retrain.errors import ConfigError, DataError
from retrain.plausible.findings import Known, findings
from retrain.records.base import skipping
from retrain.records.change import changes
from retrain.records.landing import Doubted
from retrain.records.landing_log import latest_of

if TYPE_CHECKING:
    from datetime import date

    from retrain.records.history import Histories, History
    from retrain.records.landing_log import LandedFile
    from retrain.records.registry import Lineage
    from retrain.settings import Settings


@dataclass(frozen=True, slots=True)
class Judge:
    """What a file is judged beside.

    Attributes:
        history: as it is before the file lands.
        lineage: what the champion was trained on; None without one.
    """

    histories: Histories
    history: History
    lineage: Lineage | None
    settings: Settings
    today: date

    def judged(self, entry: LandedFile, content: FileContent, *, must_say_overlap: bool) -> LandedFile:
        """The entry with the days that are held, and what it changes. What the file brought is stored before.

        Args: must_say_overlap: hold it if it shares days with others, until a setting says what they are.
        Raises: DataError if the file is not daily.
        """
        known = self._known(entry, content)
        found = findings(content, known, self.today)
        if must_say_overlap and (shared := known.totals.keys() & content.totals.keys()):
            found = (_shared_days(len(shared), known, content), *found)
        found = (*self._waiting_elsewhere(entry, content), *found)
        cadence = next((each for each in found if each.doubt is Doubt.CADENCE), None)
        if cadence is not None:
            raise DataError(file=content.file, found=cadence.found, expected=cadence.expected)
        held = _held(found, content)
        entry = entry.evolve(held=held)
        change = changes(self.history, self.histories.preview(entry, self.history), content.totals.keys())
        replaced = latest_of(self.history.standings, entry.file)
        facts = entry.facts.evolve(
            new_days=len(change.new_days),
            equal_days=change.equal_days,
            changed_days=change.changed_days,
            replaces=replaced.landing.run_id if replaced and len(held) < entry.facts.days else None,
            findings=tuple(Doubted(**asdict(each)) for each in found),
            held_days=held,
        )
        return entry.evolve(facts=facts)

    def _waiting_elsewhere(self, entry: LandedFile, content: FileContent) -> list[Finding]:
        """Days of which another file's rows are held: without them, these are a part of the day.

        Where files have one row a day, each says the whole day.
        """
        if self.history.is_daily in (True, None) and content.is_daily and not content.has_ids:
            return []
        waiting = {
            day: each.landing
            for each in self.history.standings
            if not each.ended and each.landing.file != entry.file
            for day in each.held
        }
        days = tuple(day for day in content.totals if day in waiting and day not in self.history.totals)
        if not days:
            return []
        other = waiting[days[0]]
        found = f"other rows of {days[0]} are held, from {other.file} by run {other.run_id}"
        return [Finding(Doubt.OVERLAP, days, found, "whole days; accept or drop those first, then these")]

    def released(self) -> list[LandedFile]:
        """The landings that were held for a gap alone, and of which nothing is implausible any more."""
        held = [each.landing for each in self.history.standings if each.is_held]
        released: list[LandedFile] = []
        for landing in filter(_is_held_for_a_gap, held):
            with skipping():  # one that cannot be read stays held
                released += [landing] if self._is_plausible(landing) else []
        return released

    def _is_plausible(self, landing: LandedFile) -> bool:
        totals = self.histories.brought(landing)
        content = FileContent(landing.file, totals, landing.facts.rows, 0, landing.has_ids)
        return not findings(content, self._known(landing, content), self.today)

    def _known(self, entry: LandedFile, content: FileContent) -> Known:
        """What there is beside the landing."""
        history, histories = self.history, self.histories
        replaced = latest_of(history.standings, entry.file)
        others = histories.without(replaced, history) if replaced else history
        merged = None
        if entry.joins in (Joins.BY_ID, Joins.ADD):
            after = histories.preview(entry, history).totals
            merged = {day: after[day] for day in content.totals if day in others.totals}
        return Known(
            totals=others.totals,
            replaced=histories.counted(replaced) if replaced else {},
            aggregate=self.settings.data.aggregate,
            is_daily=history.is_daily,
            trained_from=self.lineage.trained_from if self.lineage else None,
            trained_through=self.lineage.trained_through if self.lineage else None,
            gaps=self.settings.data.gaps,
            merged=merged,
            country=self.settings.decision.country,
        )


def overlap_error(landing: LandedFile) -> ConfigError:
    """The error for days that are there already, where a person has to say what they are."""
    return ConfigError(
        f"{landing.file} has days that are there already: accept it with RETRAIN_OVERLAP=add if they are other "
        "transactions, or with RETRAIN_OVERLAP=restate if they replace those"
    )


def _is_held_for_a_gap(landing: LandedFile) -> bool:
    return {found.doubt for found in landing.facts.findings} == {Doubt.GAP}


def _shared_days(count: int, known: Known, content: FileContent) -> Finding:
    day = next(day for day in content.totals if day in known.totals)
    there, here = known.totals[day], content.totals[day]
    return Finding(
        Doubt.OVERLAP,
        (),
        f"{count} of its {len(content.totals)} days are there already, and it has no transaction ids: on {day}, "
        f"{there.rows} rows of {there.amount:,.2f} together, and in this file {here.rows} of {here.amount:,.2f}",
        "RETRAIN_OVERLAP=add if they are other transactions, or RETRAIN_OVERLAP=restate if they replace those",
    )


def _held(found: tuple[Finding, ...], content: FileContent) -> tuple[date, ...]:
    if any(not each.days for each in found):
        return tuple(content.totals)
    return tuple(sorted({day for each in found for day in each.days if day in content.totals}))
