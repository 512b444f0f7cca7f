"""Land a folder's files, oldest first, in a store of their own, and show what the product says to each."""

from __future__ import annotations

import os
import shutil
import sys
from datetime import UTC, date, datetime
from pathlib import Path

from retrain.data.formats import Columns
from retrain.data.transactions import Aggregate, read_days
from retrain.doors.cli import main
from retrain.errors import DataError
from retrain.settings import parse
from retrain.wiring import connect

ROOT = Path(".demo")


def span(file: Path) -> tuple[date, date]:
    """First and last day of a file; a file that cannot be read comes last, and its landing will say why."""
    try:
        with file.open("rb") as stream:
            days = read_days(stream, file.name, Columns(), Aggregate.MEAN, datetime.now(UTC).date()).days
    except DataError:
        return date.max, date.max
    return min(days), max(days)


def demo(folder: Path) -> int:
    """Start from nothing; the exit code is that of the worst landing."""
    files = sorted((file for file in folder.iterdir() if file.is_file()), key=lambda file: (span(file), file.name))
    if not files:
        print(f"{folder} holds no files; name a folder of transactions: make demo DATA=folder", file=sys.stderr)
        return 2
    stop()
    shutil.rmtree(ROOT, ignore_errors=True)
    codes = []
    for file in files:
        print(f"$ retrain land {file} --root {ROOT}", flush=True)
        codes.append(main(["land", str(file), "--root", str(ROOT)]))
        ask("forecast", "--days", "1")
    codes += [ask(*words) for words in (["champion"], ["services"], ["forecast", "--days", "7"])]
    return max(codes)


def ask(*words: str) -> int:
    """Show a command and run it."""
    print(f"$ retrain {' '.join(words)} --root {ROOT}", flush=True)
    return main([*words, "--root", str(ROOT)])


def stop() -> None:
    """End the services that the demo has started."""
    platform = connect(parse({"RETRAIN_ROOT": str(ROOT)})).platform
    for service in platform.services():
        platform.remove(service.name)


if __name__ == "__main__":
    code = demo(Path(sys.argv[1]))
    if os.environ.get("KEEP") == "1":
        print(f"The services go on running; `retrain services --root {ROOT}` lists them, `make stop` ends them.")
    else:
        stop()
    sys.exit(code)
