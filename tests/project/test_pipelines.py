"""Pipelines run commands that exist, with few rights, on pinned actions; a release has its notes."""

from __future__ import annotations

import re
import shlex
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.release import notes, sections
from tests.project.test_architecture import ROOT
from tests.project.test_benchmarks import make

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
AZURE = ROOT / "azure-pipelines.yml"
PINNED = re.compile(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
ENVIRONMENTS = {"preview": "preview", "deploy": "production", "live": "production"}
SHELL = {"jq", "azd", "az", "cd", "curl", "docker", "eval", "gh", "git", "mkdir", "set", "sha256sum", "zip"}
CHANGELOG = """# Changelog

## [Unreleased]

### Added
- Later.

## [0.2.0] - 2026-11-29

### Added
- Now.

## [0.1.0]

- Once.
"""


def workflow(name: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text())
    return read


def scripts(document: object) -> list[str]:
    """Every shell script of a pipeline."""
    if isinstance(document, dict):
        own = [document[key] for key in ("run", "script", "inlineScript") if isinstance(document.get(key), str)]
        return own + [script for value in document.values() for script in scripts(value)]
    if isinstance(document, list):
        return [script for value in document for script in scripts(value)]
    return []


def commands() -> list[list[str]]:
    """Every simple command of every pipeline, as words."""
    found = []
    for file in (*WORKFLOWS, AZURE):
        for script in scripts(yaml.safe_load(file.read_text())):
            for line in script.replace("\\\n", " ").splitlines():
                words = shlex.shlex(line, posix=True, punctuation_chars="|&")
                words.whitespace_split = True
                found += [list(part) for is_end, part in groupby(words, {"|", "&&"}.__contains__) if not is_end]
    return found


def test_every_make_target_of_a_pipeline_exists():
    """`make -n` knows each of them."""
    targets = {words[1] for words in commands() if words[0] == "make"}

    assert {"setup", "package"} <= targets
    for target in targets:
        assert make("--dry-run", target).returncode == 0, target


def test_every_module_and_file_that_a_pipeline_runs_exists():
    """Whatever else it runs is a tool of the machine or of Azure."""
    own = [words for words in commands() if words[0] not in SHELL | {"make", "bash", "gzip"}]

    for words in own:
        if words[0].endswith("python"):
            assert words[1] == "-m"
            assert words[2] == "pytest" or (ROOT / f"{words[2].replace('.', '/')}.py").exists(), words
        else:
            assert (ROOT / words[0]).exists(), words
    for words in commands():
        for word in words:
            if word.startswith("tests/"):
                assert (ROOT / word).exists(), word


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_every_action_is_pinned_by_its_commit(file: Path):
    """With its version beside it."""
    used = [line.strip(" -") for line in file.read_text().splitlines() if "uses:" in line]

    assert used
    assert [line for line in used if not PINNED.search(line)] == []


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_a_workflow_may_read_and_a_job_says_what_more_it_may(file: Path):
    """Nothing is written but a release; a token for Azure exists only in a job of an environment; each job ends."""
    read = workflow(file.stem)

    assert read["permissions"] == {"contents": "read"}
    assert "concurrency" in read
    for name, job in read["jobs"].items():
        rights = {right for right, value in job.get("permissions", {}).items() if value == "write"}
        assert rights <= ({"contents"} if name == "publish" else {"id-token"}), name
        assert ("id-token" in rights) == ("environment" in job)
        assert job["timeout-minutes"] <= 150


def test_a_deployment_waits_for_the_preview_and_an_approval():
    """In an environment of its own; the live suite only by hand."""
    jobs = workflow("deploy")["jobs"]

    assert {name: job["environment"] for name, job in jobs.items()} == ENVIRONMENTS
    assert jobs["deploy"]["needs"] == "preview"
    assert "workflow_dispatch" in jobs["live"]["if"]
    assert "inputs.live_suite" in jobs["live"]["if"]


def test_a_pipeline_passes_every_parameter_of_the_template():
    """One that is left out would be deployed with its default: a private network would become public."""
    for name in ("preview", "deploy"):
        steps = workflow("deploy")["jobs"][name]["steps"]
        passing = [step for step in steps if step.get("env", {}).get("VARIABLES") == "${{ toJSON(vars) }}"]
        assert len(passing) == 1
        assert 'startswith("AZURE_")' in passing[0]["run"]
        assert passing[0]["run"].endswith('>> "$GITHUB_ENV"')


def test_a_pipeline_asks_for_the_outputs_of_the_last_deployment_before_it_provisions():
    """It keeps nothing between its runs, and Azure refuses a budget with another first month."""
    for file in (ROOT / ".github" / "workflows" / "deploy.yml", AZURE):
        text = "\n".join(scripts(yaml.safe_load(file.read_text())))

        done = re.findall(r"azd (env refresh|provision --preview|up|hooks)", text)
        assert done[:5] == ["env refresh", "provision --preview", "env refresh", "up", "hooks"], file.name


def test_no_pipeline_has_a_secret():
    """Azure takes the token of the run; a release takes the one that the run has anyway."""
    assert [file.name for file in (*WORKFLOWS, AZURE) if "secrets." in file.read_text()] == []


def test_both_services_deploy_by_the_same_commands():
    """What differs is how they sign in."""
    github = "\n".join(scripts(workflow("deploy")))
    azure = "\n".join(scripts(yaml.safe_load(AZURE.read_text())))

    for command in (
        "az bicep build",
        "azd provision --preview",
        "make package",
        "azd up",
        "azd hooks run postdeploy",
    ):
        assert command in github
        assert command in azure


def test_the_notes_of_a_tag_are_its_section_of_the_changelog():
    """Not more."""
    assert notes("v0.2.0", CHANGELOG, "0.2.0") == "### Added\n- Now."
    assert list(sections(CHANGELOG)) == ["Unreleased", "0.2.0", "0.1.0"]


@pytest.mark.parametrize(
    ("tag", "version", "why"), [("v0.3.0", "0.2.0", "pyproject.toml says 0.2.0"), ("v0.4.0", "0.4.0", "no section")]
)
def test_a_tag_of_another_version_or_without_notes_is_refused(tag: str, version: str, why: str):
    """Before anything is built."""
    with pytest.raises(SystemExit, match=why):
        notes(tag, CHANGELOG, version)


def test_the_changelog_is_in_sections_by_version():
    """The newest first; what is not released stands above."""
    assert next(iter(sections((ROOT / "CHANGELOG.md").read_text()))) == "Unreleased"
