"""The commands with which a person approves or rejects a winner that waits."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Any

from retrain.doors.asking import connected, finished
from retrain.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

NOBODY = "a user without a name"
LONGEST_REASON = 500  # characters, as over HTTP


def add_approval_commands(command: Callable[..., Any], run: Callable[[str], str]) -> None:
    """Add both to the command line. Args: run: what reads the name of a run."""
    yes = command("approve", approve, "let the winner of a run that awaits approval be promoted")
    yes.add_argument("run_id", type=run, metavar="RUN")
    yes.add_argument("--note", help="why; kept with the run")
    no = command("reject", reject, "leave the champion as it is, and the winner of a run unpromoted")
    no.add_argument("run_id", type=run, metavar="RUN")
    no.add_argument("--why", required=True, help="kept with the run")


def approve(options: argparse.Namespace) -> int:
    """Approve the winner of a run; its promotion follows in the same round of work."""
    from retrain.records.request import Approve

    return _answer(Approve, options.note, options)


def reject(options: argparse.Namespace) -> int:
    """Reject the winner of a run."""
    from retrain.records.request import Reject

    if not options.why.strip():
        raise UsageError("--why is empty; say why the winner is not to be promoted")
    return _answer(Reject, options.why, options)


def _answer(kind: Any, note: str | None, options: argparse.Namespace) -> int:
    from retrain.doors.output import complain, exit_code, tell
    from retrain.runs.approval import awaiting
    from retrain.runs.asking import ask

    if note is not None and len(note) > LONGEST_REASON:
        raise UsageError(f"the reason has {len(note)} characters; at most {LONGEST_REASON} are kept")
    settings, context = connected(options)
    asked = awaiting(options.run_id, None, context.ledger)[1]
    told = {"of": options.run_id, "decision": asked.decision, "by": signed_in(), "note": note}
    request = ask(lambda run_id: kind(run_id=run_id, **told), context)
    code = finished(request, options, settings, context)
    if code or options.json:
        return code
    answered = context.ledger.run(options.run_id)
    if answered.error is not None:
        complain(answered.error.message)
        return exit_code(answered.error.kind)
    return tell(answered, as_json=False)


def signed_in() -> str:
    """The user of this machine who runs the command."""
    try:
        return getpass.getuser()
    except OSError:
        return NOBODY
