"""`retrain subscribe`: the one thing between a file that lands and the blob trigger that no template can make."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from retrain.adapters.azure import event_grid
from retrain.adapters.azure.event_grid import EventSubscription
from retrain.doors.cli import main
from tests.azure.emulator.documents import set_state
from tests.azure.emulator.world import ACCOUNT_PATH
from tests.azure.template import Resource, types
from tests.functions.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.azure.cloud import Cloud

ROOT = Path(__file__).parents[2]
SUBSCRIPTIONS = r"/systemTopics/landings/eventSubscriptions/"


def subscribe(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    """Run the command; what it says."""
    code = main(["subscribe", "--json", *options])
    told = capsys.readouterr()
    assert code == 0, told.err
    said: dict[str, Any] = json.loads(told.out)
    return said


def fault(cloud: Cloud) -> str:
    """What is wrong with the subscription."""
    with closing(EventSubscription(cloud.settings)) as events:
        return events.fault()


def puts(cloud: Cloud) -> list[Any]:
    """The bodies with which subscriptions were made."""
    calls = cloud.azure.calls[cloud.calls_before :]
    return [call.body for call in calls if call.method == "PUT" and "/eventSubscriptions/" in call.path]


def test_files_of_the_container_alone_are_told_of(deployed: Cloud, capsys: pytest.CaptureFixture[str]):
    """And of those no empty ones; what cannot be delivered within a day is kept."""
    said = subscribe(capsys)
    (body,) = puts(deployed)
    wanted = body["properties"]

    assert (said["change"], said["name"]) == ("created", deployed.azure.FUNCTION_APP)
    assert said["delivers_to"] == f"{deployed.azure.app.url}{event_grid.WEBHOOK}retrain_on_new_data"
    assert wanted["filter"]["subjectBeginsWith"] == f"/blobServices/default/containers/{deployed.name}-in/"
    assert wanted["filter"]["includedEventTypes"] == ["Microsoft.Storage.BlobCreated"]
    assert wanted["retryPolicy"] == {"maxDeliveryAttempts": 30, "eventTimeToLiveInMinutes": 1440}
    assert wanted["deadLetterWithResourceIdentity"]["deadLetterDestination"]["properties"] == {
        "resourceId": ACCOUNT_PATH,
        "blobContainerName": "dead-letters",
    }


def test_the_subscription_fits_microsofts_types(deployed: Cloud, capsys: pytest.CaptureFixture[str]):
    """Every name and every literal."""
    if not types.FOLDER.exists():
        pytest.skip("Microsoft's types are not beside the project")
    subscribe(capsys)
    kind = "Microsoft.EventGrid/systemTopics/eventSubscriptions"
    body = {"name": deployed.azure.FUNCTION_APP, **puts(deployed)[0]}
    resource = Resource(kind, event_grid.API, body["name"], "", "", body, existing=False, place="")

    assert types.problems(resource) == []


def test_repeating_it_changes_nothing(deployed: Cloud, capsys: pytest.CaptureFixture[str]):
    """No second handshake either."""
    subscribe(capsys)

    assert subscribe(capsys)["change"] == "unchanged"
    assert len(puts(deployed)) == 1


@pytest.mark.parametrize("state", ["Failed", "AwaitingManualAction", "Canceled"])
def test_one_that_event_grid_has_not_accepted_is_made_anew(
    deployed: Cloud, capsys: pytest.CaptureFixture[str], state: str
):
    """Its properties are right, and no event arrives; the look says what to do."""
    subscribe(capsys)
    deployed.azure.events.change(set_state(state))
    told = fault(deployed)

    assert told.endswith(f"is {state}; run `retrain subscribe`")
    assert subscribe(capsys)["change"] == "updated"
    assert fault(deployed) == ""


def test_one_that_is_still_being_made_is_waited_for(deployed: Cloud, capsys: pytest.CaptureFixture[str]):
    """By another process, which has not ended."""
    subscribe(capsys)
    deployed.azure.events.change(set_state("Creating"))

    assert subscribe(capsys)["change"] == "unchanged"
    assert len(puts(deployed)) == 1


def without_destination(one: Any) -> None:
    one["properties"]["destination"] = None


def with_an_identity(one: Any) -> None:
    delivery = {"identity": {"type": "SystemAssigned"}, "destination": one["properties"].pop("destination")}
    one["properties"]["deliveryWithResourceIdentity"] = delivery


def to_a_queue(one: Any) -> None:
    one["properties"]["destination"] = {"endpointType": "StorageQueue", "properties": {"queueName": "q"}}


@pytest.mark.parametrize("other", [without_destination, with_an_identity, to_a_queue])
def test_one_that_delivers_elsewhere_is_brought_back(
    deployed: Cloud, capsys: pytest.CaptureFixture[str], other: Callable[[Any], None]
):
    """Somebody made it by hand; it has no address to ask for."""
    subscribe(capsys)
    deployed.azure.events.change(other)
    told = fault(deployed)

    assert told.endswith("has another destination; run `retrain subscribe`")
    assert subscribe(capsys)["change"] == "updated"
    assert fault(deployed) == ""


def test_an_app_without_an_address_is_named(deployed: Cloud, capsys: pytest.CaptureFixture[str]):
    """While Azure makes it."""
    deployed.azure.app.has_address = False

    assert main(["subscribe"]) == 2
    assert "has no address yet; run `azd provision`" in capsys.readouterr().err


def test_a_list_may_be_null(deployed: Cloud, capsys: pytest.CaptureFixture[str]):
    """As an empty one."""
    deployed.azure.events.has_topics = False

    assert main(["subscribe"]) == 2
    assert "has no Event Grid system topic" in capsys.readouterr().err


@pytest.mark.parametrize("what", ["its settings", "its key"])
def test_what_has_changed_is_brought_up_to_date(
    deployed: Cloud, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, what: str
):
    """A key that was renewed in the portal, or another container."""
    subscribe(capsys)
    if what == "its key":
        monkeypatch.setitem(deployed.azure.app.keys, "blobs_extension", "renewed")
        said = subscribe(capsys)
    else:
        said = subscribe(capsys, "--set", "RETRAIN_DEAD_LETTERS=letters")

    assert (said["change"], len(puts(deployed))) == ("updated", 2)


def test_it_calls_the_host_and_waits_for_its_key(
    deployed: Cloud, worker: Worker, capsys: pytest.CaptureFixture[str]
):
    """The host makes it at its first start, and starts when it is called."""
    deployed.azure.app.deploy(worker, looks=3)

    assert subscribe(capsys)["change"] == "created"


def test_a_webhook_that_is_still_asleep_is_asked_again(deployed: Cloud, capsys: pytest.CaptureFixture[str]):
    """Event Grid refuses a subscription whose webhook does not answer."""
    deployed.azure.app.cool(404, 503)

    assert subscribe(capsys)["change"] == "created"
    assert len(puts(deployed)) == 3


def test_the_key_is_shown_nowhere(deployed: Cloud, capsys: pytest.CaptureFixture[str], tmp_path: Path):
    """Not in what is printed, not in an error, not in the record of calls."""
    key = deployed.azure.app.keys["blobs_extension"]
    main(["subscribe"])
    deployed.azure.fail("PUT", SUBSCRIPTIONS, 409, "Conflict", f"https://app/?functionName=f&code={key} is in use")
    code = main(["subscribe", "--set", "RETRAIN_DEAD_LETTERS=letters"])
    deployed.azure.record(tmp_path / "record.txt")
    told = capsys.readouterr()

    assert code == 5
    assert "delivers to" in told.out
    assert key not in told.out + told.err + (tmp_path / "record.txt").read_text() + "".join(
        map(str, deployed.azure.calls)
    )


@pytest.mark.parametrize(
    ("options", "says", "code"),
    [
        (["RETRAIN_FUNCTION_APP="], "RETRAIN_FUNCTION_APP is not set", 4),
        (["RETRAIN_BLOB_SOURCE=LogsAndContainerScan"], "RETRAIN_BLOB_SOURCE is not EventGrid", 4),
        (["RETRAIN_PLATFORM=local"], "events need RETRAIN_PLATFORM=azure", 4),
        (["RETRAIN_FUNCTION_APP=another"], "there is no such resource", 2),
        (
            ["TRANSACTIONS_STORAGE__blobServiceUri=https://other.blob.core.windows.net"],
            "no Event Grid system topic of the storage account other; run `azd provision`",
            2,
        ),
    ],
    ids=["no app", "polls", "no Azure", "another app", "no topic"],
)
def test_what_is_missing_is_named(
    deployed: Cloud, capsys: pytest.CaptureFixture[str], options: list[str], says: str, code: int
):
    """Before anything is created."""
    assigned = [word for one in options for word in ("--set", one)]

    assert main(["subscribe", *assigned]) == code
    assert says in capsys.readouterr().err
    assert puts(deployed) == []


def test_code_without_the_function_is_not_subscribed(
    deployed: Cloud, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, worker: Worker
):
    """The host would accept every event and forget it."""
    monkeypatch.setattr(event_grid, "START_SECONDS", 0)
    monkeypatch.delitem(worker.functions, "retrain_on_new_data")

    assert main(["subscribe"]) == 5
    assert "has no function retrain_on_new_data within 0 s; deploy the code" in capsys.readouterr().err
    assert puts(deployed) == []


def test_a_missing_role_is_named(deployed: Cloud, capsys: pytest.CaptureFixture[str]):
    """With its scope."""
    denied = (
        "The client 'x' does not have authorization to perform action 'Microsoft.EventGrid/systemTopics"
        "/eventSubscriptions/write' over scope '/subscriptions/s'"
    )
    deployed.azure.fail("PUT", SUBSCRIPTIONS, 403, "AuthorizationFailed", denied)

    assert main(["subscribe"]) == 5
    assert "give this identity the role" in capsys.readouterr().err


def test_nothing_is_wrong_with_a_subscription_that_was_made(deployed: Cloud, capsys: pytest.CaptureFixture[str]):
    """Looking changes nothing."""
    subscribe(capsys)
    before = len(puts(deployed))

    assert fault(deployed) == ""
    assert len(puts(deployed)) == before


@pytest.mark.parametrize("what", ["none", "another container", "another key", "the host does not start"])
def test_each_fault_of_a_subscription_is_told(
    deployed: Cloud, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, what: str
):
    """With what to do."""
    if what != "none":
        subscribe(capsys)
    if what == "another container":
        deployed = replace(deployed, overrides={"TRANSACTIONS_CONTAINER": "other"})
    if what == "another key":
        monkeypatch.setitem(deployed.azure.app.keys, "blobs_extension", "renewed")
    if what == "the host does not start":
        deployed.azure.app.reset()

    assert ("see its log" if what == "the host does not start" else "run `retrain subscribe`") in fault(deployed)
