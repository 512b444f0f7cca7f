"""What a release of one version says: its section of CHANGELOG.md.

python -m infra.release v0.2.0
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
HEADING = re.compile(r"^## \[(?P<version>[^\]]+)\](?: - (?P<day>\d{4}-\d{2}-\d{2}))?$", re.MULTILINE)


def sections(changelog: str) -> dict[str, str]:
    """The text of each version by its number, newest first; `Unreleased` is one."""
    headings = list(HEADING.finditer(changelog))
    ends = [*(heading.start() for heading in headings[1:]), len(changelog)]
    return {
        heading["version"]: changelog[heading.end() : end].strip()
        for heading, end in zip(headings, ends, strict=True)
    }


def notes(tag: str, changelog: str, version: str) -> str:
    """The notes of a tag.

    Args: version: of the project.
    Raises: SystemExit if the tag names another version, or one that the changelog does not describe.
    """
    if tag != f"v{version}":
        raise SystemExit(
            f"the tag is {tag} and pyproject.toml says {version}; tag v{version}, or change the version"
        )
    found = sections(changelog).get(version)
    if not found:
        raise SystemExit(f"CHANGELOG.md has no section [{version}]; move what is under [Unreleased] there")
    return found


def main(arguments: list[str] | None = None) -> int:
    """Print the notes of a tag."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tag", help="v and the version")
    tag: str = parser.parse_args(arguments).tag
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    sys.stdout.write(notes(tag, (ROOT / "CHANGELOG.md").read_text(), project["version"]) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
