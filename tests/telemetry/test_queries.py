"""The queries of alerts and workbook, by Microsoft's own language service, against the fields that are logged."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from retrain.records.outbox import Kind, event_of
from retrain.records.run import Status
from retrain.telemetry.channel import as_line
from retrain.telemetry.facts import run_facts
from retrain.telemetry.state import state_facts
from tests.azure.template import MAIN, Resource, azd, deploy
from tests.azure.template.check import AZD
from tests.builders import World
from tests.unit.records.examples import NOON, compared_run

ROOT = Path(__file__).parents[2]
SERVICE = ROOT / "node_modules" / "@kusto" / "language-service-next"
INFRA = ROOT / "infra"
OF_ALL = (
    "timestamp: datetime, itemType: string, operation_Id: string, cloud_RoleName: string, customDimensions: dynamic"
)
TABLES = {
    "traces": f"({OF_ALL}, message: string, severityLevel: int)",
    "requests": f"({OF_ALL}, id: string, name: string, duration: real, resultCode: string, success: string)",
    "dependencies": f"({OF_ALL}, name: string, duration: real, resultCode: string, success: string)",
    "exceptions": f"({OF_ALL}, type: string, outerMessage: string)",
}
"""Of Application Insights: the columns that are used here."""
OF_AN_ALERT = {"run_id", "reason"}
"""The dimensions by which one alert is told from another."""


def alerts() -> dict[str, str]:
    return {path.stem: path.read_text() for path in sorted((INFRA / "queries").glob("*.kql"))}


def charts() -> dict[str, str]:
    book = json.loads((INFRA / "workbook.json").read_text())
    return {item["name"]: item["content"]["query"] for item in book["items"] if item["type"] == 3}


QUERIES = {**{f"alert {name}": text for name, text in alerts().items()}, **charts()}


@cache
def analysed() -> dict[str, dict[str, Any]]:
    """What the language service says of every query; one process for all of them."""
    node = shutil.which("node")
    if node is None or not SERVICE.exists():
        pytest.skip("`make setup` installs the language service of Kusto, and Node is needed")
    asked = json.dumps({"tables": TABLES, "queries": QUERIES})
    done = subprocess.run(
        [node, "tests/telemetry/kusto.cjs"], input=asked, cwd=ROOT, capture_output=True, check=True, text=True
    )
    found: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return found


def run_line() -> dict[str, Any]:
    run = compared_run()
    return run_facts(event_of(run, NOON), run)


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_is_right_for_the_tables_of_application_insights(name: str):
    assert analysed()[name]["wrong"] == []


@pytest.mark.parametrize("name", alerts())
def test_an_alert_says_of_which_run_it_is_and_why(name: str):
    assert set(analysed()[f"alert {name}"]["columns"]) >= OF_AN_ALERT


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_reads_fields_that_are_logged(name: str, world: World):
    """The language service cannot know what is inside a message."""
    logged = {"run": run_line(), "state": state_facts(world.context)}
    read = re.findall(r"\b(run|state)\.(\w+)", QUERIES[name])

    assert [f"{record}.{field}" for record, field in read if field not in logged[record]] == []


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_looks_for_lines_as_they_begin(name: str, world: World):
    begins = [as_line(run_line()), as_line(state_facts(world.context))]

    for wanted in re.findall(r"startswith '([^']*)'", QUERIES[name]):
        assert [line for line in begins if line.startswith(wanted)], wanted


def test_the_words_that_queries_compare_with_are_words_of_the_records():
    """A status or a kind that was renamed would silence an alert."""
    text = "\n".join(QUERIES.values())
    statuses = re.findall(r"tostring\(run\.status\) == '(\w+)'", text)
    kinds = re.findall(r"tostring\(run\.kind\) in \(([^)]*)\)", text)

    assert set(statuses) == {Status.FAILED.value, Status.HELD.value}
    assert [re.findall(r"'(\w+)'", each) for each in kinds] == [
        [Kind.ALARM.value, Kind.STALE.value],
        [Kind.PROMOTION.value, Kind.ROLLBACK.value],
    ]


def test_every_query_is_an_alert_of_the_template_and_the_other_way_round():
    rules = {one.body["name"].split("-", 1)[1].rpartition("-")[0]: one for one in deployed_alerts()}

    assert {name: query_of(rule) for name, rule in rules.items()} == alerts()


def test_an_alert_is_told_by_run_and_reason_to_the_people_of_the_template():
    """Two runs that fail within an hour are two alerts, and the mail holds both reasons."""
    for rule in deployed_alerts():
        properties = rule.body["properties"]
        (criterion,) = properties["criteria"]["allOf"]

        assert {each["name"] for each in criterion["dimensions"]} == OF_AN_ALERT
        assert "/actionGroups/" in properties["actions"]["actionGroups"][0]
        assert "/components/" in properties["scopes"][0]


def test_an_alert_looks_back_further_than_to_its_last_look():
    """Logs arrive late; a row that arrives after a look must be in the window of the next one."""
    for rule in deployed_alerts():
        properties = rule.body["properties"]

        assert minutes(properties["windowSize"]) >= 2 * minutes(properties["evaluationFrequency"])


def test_the_workbook_reads_the_application_insights_of_the_template():
    (book,) = DEPLOYMENT.of_type("Microsoft.Insights/workbooks")
    read = json.loads(book.body["properties"]["serializedData"])

    assert {each for item in read["items"][1:] for each in item["content"]["crossComponentResources"]} == {
        book.body["properties"]["sourceId"]
    }


DEPLOYMENT = deploy(azd.parameters(MAIN, AZD))


def deployed_alerts() -> list[Resource]:
    return DEPLOYMENT.of_type("Microsoft.Insights/scheduledQueryRules")


def query_of(rule: Resource) -> str:
    query: str = rule.body["properties"]["criteria"]["allOf"][0]["query"]
    return query


def minutes(duration: str) -> int:
    """Of an ISO 8601 duration in one unit."""
    unit = {"M": 1, "H": 60, "D": 24 * 60}[duration[-1]]
    return unit * int(re.sub(r"\D", "", duration))
