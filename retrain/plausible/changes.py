"""Doubts about what was there before: days restated, days that a champion was trained on, days that are lost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from retrain.data.findings import Doubt, Finding
from retrain.plausible.judged import dates
from retrain.plausible.robust import middle, sizes, times

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrain.data.landed import FileContent
    from retrain.plausible.judged import Judged, Known

    type Vector = NDArray[np.float64]

FEWEST_RESTATED, MOST = 10, 0.5  # days; share of those that were there before
BY_MUCH = math.log(1.25)
FEWEST_TRAINED, TRAINED_SHARE = 10, 0.05
FEW_LOST, LOST_SHARE = 2, 0.02


def restated(judged: Judged, known: Known) -> Finding | None:
    """Most of the days that were there before have another amount by much, or many of those trained on.

    A correction restates few days, and late rows change many by little.
    """
    change = _changes(judged)
    overlap = judged.in_file & ~np.isnan(judged.before) & ~judged.is_added
    much = overlap & (change > BY_MUCH)
    count, shared = int(much.sum()), int(overlap.sum())
    if count >= FEWEST_RESTATED and count > MOST * shared:
        ratio = middle((sizes(judged.amounts) - sizes(judged.before))[much])
        by = "" if math.isnan(ratio) else f", the median day by {times(ratio)} what it was"
        return Finding(
            Doubt.RESTATED,
            (),
            f"{count:,} of the {shared:,} days that were there before get another amount{by}",
            "a correction of few days, or small changes; look at the unit and the columns",
        )
    return _trained_on(judged, known, much)


def _trained_on(judged: Judged, known: Known, much: NDArray[np.bool_]) -> Finding | None:
    if known.trained_from is None or known.trained_through is None:
        return None
    is_trained = (judged.days >= known.trained_from.toordinal()) & (
        judged.days <= known.trained_through.toordinal()
    )
    trained, count = int((is_trained & ~np.isnan(judged.before)).sum()), int((much & is_trained).sum())
    if count < FEWEST_TRAINED or count <= TRAINED_SHARE * trained:
        return None
    days, most = dates(judged.days[much & is_trained]), max(FEWEST_TRAINED, int(TRAINED_SHARE * trained))
    return Finding(
        Doubt.TRAINED_ON,
        (),
        f"{count:,} of the {trained:,} days that the champion was trained on get another amount by more than 25 %, "
        f"from {days[0]} to {days[-1]}",
        f"at most {most} of them; if it is a correction, accept it, and the champion is compared again",
    )


def _changes(judged: Judged) -> Vector:
    """By how much each changed day differs, as a logarithm of a ratio; infinite to or from zero, 0 if unchanged."""
    ratio = np.abs(sizes(judged.amounts) - sizes(judged.before))
    turned = np.sign(judged.amounts) != np.sign(judged.before)
    return np.where(judged.is_changed, np.where(turned, np.inf, np.nan_to_num(ratio)), 0.0)


def lost(landed: FileContent, known: Known) -> Finding | None:
    """Days that a file of this name brought before and does not any more, so that the history would lose them."""
    gone = sorted(known.replaced.keys() - landed.totals.keys() - known.totals.keys())
    if not gone:
        return None
    earliest = [day for day in gone if day < min(landed.totals)]
    goes_on = any(day > max(known.replaced) for day in landed.totals)
    moves_on = len(earliest) == len(gone) and goes_on
    if not moves_on and len(gone) <= max(FEW_LOST, LOST_SHARE * len(known.replaced)):
        return None
    hint = "; the file seems to hold the latest days only" if moves_on else ""
    return Finding(
        Doubt.RESTATED,
        (),
        f"{len(gone):,} of the {len(known.replaced):,} days that {landed.file} brought before are not in it, "
        f"from {gone[0]} to {gone[-1]}{hint}",
        "all of them, since a file replaces what its name brought; land it under another name to keep them",
    )
