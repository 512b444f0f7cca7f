"""Removes what nothing needs any more: by hand, and by the timer at most once a day.

What was found is written down first. It is removed by a later sweep, a day after it was first found at the
earliest, while the lock is held: nobody else is writing it then. Killed at any point, the next sweep finishes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from retrain.errors import AccessDenied, Bug, LockHeld, RetrainError, ServiceUnavailable
from retrain.promotion.resume import LOCK
from retrain.records.known import knowing
from retrain.records.leftovers import Kind, LastSweep, Leftover, keep_sweep, last_sweep
from retrain.runs.dispatch import work_off
from retrain.runs.leftovers import Found, leftovers
from retrain.runs.removal import remove

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrain.records.context import Context
    from retrain.settings import Settings

UNTOUCHED = timedelta(days=1)
"""For so long is a leftover known before it is removed."""
MOST_AT_ONCE = 100  # while the lock is held; the next sweep goes on


@dataclass(frozen=True, slots=True)
class Handled:
    """A leftover, and what was done about it.

    Attributes:
        since: since when it is known to be one.
        is_removed: whether it is gone.
        trouble: why it could not be removed; empty if nobody has failed to.
    """

    leftover: Leftover
    since: datetime
    is_removed: bool = False
    trouble: str = ""

    @property
    def due(self) -> datetime:
        """From when on a sweep removes it."""
        return self.since + UNTOUCHED

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        left = self.leftover
        facts = {"kind": str(left.kind), "name": left.name, "why": left.why, "bytes": left.size}
        times = {"since": self.since.isoformat(), "due": self.due.isoformat()}
        return {**facts, **times, "removed": self.is_removed, "trouble": self.trouble}


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep has found and done.

    Attributes:
        trouble: what could not be looked at, and why; what could not be removed says so itself.
    """

    handled: tuple[Handled, ...] = ()
    trouble: tuple[str, ...] = ()

    @property
    def removed(self) -> list[str]:
        """The keys of what is gone."""
        return [each.leftover.key for each in self.handled if each.is_removed]

    @property
    def troubles(self) -> tuple[str, ...]:
        """Everything that failed."""
        failed = (f"{each.leftover.key}: {each.trouble}" for each in self.handled if each.trouble)
        return (*self.trouble, *failed)


def look(settings: Settings, context: Context) -> Swept:
    """What a sweep would find now; nothing is written. Raises: as `leftovers`."""
    now = context.now()
    before = last_sweep(context.state) or LastSweep(at=now)
    found = leftovers(settings, context)
    return Swept(tuple(Handled(each, before.knows(each, now)) for each in found.leftovers), _unseen(found))


def sweep(settings: Settings, context: Context) -> Swept:
    """Remove what is due. The lock is to be held.

    Raises: RetrainError if what is needed is not known, or what was found cannot be written down; nothing has been
        removed then. What fails later is told in the result, and tried again by the next sweep.
    """
    now, context = context.now(), knowing(context)
    before = last_sweep(context.state) or LastSweep(at=now)
    found = leftovers(settings, context)
    handled = [Handled(each, before.knows(each, now)) for each in found.leftovers]
    kept = {key: since for key, since in before.since.items() if Kind(key.partition(" ")[0]) in found.unseen}
    since = {**kept, **{each.leftover.key: each.since for each in handled}}
    noted = LastSweep(at=now, since=since, trouble=_unseen(found))
    keep_sweep(noted, context.state)
    swept = Swept(tuple(_removed_in_turn(handled, now, context)), noted.trouble)
    if swept.removed or swept.troubles != noted.trouble:
        left = {key: time for key, time in since.items() if key not in swept.removed}
        done = {"since": left, "removed": tuple(swept.removed), "trouble": swept.troubles}
        keep_sweep(noted.evolve(**done), context.state)
    return swept


def sweep_daily(settings: Settings, context: Context) -> Swept:
    """What the timer does after its work, on the first tick of a day.

    Whatever fails is in the result: a tick that has done its work has not failed. What was asked for while the lock
    was held is made.
    """
    try:
        last = last_sweep(context.state)
        if last is not None and last.at.date() == context.now().date():
            return Swept()
        asked = set(context.ledger.asked())
        with context.state.lock(LOCK):
            swept = sweep(settings, context)
        if not asked.issuperset(context.ledger.asked()):
            work_off(settings, context)
    except LockHeld:  # whoever has it is at work, and the next tick is not far
        return Swept()
    except RetrainError as error:
        return Swept(trouble=(str(error),))
    except Exception as error:  # noqa: BLE001 - a bug in tidying up is no reason to call the tick a failure
        return Swept(trouble=(str(Bug(error)),))
    return swept


def _unseen(found: Found) -> tuple[str, ...]:
    return tuple(f"{kind}: {why}" for kind, why in found.unseen.items())


def _removed_in_turn(found: list[Handled], now: datetime, context: Context) -> Iterator[Handled]:
    """Remove what is due, `MOST_AT_ONCE` at most; of a kind that is refused or away, nothing more is tried."""
    room, given_up = MOST_AT_ONCE, set[Kind]()
    for each in found:
        kind = each.leftover.kind
        if now < each.due or not room or kind in given_up:
            yield each
            continue
        try:
            remove(each.leftover, context)
        except (AccessDenied, ServiceUnavailable) as error:
            given_up.add(kind)
            yield replace(each, trouble=str(error))
        except RetrainError as error:
            yield replace(each, trouble=str(error))
        except Exception as error:  # noqa: BLE001 - a bug in removing one thing must not leave the others for ever
            yield replace(each, trouble=str(Bug(error)))
        else:
            room -= 1
            yield replace(each, is_removed=True)
