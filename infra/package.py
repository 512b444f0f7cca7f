"""Builds the folder that is deployed as the Function App: the code and its packages, without what no run loads, compiled.

    python -m infra.package build/package

It needs Python 3.13, whose bytecode the app runs, and uv; the machine may be of any kind, because the packages are
wheels for the Linux of Azure Functions. Nothing is installed on Azure: what is deployed is what was locked and tried.
"""

from __future__ import annotations

import argparse
import compileall
import os
import py_compile
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[1]
CODE = ("function_app.py", "host.json", "requirements.txt", "retrain", "scoring")
PACKAGES = Path(".python_packages", "lib", "site-packages")
"""Where the Python worker of Azure Functions looks for packages."""
PYTHON = (3, 13)
PLATFORM = "x86_64-manylinux_2_28"
WORKER_ROOT = "/home/site/wwwroot"
MADE = {"__pycache__"}
NOTHING_IGNORED = "# Everything here is deployed, bytecode too.\n"

LEFT_OUT = {
    "asgiref": "a companion of azure-monitor-opentelemetry",
    "azure-core-tracing-opentelemetry": "a companion of azure-monitor-opentelemetry",
    "azure-monitor-opentelemetry": "the telemetry of azure-ai-ml itself, which is switched off",
    "colorama": "colours of a terminal on Windows",
    "opentelemetry-instrumentation": "a companion of azure-monitor-opentelemetry",
    "opentelemetry-instrumentation-asgi": "a companion of azure-monitor-opentelemetry",
    "opentelemetry-instrumentation-dbapi": "a companion of azure-monitor-opentelemetry",
    "opentelemetry-instrumentation-django": "a companion of azure-monitor-opentelemetry",
    "opentelemetry-instrumentation-fastapi": "a companion of azure-monitor-opentelemetry",
    "opentelemetry-instrumentation-flask": "a companion of azure-monitor-opentelemetry",
    "opentelemetry-instrumentation-httpx": "a companion of azure-monitor-opentelemetry",
    "opentelemetry-instrumentation-logging": "a companion of azure-monitor-opentelemetry",
    "opentelemetry-instrumentation-psycopg2": "a companion of azure-monitor-opentelemetry",
    "opentelemetry-instrumentation-requests": "a companion of azure-monitor-opentelemetry",
    "opentelemetry-instrumentation-urllib": "a companion of azure-monitor-opentelemetry",
    "opentelemetry-instrumentation-urllib3": "a companion of azure-monitor-opentelemetry",
    "opentelemetry-instrumentation-wsgi": "a companion of azure-monitor-opentelemetry",
    "opentelemetry-resource-detector-azure": "a companion of azure-monitor-opentelemetry",
    "opentelemetry-util-http": "a companion of azure-monitor-opentelemetry",
}
"""Packages of requirements.txt that nothing in the Function App loads, with the reason."""

PRUNED = {
    "*/tests/*": "tests of packages",
    "*.pyx": "sources of compiled modules",
    "*.pxd": "sources of compiled modules",
    "*.pxi": "sources of compiled modules",
    "*.h": "sources of compiled modules",
    "*.hpp": "sources of compiled modules",
    "*.c": "sources of compiled modules",
    "*.cc": "sources of compiled modules",
    "*.a": "sources of compiled modules",
    "*.pyi": "types for editors",
    "pyarrow/libarrow_flight.*": "Arrow over a network",
    "pyarrow/libarrow_python_flight.*": "Arrow over a network",
    "pyarrow/_flight.*": "Arrow over a network",
    "pyarrow/libarrow_s3.*": "storage of another cloud",
    "pyarrow/_s3fs.*": "storage of another cloud",
    "pyarrow/libarrow_python.so": "the same file as libarrow_python.so.NUMBER, twice more",
    "pyarrow/libarrow_python.so.*.*.*": "the same file as libarrow_python.so.NUMBER, twice more",
    "pyarrow/_pyarrow_cpp_tests.*": "tests of packages",
    "statsmodels/datasets/*/*.csv": "examples of packages",
    "numpy/_core/*_tests.*": "tests of packages",
}
"""Files of packages that nothing in the Function App loads, by their pattern, with the reason."""


@dataclass(frozen=True, slots=True)
class Size:
    """Of a package or of a reason: megabytes (10^6 bytes) before and after."""

    name: str
    before: float
    after: float


