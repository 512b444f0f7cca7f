"""Known advisories against whatever the locks pin; `make audit` runs it.

    python -m tests.project.advisories

It fails at an advisory against a Python package, and at a critical one against what Azurite is made of, which
serves tests on this machine alone. A registry that does not answer such questions is named, and fails nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
LOCK = "requirements-dev.txt"  # holds what the other two pin, and more
PYTHON = [
    *(sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--progress-spinner=off"),
    *("--format=json", "--requirement", LOCK),
]
NODE = ["npm", "audit", "--json", "--audit-level=critical"]


@dataclass(frozen=True, slots=True)
class Audit:
    """What came of asking one registry.

    Attributes:
        asked: packages whose advisories were looked up.
        unasked: why not, for each of those that could not be.
        known: a line for each advisory that must not be.
        minor: how many were let pass.
    """

    packages: str
    asked: int
    unasked: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    minor: int = 0

    def __str__(self) -> str:
        head = f"{self.packages}: {self.asked} asked about, {len(self.known)} advisories"
        head += f", {self.minor} below critical" if self.minor else ""
        head += f"; {len(self.unasked)} could not be asked about ({self.unasked[0]})" if self.unasked else ""
        return "\n".join([head, *(f"  {line}" for line in self.known)])


def of_python(found: dict[str, Any]) -> Audit:
    """From pip-audit's JSON."""
    packages = found["dependencies"]
    unasked = [package["skip_reason"] for package in packages if "skip_reason" in package]
    known = [
        f"{package['name']} {package['version']}: {advisory['id']}, mended in "
        f"{', '.join(advisory['fix_versions']) or 'no version yet'}"
        for package in packages
        for advisory in package.get("vulns", [])
    ]
    return Audit("Python", len(packages) - len(unasked), unasked, known)


def of_node(found: dict[str, Any]) -> Audit:
    """From npm's JSON; an error has no `metadata`."""
    if "metadata" not in found:
        return Audit("Node", 0, [str(found.get("message") or found.get("error"))])
    counts = found["metadata"]["vulnerabilities"]
    known = [
        f"{name} {package['range']}: critical"
        for name, package in found["vulnerabilities"].items()
        if package["severity"] == "critical"
    ]
    total: int = found["metadata"]["dependencies"]["total"]
    return Audit("Node", total, known=known, minor=counts["total"] - counts["critical"])


def asked(packages: str, command: list[str], read: Callable[[dict[str, Any]], Audit]) -> Audit:
    """What came of a command that prints JSON; its complaint, where it cannot reach its registry."""
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError as error:
        return Audit(packages, 0, [str(error)])
    try:
        return read(json.loads(done.stdout))
    except ValueError:
        return Audit(packages, 0, [done.stderr.strip()[-300:] or "it printed nothing"])


def main() -> int:
    """1 if there is an advisory that must not be."""
    audits = [asked("Python", PYTHON, of_python), asked("Node", NODE, of_node)]
    sys.stdout.write("\n".join(map(str, audits)) + "\n")
    if not any(audit.asked for audit in audits):
        sys.stdout.write("Nothing was audited: no registry here answers questions about advisories.\n")
    return int(any(audit.known for audit in audits))


if __name__ == "__main__":
    sys.exit(main())
