"""Who signs in: the identity of the app inside Azure, a person or a pipeline everywhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from retrain.adapters.azure.credentials import identify, in_azure
from retrain.doors.cli import main
from retrain.errors import AccessDenied
from tests.azure.cloud import CLIENT_ID, on_a_laptop
from tests.azure.emulator.identity import PERSON

if TYPE_CHECKING:
    from pathlib import Path

    from tests.azure.cloud import Cloud

ANYTHING = "https://management.azure.com/.default"


@pytest.fixture
def laptop(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """The app settings of a deployment in the shell of a person who is signed in by `az`."""
    on_a_laptop(cloud.azure, monkeypatch)
    for name, value in cloud.environment.items():
        monkeypatch.setenv(name, value)
    return cloud


@pytest.mark.parametrize("command", [["runs"], ["champion"], ["services"], ["landings"], ["events"]], ids=" ".join)
def test_a_command_works_on_a_laptop(laptop: Cloud, command: list[str]):
    """With the client id of the app among its settings."""
    assert laptop.settings.storage.client_id == CLIENT_ID
    assert main(command) == 0


def test_on_a_laptop_a_person_acts_and_not_the_app(laptop: Cloud):
    """With roles of their own."""
    who = identify(laptop.settings.storage.client_id, ANYTHING)

    assert (who.by, who.object_id) == ("az", PERSON)


def test_in_azure_the_identity_of_the_settings_acts(cloud: Cloud):
    """Whoever may be signed in there."""
    who = identify(cloud.settings.storage.client_id, ANYTHING)

    assert (who.by, who.object_id) == ("managed identity", CLIENT_ID)


@pytest.mark.parametrize(
    ("variables", "given"),
    [
        ({"IDENTITY_ENDPOINT": "http://localhost:1"}, True),
        ({"MSI_ENDPOINT": "http://localhost:1", "MSI_SECRET": "s"}, True),
        ({"MSI_ENDPOINT": "http://localhost:1"}, False),
        ({}, False),
    ],
    ids=["a Function App", "a job of Azure ML", "a Cloud Shell", "a laptop"],
)
def test_an_identity_is_given_to_apps_and_jobs(
    laptop: Cloud, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], given: bool
):
    """A Cloud Shell has an endpoint too, and there a person is signed in."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert in_azure() is given
    laptop.context  # noqa: B018 - whoever is signed in: a client can be made


def test_who_is_not_signed_in_learns_what_was_tried_and_what_to_do(
    laptop: Cloud, capsys: pytest.CaptureFixture[str]
):
    """From the storage and from Azure Resource Manager alike."""
    laptop.azure.signed_in = False
    code = main(["runs"])
    told = capsys.readouterr().err

    assert code == 5
    for part in (
        "tried workload identity (AZURE_FEDERATED_TOKEN_FILE is not set), az (",
        "azd (",
        "run `az login`",
    ):
        assert part in told
    with pytest.raises(AccessDenied, match=r"tried workload identity .* run `az login`"):
        laptop.context.platform.services()


def test_a_pipeline_signs_in_by_workload_identity_first(
    laptop: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """If the three variables are there: what it says stands beside what the tools say."""
    laptop.azure.signed_in = False
    monkeypatch.setenv("AZURE_TENANT_ID", "tenant")
    monkeypatch.setenv("AZURE_CLIENT_ID", "pipeline")
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(tmp_path / "missing"))
    main(["runs"])

    assert "tried workload identity (" in capsys.readouterr().err
