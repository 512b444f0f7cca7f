"""What azd gives the template, and keeps for the next deployment: other settings, the region, the first month."""

from __future__ import annotations

import pytest

from infra.settings import OF_THE_TEMPLATE
from retrain.settings.groups import names
from tests.azure.template import Deployment, functions
from tests.azure.template.check import AZD, EVERYTHING
from tests.azure.test_template import STORAGE, app_settings, deployed


def start_of(deployment: Deployment) -> str:
    """The first month of the budget."""
    period = deployment.one("Microsoft.Consumption/budgets").body["properties"]["timePeriod"]
    return str(period["startDate"])


def test_more_settings_are_given_to_the_app_as_they_are_written():
    """A value may hold an equals sign and blanks; what is given wins."""
    more = "RETRAIN_DATE_COLUMN=Order date; RETRAIN_CPU=1 ;RETRAIN_MODEL_NAME=a=b;"

    settings = app_settings(deployed({**AZD, "AZURE_RETRAIN_SETTINGS": more}))

    assert settings["RETRAIN_DATE_COLUMN"] == "Order date"
    assert (settings["RETRAIN_CPU"], settings["RETRAIN_MODEL_NAME"]) == ("1", "a=b")
    assert app_settings(deployed())["RETRAIN_CPU"] == "0.5"


def test_the_command_line_is_told_the_settings_that_were_given_too():
    """With others it would release under another fingerprint, or start services of another size."""
    more = "RETRAIN_JOBS=inline;RETRAIN_CPU=1;RETRAIN_LOCATION=northeurope"

    deployment = deployed({**AZD, "AZURE_RETRAIN_SETTINGS": more})

    assert {name: deployment.outputs[name] for name in ("RETRAIN_JOBS", "RETRAIN_CPU", "RETRAIN_LOCATION")} == {
        "RETRAIN_JOBS": "inline",
        "RETRAIN_CPU": "1",
        "RETRAIN_LOCATION": "northeurope",
    }


def test_no_setting_that_is_given_parts_the_app_from_what_the_template_makes():
    """Another container would be one that nobody makes; the hook refuses these names and no others."""
    plain = app_settings(deployed())
    text = ";".join(f"{name}=other" for name in plain)

    given = app_settings(deployed({**AZD, "AZURE_RETRAIN_SETTINGS": text}))

    kept = {name for name in plain if given[name] == plain[name] and name in names()}
    assert kept == OF_THE_TEMPLATE & set(names())
    assert set(plain) >= OF_THE_TEMPLATE


def test_a_budget_keeps_its_first_month(monkeypatch: pytest.MonkeyPatch):
    """Azure refuses another one: `azd up` of a later month would fail."""
    first = deployed(EVERYTHING)
    kept = {name: value for name, value in first.outputs.items() if name == "AZURE_BUDGET_START"}
    monkeypatch.setattr(functions, "NOW", "2026-02-01")

    later, without = deployed({**EVERYTHING, **kept}), deployed()

    assert start_of(later) == start_of(first) == kept["AZURE_BUDGET_START"] == "2026-01-01"
    assert without.outputs["AZURE_BUDGET_START"] == ""  # a budget that is made later begins in its own month
    assert start_of(deployed(EVERYTHING)) == "2026-02-01"


@pytest.mark.parametrize("spelling", ["West Europe", "WestEurope"])
def test_one_region_has_one_deployment_however_it_is_spelt(spelling: str):
    """Another name would be a second, empty store."""
    assert deployed({**AZD, "AZURE_LOCATION": spelling}).outputs["RETRAIN_LOCATION"] == "westeurope"
    assert {one.name for one in deployed({**AZD, "AZURE_LOCATION": spelling}).of_type(STORAGE)} == {
        one.name for one in deployed().of_type(STORAGE)
    }
