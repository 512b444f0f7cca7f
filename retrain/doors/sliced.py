"""The scores by slice as a person reads them: one line, or a table with a line a slice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrain.gate.slices import BY_HORIZON

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrain.records.measured import SliceRecord, SliceScores
    from retrain.records.run import Run

HEADS = (
    "days",
    "RMSE champion",
    "challenger",
    "seasonal naive",
    "bias champion",
    "challenger",
    "in 95 % champion",
    "challenger",
)


def slices_line(run: Run) -> list[str]:
    """Where the challenger is better, where most and where least; nothing where nothing was compared."""
    found = run.slices or ()
    other = "champion" if any(each.champion for each in found) else "seasonal naive"
    known = [(gain, named(each)) for each in found if (gain := _gain(each)) is not None]
    if not known:
        return []
    better = sum(gain > 0 for gain, _ in known)
    (least, where_least), (most, where_most) = min(known), max(known)
    return [
        f"slices     the challenger's RMSE is lower than the {other}'s in {better} of {len(known)}: {where_most} "
        f"{-most:+.0%}, {where_least} {-least:+.0%}; `retrain show {run.run_id} --slices` lists them"
    ]


def named(each: SliceRecord) -> str:
    """For example `Monday`, `month end` or `3 days ahead`."""
    if each.by != BY_HORIZON:
        return each.name
    return f"{each.name} {'day' if each.name == '1' else 'days'} ahead"


def _gain(each: SliceRecord) -> float | None:
    """The relative decrease of the RMSE; None if there is none to decrease."""
    other = each.champion or each.seasonal_naive
    return 1 - each.challenger.rmse / other.rmse if other.rmse else None


def slices_table(run: Run) -> Iterator[str]:
    """A line a slice, under what the days are divided by."""
    widths = [6, *(max(len(head) + 2, 12) for head in HEADS[1:])]
    by = ""
    for each in run.slices or ():
        if each.by != by:
            by = each.by
            yield f"{by:<16}" + "".join(f"{head:>{width}}" for head, width in zip(HEADS, widths, strict=True))
        yield f"  {each.name:<14}" + "".join(
            f"{cell:>{width}}" for cell, width in zip(cells(each), widths, strict=True)
        )


def cells(each: SliceRecord) -> list[str]:
    """One text for each of HEADS; `-` where there is no champion, or no interval."""
    champion, challenger, naive = each.champion, each.challenger, each.seasonal_naive
    return [
        f"{each.days:,}",
        *(_number(scores, "rmse") for scores in (champion, challenger, naive)),
        *(_number(scores, "bias") for scores in (champion, challenger)),
        *(_share(scores) for scores in (champion, challenger)),
    ]


def _number(scores: SliceScores | None, name: str) -> str:
    return "-" if scores is None else f"{getattr(scores, name):.1f}"


def _share(scores: SliceScores | None) -> str:
    return "-" if scores is None or scores.coverage_95 is None else f"{scores.coverage_95:.1%}"