def is_pruned(file: PurePosixPath) -> bool:
    """Whether a file of a package, by its path below the folder of packages, is left out."""
    return any(fnmatch(str(file), pattern) for pattern in PRUNED)


def kept_requirements(lock: str) -> str:
    """The lock without the packages that are left out."""
    entries = re.split(r"\n(?=\S)", lock)
    return "\n".join(entry for entry in entries if entry.partition("==")[0].strip().lower() not in LEFT_OUT) + "\n"


def build(place: Path, root: Path = ROOT, *, lean: bool = True) -> tuple[Size, ...]:
    """Build the package of the code in `root` in the folder `place`, which is made anew; the sizes of its parts.

    Args: lean: False leaves nothing out and compiles the packages alone, as an installer does.
    Raises: SystemExit if this is another Python, if `place` holds something else, or if uv fails.
    """
    if sys.version_info[:2] != PYTHON:
        raise SystemExit(f"this is Python {sys.version.split()[0]}; the app runs 3.13, so build it with 3.13")
    _made_anew(place)
    packages = place / PACKAGES
    _copied(root, place)
    _installed((root / "requirements.txt").read_text(), packages, lean=lean)
    sizes = _pruned(packages) if lean else ()
    (place / ".funcignore").write_text(NOTHING_IGNORED)
    _compiled(place if lean else packages)
    return sizes


def _made_anew(place: Path) -> None:
    if place.exists() and any(place.iterdir()) and not (place / "host.json").exists():
        raise SystemExit(f"{place} holds something else than a package; name an empty folder")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)


def _copied(root: Path, place: Path) -> None:
    for name in CODE:
        source = root / name
        if source.is_dir():
            shutil.copytree(source, place / name, ignore=shutil.ignore_patterns(*MADE))
        else:
            shutil.copy2(source, place / name)


def _installed(lock: str, packages: Path, *, lean: bool) -> None:
    """Install the wheels of the lock for Azure Functions, by their hashes."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "requirements.txt"
        wanted.write_text(kept_requirements(lock) if lean else lock)
        command = [
            *(_uv(), "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"),
            *("--python-platform", PLATFORM, "--python-version", ".".join(map(str, PYTHON))),
            *("--python", sys.executable, "--link-mode", "copy", "--target", str(packages), "-r", str(wanted)),
        ]
        if code := subprocess.run(command, check=False).returncode:  # noqa: S603 - our own command
            raise SystemExit(f"uv could not install the packages of requirements.txt; it ended with {code}")


def _uv() -> str:
    found = shutil.which("uv") or shutil.which("uv", path=os.fspath(ROOT / ".tools" / "uv" / "bin"))
    if not found:
        raise SystemExit("uv is missing: `make setup` installs it, or `python -m pip install uv`")
    return found


def _pruned(packages: Path) -> tuple[Size, ...]:
    """Remove what is left out; what each package had and has, largest first."""
    before: Counter[str] = Counter()
    after: Counter[str] = Counter()
    for path in [path for path in packages.rglob("*") if path.is_file()]:
        file, size = PurePosixPath(path.relative_to(packages).as_posix()), path.stat().st_size
        top = file.parts[0].removesuffix(".libs")
        before[top] += size
        if is_pruned(file):
            path.unlink()
        else:
            after[top] += size
    return tuple(Size(name, bytes_ / 1e6, after[name] / 1e6) for name, bytes_ in before.most_common())


def _compiled(place: Path) -> None:
    """Compile for good: the folder of the app is read-only, and its files have other times than here."""
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(
        place, quiet=2, workers=0, invalidation_mode=mode, stripdir=str(place), prependdir=WORKER_ROOT
    )


def main(arguments: list[str] | None = None) -> int:
    """Build, and say what it holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("place", type=Path, help="folder to build in, which is made anew")
    place: Path = parser.parse_args(arguments).place
    sizes = build(place)
    total = sum(path.stat().st_size for path in place.rglob("*") if path.is_file() and path.suffix != ".pyc")
    bytecode = sum(path.stat().st_size for path in place.rglob("*.pyc"))
    for size in sizes[:12]:
        sys.stdout.write(f"{size.name:20} {size.before:6.1f} -> {size.after:6.1f} MB\n")
    sys.stdout.write(f"{place}: {total / 1e6:.0f} MB, and {bytecode / 1e6:.0f} MB of bytecode\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
