"""Builds what is deployed as the Function App: code and packages, compiled, without what no run loads.

    python -m infra.package build/package

It needs Python 3.13, whose bytecode the app runs, and uv; the machine may be of any kind, because the packages
are wheels for the Linux of Azure Functions. Nothing is installed on Azure: what is deployed is what was locked
and tried.
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
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[1]
CODE = ("function_app.py", "host.json", "requirements.txt", "retrain", "scoring")
DEFAULT = ROOT / "build" / "package"
PACKAGES = Path(".python_packages", "lib", "site-packages")
"""Where the Python worker of Azure Functions looks for packages."""
PYTHON = (3, 13)
PLATFORM = "x86_64-manylinux_2_28"
MADE = {"__pycache__"}
MARK = ".funcignore"
NOTHING_IGNORED = "# Everything here is deployed, bytecode too.\n"
"""What the mark holds in a package, and in no other folder: nothing else is ever deleted."""

LEFT_OUT = {
    "asgiref": "a companion of azure-monitor-opentelemetry",
    "azure-core-tracing-opentelemetry": "a companion of azure-monitor-opentelemetry",
    "azure-monitor-opentelemetry": "the telemetry of azure-ai-ml itself, which is switched off",
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
    "jsonschema/benchmarks/*": "tests of packages",
    "numpy/_core/*_tests.*": "tests of packages",
    "numpy/_core/_simd.*": "tests of packages",
    "pyarrow/_pyarrow_cpp_tests.*": "tests of packages",
    "*.pyx": "sources of compiled modules",
    "*.pyx.in": "sources of compiled modules",
    "*.pxd": "sources of compiled modules",
    "*.pxi": "sources of compiled modules",
    "*.h": "sources of compiled modules",
    "*.hpp": "sources of compiled modules",
    "*.c": "sources of compiled modules",
    "*.cc": "sources of compiled modules",
    "*.a": "sources of compiled modules",
    "*.pyi": "types for editors",
    "*.dist-info/RECORD": "for installers",
    "*.dist-info/sboms/*": "for auditors, who read the lock",
    "pyarrow/libarrow_flight.*": "Arrow over a network",
    "pyarrow/libarrow_python_flight.*": "Arrow over a network",
    "pyarrow/_flight.*": "Arrow over a network",
    "pyarrow/libarrow_s3.*": "storage of another cloud",
    "pyarrow/_s3fs.*": "storage of another cloud",
    "pyarrow/_gcsfs.*": "storage of another cloud",
    "pyarrow/_hdfs.*": "storage of another cloud",
    "pyarrow/_orc.*": "a format that is not read",
    "pyarrow/_dataset_orc.*": "a format that is not read",
    "pyarrow/_feather.*": "a format that is not read",
    "pyarrow/_json.*": "another reader of a format",
    "pyarrow/_substrait.*": "plans of queries",
    "pyarrow/*parquet_encryption.*": "files whose keys nobody gave",
    "pyarrow/libarrow_python.so": "the same file as libarrow_python.so.NUMBER, twice more",
    "pyarrow/libarrow_python.so.*.*.*": "the same file as libarrow_python.so.NUMBER, twice more",
    "scipy/io/*": "a format that is not read",
    "yaml/_yaml.*": "a faster reader, which the package does without",
    "scipy/cluster/*": "methods that are not used",
    "scipy/odr/*": "methods that are not used",
    "scipy/stats/_unuran/*": "methods that are not used",
    "scipy/stats/_sobol_direction_numbers.npz": "methods that are not used",
    "statsmodels/tsa/exponential_smoothing/*": "methods that are not used",
    "statsmodels/tsa/regime_switching/*": "methods that are not used",
    "statsmodels/datasets/*": "examples of packages",
    "statsmodels/sandbox/*": "examples of packages",
    "azure/ai/*/aio/*": "asynchronous clients",
    "azure/identity/aio/*": "asynchronous clients",
    "azure/mgmt/*/aio/*": "asynchronous clients",
    "azure/storage/*/aio/*": "asynchronous clients",
}
"""Files of packages that nothing in the Function App loads, by their pattern, with the reason."""


def is_pruned(file: PurePosixPath) -> bool:
    """Whether a file of a package, by its path below the folder of packages, is left out."""
    return any(fnmatch(str(file), pattern) for pattern in PRUNED)


def kept_requirements(lock: str) -> str:
    """The lock without the packages that are left out."""
    entries = re.split(r"\n(?=\S)", lock)
    return "\n".join(entry for entry in entries if entry.partition("==")[0].strip().lower() not in LEFT_OUT) + "\n"


def build(place: Path, root: Path = ROOT, *, lean: bool = True) -> None:
    """Build the package of the code in `root` in the folder `place`, which is made anew.

    Args: lean: False leaves nothing out and compiles the packages alone, as an installer does.
    Raises: SystemExit if this is another Python, if `place` holds something else, or if uv fails.
    """
    if sys.version_info[:2] != PYTHON:
        raise SystemExit(f"this is Python {sys.version.split()[0]}; the app runs 3.13, so build it with 3.13")
    _made_anew(place, root)
    packages = place / PACKAGES
    _copied(root, place)
    _installed((root / "requirements.txt").read_text(), packages, lean=lean)
    if lean:
        _prune(packages)
    _compiled(place if lean else packages)


def _made_anew(place: Path, root: Path) -> None:
    if root.resolve().is_relative_to(place.resolve()):
        raise SystemExit(f"{place} holds the code that is to be packed; name an empty folder")
    if place.exists() and not _is_ours(place):
        raise SystemExit(f"{place} holds something else than a package; name an empty folder")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    (place / MARK).write_text(NOTHING_IGNORED)  # first: a build that was killed may be repeated


def _is_ours(place: Path) -> bool:
    """Whether it is an empty folder, or a package that was made here."""
    if not place.is_dir():
        return False
    mark = place / MARK
    return not any(place.iterdir()) or (mark.is_file() and mark.read_bytes() == NOTHING_IGNORED.encode())


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
            *(uv(), "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"),
            *("--python-platform", PLATFORM, "--python-version", ".".join(map(str, PYTHON))),
            *("--python", sys.executable, "--link-mode", "copy", "--target", str(packages), "-r", str(wanted)),
        ]
        if code := subprocess.run(command, check=False).returncode:  # noqa: S603 - our own command
            raise SystemExit(f"uv could not install the packages of requirements.txt; it ended with {code}")


def uv() -> str:
    """Where uv is. Raises: SystemExit if it is not installed."""
    found = shutil.which("uv") or shutil.which("uv", path=os.fspath(ROOT / ".tools" / "uv" / "bin"))
    if not found:
        raise SystemExit("uv is missing: `make setup` installs it, or `python -m pip install uv`")
    return found


def _prune(packages: Path) -> None:
    for path in [path for path in packages.rglob("*") if path.is_file()]:
        if is_pruned(PurePosixPath(path.relative_to(packages).as_posix())):
            path.unlink()


def _compiled(place: Path) -> None:
    """Compile for good: the folder of the app is read-only, and its files have other times than here."""
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(place, quiet=2, workers=0, invalidation_mode=mode)


def weighed(packages: Path) -> tuple[dict[str, float], float]:
    """Megabytes (10^6 bytes) of each package without its bytecode, and of all the bytecode."""
    found: Counter[str] = Counter()
    bytecode = 0
    for folder, _, names in packages.walk():
        package = next(iter(folder.relative_to(packages).parts), "")
        for name in names:
            size = (folder / name).stat().st_size
            if name.endswith(".pyc"):
                bytecode += size
            else:
                found[(package or name).removesuffix(".libs")] += size
    return {name: size / 1e6 for name, size in found.items()}, bytecode / 1e6


def megabytes(folder: Path) -> tuple[float, float]:
    """Megabytes (10^6 bytes) of a folder: its files without bytecode, and the bytecode."""
    files, bytecode = weighed(folder)
    return sum(files.values()), bytecode


def main(arguments: list[str] | None = None) -> int:
    """Build, and say how large it is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "place", type=Path, nargs="?", default=DEFAULT, help="folder to build in, which is made anew"
    )
    place: Path = parser.parse_args(arguments).place
    build(place)
    files, bytecode = megabytes(place)
    sys.stdout.write(f"{place}: {files:.0f} MB, and {bytecode:.0f} MB of bytecode\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
