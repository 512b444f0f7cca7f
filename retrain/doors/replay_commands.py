"""The command that replays runs."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from retrain.doors.asking import connected
from retrain.doors.output import EXIT_CODES, say, show_progress
from retrain.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from retrain.runs.replay import Replayed


def replay(options: argparse.Namespace) -> int:
    """Replay one run, or all. Returns: 3 if any of them differs or cannot be replayed."""
    if bool(options.run_id) == options.all:
        raise UsageError("name a run, or add --all for every run that has reached a verdict")
    from retrain.records.history import Histories
    from retrain.runs.replay import Outcome
    from retrain.runs.replay import replay as replay_run

    settings, context = connected(options)
    ledger, histories = context.ledger, Histories(context.state)
    ledger.pointer()  # a store that cannot be read is refused before its runs are
    failed = found_any = False
    for run in reversed(ledger.runs(sys.maxsize)) if options.all else [ledger.run(options.run_id)]:
        found = replay_run(run, histories, settings, context)
        if options.all and found.outcome == Outcome.NOTHING:
            continue
        found_any = True
        show_progress("", "")
        if options.json:
            print(json.dumps(found.as_json()), flush=True)
        else:
            say(*_lines(found))
        failed |= found.outcome in (Outcome.DIFFERENT, Outcome.IMPOSSIBLE)
    if not found_any and not options.json:
        say("no run on record has reached a verdict, so there is nothing to replay")
    return EXIT_CODES["data"] if failed else 0


def _lines(found: Replayed) -> list[str]:
    line = f"{found.run_id}  {found.verdict or '-':<9}  {found.outcome:<10}  {found.why}".rstrip()
    differs = found.difference
    if differs is None:
        return [line]
    return [line, f"{'':24}  {differs.field}: on record {differs.recorded}, replayed {differs.replayed}"]
