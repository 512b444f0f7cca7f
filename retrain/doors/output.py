"""What the command line prints: a run, an error, progress; and the exit code that goes with it."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrain.records.run import Run

EXIT_CODES = {
    "usage": 2,
    "not_found": 2,
    "data": 3,
    "model": 3,
    "configuration": 4,
    "quota": 4,
    "service": 5,
    "record": 5,
    "conflict": 5,
}


def exit_code(kind: str) -> int:
    """Who must act: 2 the caller, 3 the owner of data or model, 4 and 5 the operator; 1 for a bug."""
    return EXIT_CODES.get(kind, 1)


def tell(run: Run, *, as_json: bool) -> int:
    """Print a run. Returns: 3 if a person has to decide, on days that are held or on a winner; otherwise 0."""
    from retrain.doors.terminal import summary

    show_progress("", "")
    print(json.dumps(run.as_json()) if as_json else f"{summary(run)}\n")
    return EXIT_CODES["data"] if run.status in ("held", "awaiting approval") else 0


def tell_others(runs: Sequence[Run]) -> None:
    """Print a line for each run that ended on the way: what an earlier command or trigger had asked for."""
    from retrain.doors.terminal import ending

    for run in runs:
        show_progress("", "")
        say(f"earlier    run {run.run_id} ({run.trigger}) ended: {ending(run)}. {run.reason}")


def printable(text: str) -> str:
    """One line of text, without what would begin another, move the cursor or change colours: names may."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


def say(*lines: str) -> None:
    """Print lines for people."""
    print("\n".join(map(printable, lines)), flush=True)


def complain(message: str) -> None:
    """Print one sentence for people."""
    show_progress("", "")
    print(f"retrain: {printable(message)}", file=sys.stderr)


def refuse(error: dict[str, Any], *, as_json: bool) -> int:
    """Print an error: a sentence for people, and an object for machines that asked for JSON."""
    if as_json:
        print(json.dumps({"error": error}))
    complain(error["message"])
    return exit_code(error["kind"])


def show_progress(stage: str, detail: str) -> None:
    """Replace the line that says what is being done; nothing where nobody watches."""
    if sys.stderr.isatty():
        shown = printable(f"{stage}: {detail}" if detail else stage)
        print(f"\r\033[K{shown}", end="", file=sys.stderr, flush=True)
