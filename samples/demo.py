"""Land the files of a folder, oldest first, in a store of their own, then show the champion and its forecast."""

from __future__ import annotations

import io
import os
import re
import shutil
import sys
import textwrap
import time
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from retrain.doors.cli import main
from retrain.doors.output import complain, exit_code
from retrain.errors import DataError, RetrainError
from retrain.reading.transactions import read_landed
from retrain.settings import parse
from retrain.wiring import connect

if TYPE_CHECKING:
    from retrain.settings import Settings

ROOT = Path(".demo")
LOCAL = {"RETRAIN_STORE": "folder", "RETRAIN_ROOT": str(ROOT), "RETRAIN_PLATFORM": "local"}
INDENT = " " * 11  # where the values of a report begin
WIDTH = 100  # of prose, and of everything where the width of the terminal is not known
INTERRUPTED = 130
ADVICE = {
    1: f"this is a bug: please report it, with {ROOT}/runs/RUN/traceback.txt if there is one",
    2: "correct what the message names",
    3: f"{ROOT}/quarantine holds each refused file with the reason; correct the file, and run make demo again",
    4: "correct the setting; `.venv/bin/retrain settings` lists all of them with their values",
    5: "a service or the disk did not answer; see the message, and run make demo again",
}


@dataclass(slots=True)
class Steps:
    """Announces each step, runs it, and remembers what failed."""

    total: int
    taken: int = 0
    failures: list[tuple[str, int]] = field(default_factory=list)

    def take(self, sentence: str, *words: str) -> None:
        """Say what is going to be done, run `retrain WORDS`, show what it prints, and how long it took."""
        self.taken += 1
        command = f"retrain {' '.join(words)} --root {ROOT}"
        say(f"\n[{self.taken}/{self.total}] {sentence}")
        print(f"$ {command}", flush=True)  # in one line, to be copied
        began, printed = time.perf_counter(), io.StringIO()
        with redirect_stdout(printed):  # progress goes to stderr at once
            code = main([*words, "--root", str(ROOT)])
        if printed.getvalue():
            say(printed.getvalue().rstrip("\n"), columns())
        say(f"{INDENT}({time.perf_counter() - began:.1f} s)")
        if code == INTERRUPTED:
            raise KeyboardInterrupt
        if code:
            self.failures.append((command, code))


def demo(folder: Path, *, keep: bool) -> int:
    """Start from nothing, and stop the services at the end unless they are to be kept.

    Returns: the exit code of the worst command.
    Raises: RetrainError if the folder or a setting cannot be used.
    """
    began = time.perf_counter()
    settings = parse(os.environ)
    files = by_days(folder, settings)
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder; name a folder of transactions: make demo DATA=folder")
    if not files:
        raise DataError(f"{folder} holds no files; name a folder of transactions: make demo DATA=folder")
    stop()
    shutil.rmtree(ROOT, ignore_errors=True)
    say(
        f"The files of {folder} ({len(files)}) land one after the other, as if each had just arrived. Each landing "
        "searches for an ARIMA model, compares it with the champion on the days that the champion has not seen, "
        f"and promotes it only if it is better. Everything is kept in {ROOT}; a process on this machine serves "
        "each model. With the sample files this takes 15 to 30 seconds."
    )
    try:
        steps = shown(files)
    except KeyboardInterrupt:
        keep = False
        raise
    finally:
        stopped = 0 if keep else stop()
    summarise(steps, len(files), time.perf_counter() - began)
    if keep:
        say(f"The services go on running, and `make stop` stops them. Then {ROOT} may be removed.")
    else:
        say(f"Services stopped: {stopped}. `KEEP=1 make demo` keeps them running. {ROOT} may be removed.")
    return max((code for _, code in steps.failures), default=0)


