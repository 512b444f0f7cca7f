"""Run every benchmark that the Makefile has and write the page with their figures.

    make bench-all
    make bench-all QUICK=1 PAGE=file
    make bench-all ONLY="bench bench-search" PAGE=file

A benchmark is a target of make whose name begins with `bench`; it takes JSON=file and QUICK=1. The page is written
after each benchmark, so what was measured stays if the run is stopped. One that fails is named at the end.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.page import Section, commit_of, page, this_machine
from benchmarks.result import Result

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
ALL = "bench-all"
NOT_RUN = "Not run: no figures."


def targets(makefile: Path) -> list[str]:
    """Every target whose name begins with `bench`, in the order of the Makefile, but the one that runs all."""
    return [name for name in re.findall(r"^(bench[\w-]*):", makefile.read_text(), re.MULTILINE) if name != ALL]


def run(root: Path, target: str, *, quick: bool) -> Section:
    """Run one benchmark by make; its own output goes to the terminal."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "figures.json"
        command = ["make", "--no-print-directory", target, f"JSON={file}", *(["QUICK=1"] if quick else [])]
        code = subprocess.run(command, cwd=root, check=False).returncode  # noqa: S603
        result = Result.from_json(file.read_text()) if file.exists() else None
    if code:
        return Section(target, result, f"Failed: make {target} ended with {code}.")
    return Section(target, result, "" if result else f"Failed: make {target} wrote no figures to JSON=file.")


def run_all(root: Path, file: Path, only: list[str], *, quick: bool) -> list[str]:
    """Run the benchmarks of the Makefile in `root`, all or some, and write the page; those that failed."""
    names = targets(root / "Makefile")
    wanted = only or names
    machine, commit, day = this_machine(), commit_of(root), datetime.now(UTC).date()
    sections = {name: Section(name, None, NOT_RUN) for name in names}
    failed = []
    for number, name in enumerate(wanted, 1):
        print(f"{number} of {len(wanted)}: make {name}", flush=True)
        sections[name] = run(root, name, quick=quick)
        if sections[name].error:
            failed.append(name)
        file.write_text(page(machine, commit, day, list(sections.values())))
    return failed


def main(arguments: list[str], root: Path = ROOT) -> int:
    """1 if a benchmark failed, 2 for a wrong option."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the quick form of each; needs --page")
    parser.add_argument("--page", type=Path, help="file to write instead of docs/benchmarks.md")
    parser.add_argument("--only", nargs="+", default=[], metavar="TARGET", help="run these alone; needs --page")
    asked = parser.parse_args(arguments)
    if (asked.quick or asked.only) and not asked.page:
        parser.error("QUICK=1 and ONLY= need PAGE=file: docs/benchmarks.md is for full runs of all")
    if unknown := sorted(set(asked.only) - set(targets(root / "Makefile"))):
        parser.error(f"the Makefile has no benchmark {', '.join(unknown)}")
    file = asked.page or PAGE
    failed = run_all(root, file, asked.only, quick=asked.quick)
    print(f"wrote {file}")
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
