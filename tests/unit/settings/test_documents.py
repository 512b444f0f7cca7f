"""The sample and the documentation hold every setting as it is declared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from retrain.settings import known_settings, names, parse
from retrain.settings.groups import groups
from retrain.settings.setting import Setting, as_text

ROOT = Path(__file__).parents[3]
SAMPLE = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]
FOR_FUNC_START = {"RETRAIN_STORE", "RETRAIN_BLOB_SOURCE", "TRANSACTIONS_STORAGE"}
UNITS = {
    "", "days", "seconds", "minutes", "cores", "GB", "share", "p-value", "services", "name", "path", "id",
    "replicas", "images", "resource id", "URL", "cron", "code", "hex digits", "hours",
}  # fmt: skip


def documented(known: Setting) -> str:
    """The row of `docs/settings.md` for a setting."""
    default = f"`{as_text(known.default)}`" if as_text(known.default) else ""
    return f"| `{known.name}` | {default} | {known.unit} | {known.description} |"


def test_the_sample_holds_every_setting_and_parses():
    """So that nobody has to look for one."""
    assert set(names()) == SAMPLE.keys() - {"FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsStorage"}
    assert parse(SAMPLE).storage.store == "blob"


def test_the_sample_shows_the_defaults():
    """Apart from what makes it run under `func start` with Azurite."""
    for known in known_settings():
        if known.name not in FOR_FUNC_START:
            assert SAMPLE[known.name] == as_text(known.default)


@pytest.mark.parametrize("group", groups())
def test_the_documentation_has_one_table_for_each_group(group: str):
    """With each setting's default, unit and description, in the order of the fields."""
    section = (ROOT / "docs" / "settings.md").read_text().partition(f"\n## {group}\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]

    assert rows == [documented(known) for known in known_settings() if known.group == group]


@pytest.mark.parametrize("known", known_settings(), ids=names())
def test_a_setting_says_what_it_is_and_in_which_unit(known: Setting):
    """In one line, and with a unit that the others use too."""
    assert known.description
    assert "\n" not in known.description
    assert known.unit in UNITS


@pytest.mark.parametrize(
    ("ending", "unit"), [("_DAYS", "days"), ("_SECONDS", "seconds"), ("_MINUTES", "minutes"), ("_GB", "GB")]
)
def test_a_name_that_ends_in_a_unit_has_that_unit(ending: str, unit: str):
    """And every setting in that unit has such a name."""
    by_name = [known.name for known in known_settings() if known.name.endswith(ending)]

    assert by_name == [known.name for known in known_settings() if known.unit == unit]
