"""The page docs/azure-drills.md: a row for each drill in the order of the lists, whatever order they ran in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.azure.drills import MISHAPS, PASSING, PLACES, STATUSES

if TYPE_CHECKING:
    from collections.abc import Mapping

STALE = "the champion pointer's ETag is stale"
NEVER_STARTS = "the job never starts"
CANCELLED = "the job is cancelled"
NODE_LOST = "the job's node is lost"
NOT_RELEASED = "what jobs are made of was not released"
ANSWER_LOST = "the answer to the job's submission is lost"
OTHERS = (STALE, NEVER_STARTS, CANCELLED, NODE_LOST, NOT_RELEASED, ANSWER_LOST)
"""The mishaps that have a test of their own, in the order of the table."""


def mishap_names() -> list[str]:
    """All mishaps in the order of the table."""
    return [*(mishap.what for mishap in MISHAPS), *OTHERS]


def page(refusals: Mapping[str, Mapping[int, str]], mishaps: Mapping[str, str]) -> str:
    """The page.

    Args:
        refusals: what came of each call by its name and by the status that it was refused with.
        mishaps: what each mishap's run said, by the mishap's name.
    """
    heads = [str(status) for status in STATUSES]
    once = ", ".join(map(str, PASSING))
    return "\n".join(
        [
            "# Drills on Azure",
            "",
            "Written by `make drills WRITE_TABLES=1`; `make drills` compares. Each drill begins with version 1 in",
            "production and lands a year whose model is better. Where it fails, version 1 went on answering, the",
            "run said why, nothing else was left running, and once the fault was gone the next run promoted",
            "version 2.",
            "",
            "## Each call of a promotion, refused for as long as it lasts",
            "",
            f"| call | {' | '.join(heads)} |",
            f"|---|{'---|' * len(heads)}",
            *(
                f"| {place.call} | {' | '.join(refusals[place.call][status] for status in STATUSES)} |"
                for place in PLACES
            ),
            "",
            f"Refused once with {once} and a time to come again, at every call of one promotion: promoted.",
            "",
            "## What else can happen",
            "",
            "| what | the run says |",
            "|---|---|",
            *(f"| {what} | {mishaps[what]} |" for what in mishap_names()),
            "",
        ]
    )
