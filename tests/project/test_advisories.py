"""The audit of dependencies: what is known fails, what could not be asked is said."""

from __future__ import annotations

import sys

import pytest

from tests.project.advisories import asked, of_node, of_python

SOUND = {"name": "numpy", "version": "2.5.5", "vulns": []}
ADVISORY = {"id": "PYSEC-2026-1", "fix_versions": ["2.0.1"], "aliases": [], "description": ""}


def test_an_advisory_is_told_with_the_version_that_mends_it():
    """The package, what is pinned, the advisory's name."""
    audit = of_python({"dependencies": [SOUND, {"name": "requests", "version": "2.0.0", "vulns": [ADVISORY]}]})

    assert audit.known == ["requests 2.0.0: PYSEC-2026-1, mended in 2.0.1"]
    assert "Python: 2 asked about, 1 advisories" in str(audit)


def test_a_package_that_could_not_be_asked_about_is_not_called_sound():
    """It is counted apart, with the reason."""
    audit = of_python({"dependencies": [SOUND, {"name": "requests", "skip_reason": "not found"}]})

    assert (audit.asked, audit.known) == (1, [])
    assert "1 could not be asked about (not found)" in str(audit)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["no-such-program"], "no-such-program"),
        ([sys.executable, "-c", "print('<html>')"], "it printed nothing"),
        ([sys.executable, "-c", "import sys; sys.exit('the name does not resolve')"], "does not resolve"),
    ],
)
def test_a_registry_that_is_not_reached_fails_nothing(command: list[str], said: str):
    """It is said that nothing was asked, and why."""
    audit = asked("Python", command, of_python)

    assert (audit.asked, audit.known) == (0, [])
    assert said in audit.unasked[0]


def test_what_azurite_is_made_of_fails_at_critical():
    """Lesser ones are counted."""
    severities = {"critical": 1, "high": 2, "total": 3}
    packages = {"a": {"severity": "critical", "range": "<2"}, "b": {"severity": "high", "range": "*"}}
    audit = of_node(
        {"vulnerabilities": packages, "metadata": {"vulnerabilities": severities, "dependencies": {"total": 90}}}
    )

    assert (audit.asked, audit.known, audit.minor) == (90, ["a <2: critical"], 2)


def test_a_registry_that_refuses_the_question_is_named():
    """npm's own words."""
    audit = of_node({"message": "405 Method Not Allowed", "error": {"summary": ""}})

    assert "Node: 0 asked about" in str(audit)
    assert "405 Method Not Allowed" in str(audit)