def shown(files: list[Path]) -> Steps:
    """Land every file, then ask for the champion, its services and its forecast."""
    steps = Steps(total=len(files) + 3)
    for file in files:
        steps.take(f"Land {file.name}. {expected(champion())}", "land", str(file))
    version = champion()
    if version:
        steps.take("Ask which versions were champion, and since when.", "champion")
        steps.take("List the services. The last two champions run, so a rollback is fast.", "services")
        steps.take(f"Ask the service of version {version} for the next seven days.", "forecast", "--days", "7")
    return steps


def expected(version: str | None) -> str:
    """What a landing is going to do."""
    if version is None:
        return "There is no champion yet, so the first model that can be fitted becomes champion."
    return (
        f"Version {version} is champion. A new model is fitted to the days that version {version} was fitted to, "
        "and both forecast the days after them; the new one is promoted only if there is enough evidence that its "
        "error is lower."
    )


def refused(steps: Steps) -> list[str]:
    """The landings that failed."""
    return [command for command, _ in steps.failures if " land " in f" {command} "]


def summarise(steps: Steps, files: int, seconds: float) -> None:
    """How it ended, and what to do next."""
    version = champion()
    state = f"version {version} is champion" if version else "there is no champion; the verdicts above say why"
    say(f"\nFiles landed: {files - len(refused(steps))} of {files}, in {seconds:.0f} s; {state}.")
    for command, code in steps.failures:
        say(f"FAILED     {command} ended with exit code {code}\nto do      {ADVICE.get(code, ADVICE[1])}")
    if steps.failures:
        return
    say("Next:")
    for command, text in (
        ("make demo DATA=folder", "land your own files: CSV, TSV or Parquet"),
        (f".venv/bin/retrain runs --root {ROOT}", "list the runs"),
        (".venv/bin/retrain settings", "list what can be set"),
        ("make test", "run every test"),
        ("docs/commands.md", "read about every command"),
    ):
        say(f"  {command:<38}{text}")


def by_days(folder: Path, settings: Settings) -> list[Path]:
    """The files of a folder by their first and last day; those that cannot be read come last."""

    def span(file: Path) -> tuple[date, date]:
        data, today = settings.data, datetime.now(UTC).date()
        try:
            with file.open("rb") as stream:
                days = read_landed(stream, file.name, data.reading, today).totals
        except (DataError, OSError):  # its landing will say why
            return date.max, date.max
        return min(days), max(days)

    return sorted((file for file in folder.glob("*") if file.is_file()), key=lambda file: (span(file), file.name))


def champion() -> str | None:
    """The version that is champion now."""
    present = connect(parse(LOCAL)).ledger.pointer().champion
    return present.version if present else None


def stop() -> int:
    """Stop the services that the demo has started, and give their number."""
    platform = connect(parse(LOCAL)).platform
    services = platform.services()
    for service in services:
        platform.remove(service.name)
    return len(services)


def say(text: str, width: int = WIDTH) -> None:
    """Print lines in the width of the terminal; a longer one goes on below its value."""
    print("\n".join(wrapped(line, min(width, columns())) for line in text.split("\n")), flush=True)


def columns() -> int:
    """The width of the terminal."""
    return shutil.get_terminal_size((WIDTH, 24)).columns


def wrapped(line: str, width: int) -> str:
    """A line in lines of this width. The numbers of a table stay in one line, and its last column goes below."""
    if len(line) <= width:
        return line
    if line.startswith(INDENT):
        numbers, _, order = line.rpartition("  (")
        return f"{numbers}\n{INDENT}  ({order}" if numbers else line
    under = INDENT if re.match(r"\w+( \w+)? {2}| {10}", line) else ""
    lines = textwrap.wrap(
        line,
        width,
        subsequent_indent=under,
        replace_whitespace=False,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines)


if __name__ == "__main__":
    os.environ |= LOCAL  # whatever this shell is set up for
    try:
        code = demo(Path(sys.argv[1]), keep=os.environ.get("KEEP") == "1")
    except RetrainError as error:
        complain(str(error))
        code = exit_code(error.kind)
    except KeyboardInterrupt:
        code = INTERRUPTED
    sys.exit(code)
