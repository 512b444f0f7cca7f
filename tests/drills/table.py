"""What the drills did, in which place, how many times, and what was lost: docs/reliability.md.

    python -m tests.drills.table FILE

reads what the drills told while DRILLS=FILE was set, prints the page, and fails unless every drill ran in every
place where it belongs, nothing was lost, and the page in docs/ has the same lines. WRITE_TABLES=1 writes it first.
How often something was done is not compared: a sweep over the calls of a store is longer by one with each new call.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections import defaultdict
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
STORES = frozenset({"folder", "Azurite"})
LAWS = {
    "duplicates": "However often and from wherever an event comes: one retrain, one version, one service.",
    "concurrency": "One retrain at a time, no request dropped, the last data in the last decision.",
    "crash": "Killed anywhere, a plain rerun ends where an undisturbed run does; each end is told under one id.",
    "storage faults": "Whatever a store does, the champion never moves wrongly, and the run says what failed.",
    "services": "A champion that does not answer is repaired by the next trigger; no key goes to another process.",
    "bad files": "Accepted right, or set aside with the reason; no traceback, no hang, the history untouched.",
    "hostile requests": "4xx and nothing done: no store touched, no model asked; what is shown is escaped.",
    "queue": "One object that is damaged, refused or foreign concerns one run; the next request has its turn.",
    "upgrade": "Old and new code on one store: nothing is set aside for a field or a value that is not known.",
    "restore": "After a backup has been brought back, the next trigger takes in all that the inbox has.",
    "secrets": "In no log, record, report, exception or list of processes.",
    "clock": "Runs stay in their order, and who was champion when stays right.",
    "soak": "Memory, time, handles and the cost of a look at the ledger stay as they were.",
}
PLACES = dict.fromkeys(LAWS, STORES) | {
    "bad files": STORES | {"reader"},
    "hostile requests": frozenset({"Function App", "service", "page"}),  # no store is reached
}
ROW = re.compile(r"\| (?P<done>.*) \| (?P<place>.*) \| [\d,]+ \| (?P<lost>\d+) \|")
NUMBER = re.compile(r"\d[\d,]*")
FUZZED = "inputs of a fuzzer that follows the reader's branches"


@dataclass(frozen=True, slots=True)
class Row:
    """One drill in one place. `lost` counts whatever went missing, was done twice, or broke the drill's law."""

    drill: str
    place: str
    done: str
    times: int
    lost: int


def tell(drill: str, place: str, done: str, times: int, lost: int = 0) -> None:
    """Note what a drill came to, for whoever asked for it."""
    told = os.environ.get("DRILLS")
    if told:
        with Path(told).open("a") as file:
            file.write(json.dumps(asdict(Row(drill, place, done, times, lost))) + "\n")


def page(rows: list[Row]) -> str:
    """The tables; what was done in several tests is one line."""
    sums: dict[tuple[str, str, str], tuple[int, int]] = defaultdict(lambda: (0, 0))
    for row in rows:
        key = row.drill, row.done, row.place
        sums[key] = sums[key][0] + row.times, sums[key][1] + row.lost
    lines = [
        "# Reliability",
        "",
        "Written by `make drills WRITE_TABLES=1`. Each line was done in that run, so many times; lost is whatever",
        "went missing, was done twice, or broke the law above the lines. `make drills` fails if a line is",
        "missing or new, or something is lost. What the drills on the services of Azure came to is [a table of",
        "its own](azure-drills.md).",
    ]
    for drill, law in LAWS.items():
        told = sorted((done, place, *counts) for (of, done, place), counts in sums.items() if of == drill)
        lines += ["", f"## {drill.capitalize()}", "", law, ""]
        lines += ["| what was done | where | times | lost |", "|---|---|---|---|"]
        lines += [f"| {done} | {place} | {times:,} | {lost} |" for done, place, times, lost in told]
    return "\n".join([*lines, ""])


def wrong(rows: list[Row], found: str) -> list[str]:
    """Why the drills or their page do not hold."""
    ran = {drill: {row.place for row in rows if row.drill == drill} for drill in LAWS}
    missing = [f"{drill}: not run on {place}" for drill in LAWS for place in sorted(PLACES[drill] - ran[drill])]
    lost = [f"lost: {row}" for row in rows if row.lost]
    there = PAGE.read_text() if PAGE.exists() else ""
    if not any(row.done == FUZZED for row in rows) and find_spec("atheris") is None:  # it is made for Linux alone
        there = "".join(line for line in there.splitlines(keepends=True) if FUZZED not in line)
    if _lines(there) != _lines(found):
        return [*missing, *lost, f"{PAGE.name} says something else; run `make drills WRITE_TABLES=1`"]
    return missing + lost


def _lines(page_text: str) -> list[str]:
    """The page without how often each line was done, and without the numbers in its name."""
    return [_line(line) for line in page_text.splitlines()]


def _line(line: str) -> str:
    row = ROW.fullmatch(line)
    return line if row is None else f"| {NUMBER.sub('N', row['done'])} | {row['place']} | {row['lost']} |"


def main() -> int:
    """1 if something is wrong."""
    rows = [Row(**json.loads(line)) for line in Path(sys.argv[1]).read_text().splitlines()]
    found = page(rows)
    if os.environ.get("WRITE_TABLES"):
        PAGE.write_text(found)
    sys.stdout.write(found)
    for complaint in (complaints := wrong(rows, found)):
        sys.stderr.write(f"{complaint}\n")
    return int(bool(complaints))


if __name__ == "__main__":
    sys.exit(main())
