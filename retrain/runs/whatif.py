"""Policies tried on a store's own past: the promotions, and the error that users would have had.

Nothing is written. The gate is the one of a run, on the days that had landed by then.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from retrain.errors import ConfigError, NotFound
from retrain.gate.decide import Verdict
from retrain.records.history import Histories
from retrain.runs.inputs import series_of
from retrain.runs.whatif_course import Chain, Kind
from retrain.runs.whatif_errors import errors_of
from retrain.runs.whatif_processes import followed
from retrain.runs.whatif_timeline import changes_of, looked, recorded_timeline, regular_timeline
from retrain.settings import under

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from retrain.gate.decide import PromotionPolicy
    from retrain.gate.scores import Loss
    from retrain.records.context import Context
    from retrain.records.run import Run
    from retrain.runs.whatif_course import Course
    from retrain.runs.whatif_errors import Errors
    from retrain.runs.whatif_timeline import Cadence, Timeline
    from retrain.settings import Settings

IN_FORCE, NEVER, ALWAYS = "in force", "never", "always"


@dataclass(frozen=True, slots=True)
class Tried:
    """One policy over the past; `policy` is None for `never` and `always`."""

    name: str
    policy: PromotionPolicy | None
    course: Course
    errors: Errors | None


@dataclass(frozen=True, slots=True)
class Differs:
    """A verdict on record, and the one that the policy in force gives at the same look."""

    run_id: str
    recorded: str
    given: str


@dataclass(frozen=True, slots=True)
class Record:
    """The policy in force beside the record.

    Attributes:
        looks: how many runs are compared.
        other_settings: the runs of them that were made under other settings.
        differs: where another verdict is given.
    """

    looks: int
    other_settings: tuple[str, ...]
    differs: tuple[Differs, ...]


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What was found.

    Attributes:
        looks: at how many moments each policy decided.
        loss: the metric that is compared.
        record: None for regular looks, and for another loss than that in force.
    """

    tried: tuple[Tried, ...]
    looks: int
    loss: Loss
    record: Record | None


def whatif(
    policies: Mapping[str, PromotionPolicy],
    settings: Settings,
    context: Context,
    cadence: Cadence | None = None,
    since: date | None = None,
    processes: int = 0,
) -> WhatIf:
    """Try policies on the past of a store.

    Args:
        policies: by name; the first is the one in force, and its loss is that of all.
        cadence: how often the store is looked at; None for the looks on record.
        since: the first day (UTC) of which looks are taken, with the champion that was there; None for all.
        processes: at most; 0 for as many as there are processors. No result depends on it.
    Raises: NotFound if nothing has landed, or nothing was looked at; ServiceError if a record is damaged.
    """
    pointer = context.ledger.pointer()  # a store that cannot be read is refused before its landings are
    histories = Histories(context.state)
    changes = changes_of(histories)
    if not changes:
        raise NotFound("nothing has landed yet; land a file of transactions first")
    runs = [] if cadence else looked(context)
    timeline = (
        regular_timeline(cadence, changes, since, pointer, context)
        if cadence
        else recorded_timeline(runs, changes, since, pointer, context)
    )
    if not timeline.looks:
        raise _no_looks(cadence, since)
    in_force = next(iter(policies.values()))
    chains = _chains(policies, in_force, settings)
    courses = followed(timeline, list(chains.values()), context.progress, processes)
    now = series_of(histories.days(), settings)
    scored = errors_of(courses, now, replace(settings.decision, policy=in_force))
    tried = (
        Tried(name, policies.get(name), course, errors)
        for name, course, errors in zip(chains, courses, scored, strict=True)
    )
    is_recorded = cadence is None and in_force == settings.decision.policy
    record = _record(runs, timeline, courses[0], since, settings) if is_recorded else None
    return WhatIf(tuple(tried), len(timeline.looks), in_force.loss, record)


def _no_looks(cadence: Cadence | None, since: date | None) -> NotFound:
    then = f" since {since}" if since else ""
    if cadence:
        return NotFound(f"there is no moment to look at{then}; choose an earlier day")
    return NotFound(f"no run on record has reached a verdict{then}; choose an earlier day, or add --cadence weekly")


def _chains(
    policies: Mapping[str, PromotionPolicy], in_force: PromotionPolicy, settings: Settings
) -> dict[str, Chain]:
    gaps = settings.data.gaps
    tried = {
        name: Chain(Kind.POLICY, replace(settings.decision, policy=policy), gaps)
        for name, policy in policies.items()
    }
    decision = replace(settings.decision, policy=in_force)
    ends = {NEVER: Chain(Kind.NEVER, decision, gaps), ALWAYS: Chain(Kind.ALWAYS, decision, gaps)}
    return {**tried, **ends}


def _record(
    runs: Sequence[Run], timeline: Timeline, course: Course, since: date | None, settings: Settings
) -> Record:
    """Where the policy in force gives other verdicts than those on record.

    Args: since: then what was decided before it is not known here, and `unchanged` is not compared.
    """
    looks = {look.name for look in timeline.looks}
    compared = [run for run in runs if run.run_id in looks and not (since and run.verdict is Verdict.UNCHANGED)]
    given = {each.look: each.verdict for each in course.given}
    differs = (
        Differs(run.run_id, str(run.verdict), given.get(run.run_id, "none"))
        for run in compared
        if given.get(run.run_id) != run.verdict
    )
    other = tuple(run.run_id for run in compared if not _is_under(settings, run))
    return Record(len(compared), other, tuple(differs))


def _is_under(settings: Settings, run: Run) -> bool:
    """Whether a run was made under the decision settings in force now."""
    try:
        its = under(settings, run.request.settings)
    except ConfigError:  # only other code knows them
        return False
    return (its.decision, its.data.gaps) == (settings.decision, settings.data.gaps)
