"""Secrets: every one that can be set is marked, every way to fail is gone, and the marks are looked for everywhere.

Everywhere is what is logged, printed, answered, kept in the stores, raised as it would be shown, and the list of
processes. Only a service's own record, which its user alone may read, holds its key.
"""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient

from retrain.errors import ConfigError
from retrain.settings import parse
from tests.drills.evidence import (
    ACCOUNT_KEY,
    AWAY,
    CLIENT_SECRET,
    COMMANDS,
    DOWNLOAD,
    HEX,
    MARKS,
    SIGNATURE,
    Evidence,
    doors_of,
    see_no_mark,
)

ROOT = Path(__file__).parents[2]


def test_a_storage_that_is_away_is_told_without_its_key(evidence: Evidence):
    """Through every door and every command, for people and for machines."""
    evidence.set(RETRAIN_STORE="blob")

    told = doors_of(evidence)
    for command in COMMANDS:
        evidence.command(command)
        evidence.command(f"{command} --json")

    assert any("does not answer" in each for each in told)
    see_no_mark(evidence, "doors and commands while the storage is away")


def test_a_storage_that_refuses_the_key_is_told_without_it(evidence: Evidence, storage: str):
    """A wrong key, one that is no key, a container that is not there."""
    endpoint = storage.partition("BlobEndpoint=")[2]
    wrong = f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={ACCOUNT_KEY}"
    evidence.set(RETRAIN_STORE="blob", TRANSACTIONS_STORAGE=f"{wrong};BlobEndpoint={endpoint}")

    told = doors_of(evidence)
    evidence.set(TRANSACTIONS_STORAGE=f"{wrong}?;BlobEndpoint={endpoint}")
    told += doors_of(evidence)
    for command in COMMANDS:
        evidence.command(command)

    assert any("refused" in each for each in told)
    see_no_mark(evidence, "doors and commands while the storage refuses", "Azurite")


def test_a_container_that_is_not_there_and_a_refused_file_are_told_without_the_key(
    evidence: Evidence, storage: str, monkeypatch: pytest.MonkeyPatch
):
    """On Azurite with the key that it takes; all that is kept there is looked through too."""
    key = storage.partition("AccountKey=")[2].partition(";")[0]
    monkeypatch.setattr("tests.drills.evidence.MARKS", (*MARKS, key))
    names = {"TRANSACTIONS_CONTAINER": f"in-{os.urandom(4).hex()}", "RETRAIN_STATE_CONTAINER": os.urandom(4).hex()}
    evidence.set(RETRAIN_STORE="blob", TRANSACTIONS_STORAGE=storage, **names)

    doors_of(evidence)
    evidence.command("land FILE")
    (evidence.root / "land.csv").write_bytes(b"%PDF-1.7")
    refused = evidence.command("land FILE --json")
    evidence.command("runs --json")

    assert "found" in refused
    with BlobServiceClient.from_connection_string(storage) as service:
        for container in names.values():
            client = service.get_container_client(container)
            evidence.said += [
                client.download_blob(name).readall().decode(errors="replace") for name in client.list_blob_names()
            ]
    see_no_mark(evidence, "doors and commands without a container, with a refused file", "Azurite")


REFUSED = {
    "a connection string without an account": ("TRANSACTIONS_STORAGE", f"AccountKey={ACCOUNT_KEY}"),
    "a key alone": ("TRANSACTIONS_STORAGE", ACCOUNT_KEY),
    "a signature after the container": (
        "TRANSACTIONS_STORAGE__blobServiceUri", f"https://x.blob.core.windows.net/a?sv=1&sig={SIGNATURE}"),
    "a signature after a slash": (
        "TRANSACTIONS_STORAGE__blobServiceUri", f"https://x.blob.core.windows.net/?sv=1&sig={SIGNATURE}"),
    "an address without TLS": (
        "TRANSACTIONS_STORAGE__blobServiceUri", f"http://x.blob.core.windows.net?sig={SIGNATURE}"),
    "a download by another way": ("RETRAIN_ACQUIRE_URL", f"ftp://x/history.csv?sig={DOWNLOAD}"),
}  # fmt: skip
ACCEPTED = {
    "a signature after the host": f"https://x.blob.core.windows.net?sv=1&sig={SIGNATURE}",
    "a signature after a hash": f"https://x.blob.core.windows.net#{SIGNATURE}",
    "a user before the host": f"https://x:{SIGNATURE}@x.blob.core.windows.net",
}


@pytest.mark.parametrize("refused", REFUSED)
def test_a_setting_that_is_refused_is_not_shown_if_it_may_hold_a_secret(evidence: Evidence, refused: str):
    """Its name and what it may be are told, not what it is."""
    name, value = REFUSED[refused]
    evidence.set(RETRAIN_STORE="blob", **{name: value})

    told = [*doors_of(evidence), evidence.command("runs"), evidence.command("runs --json")]

    assert all(name in each for each in told)
    see_no_mark(evidence, "doors that met a refused setting")


@pytest.mark.parametrize("value", ACCEPTED.values(), ids=ACCEPTED)
def test_an_endpoint_with_a_secret_in_it_is_refused_however_it_is_written(evidence: Evidence, value: str):
    """It is signed in to by identity; the signature would be told to every job."""
    evidence.monkeypatch.delenv("TRANSACTIONS_STORAGE")
    evidence.set(RETRAIN_STORE="blob", TRANSACTIONS_STORAGE__blobServiceUri=value)

    with pytest.raises(ConfigError, match="TRANSACTIONS_STORAGE__blobServiceUri"):
        parse(os.environ)


@pytest.mark.parametrize(
    ("name", "value"), [("RETRAIN_ORDER", "many"), ("RETRAIN_HORIZON_DAYS", "90"), ("RETRAIN_STOER", "blob")]
)
def test_another_setting_that_is_refused_shows_no_secret_beside_it(evidence: Evidence, name: str, value: str):
    """Its own value only."""
    evidence.set(**{name: value})

    assert all(name in each for each in doors_of(evidence))
    see_no_mark(evidence, "doors that met a refused setting")


def test_a_secret_in_the_wrong_setting_is_not_shown(evidence: Evidence):
    """Whatever setting it was pasted into, where that does not take it."""

    def refused(name: str, secret: str) -> None:
        parse({**evidence.environment, name: secret})

    for name in json.loads((ROOT / "local.settings.sample.json").read_bytes())["Values"]:
        for secret in (AWAY, ACCOUNT_KEY, CLIENT_SECRET, HEX, f"https://x.blob.core.windows.net?sig={SIGNATURE}"):
            evidence.hears(partial(refused, name, secret))

    see_no_mark(evidence, "secrets in a setting that is for something else")


@pytest.mark.usefixtures("evidence")
def test_settings_that_are_printed_hide_the_storage():
    """So does what a job is told."""
    settings = parse(os.environ)
    told = repr(settings.storage.connection) + json.dumps(settings.as_environment)

    assert not any(mark in told for mark in MARKS)


def test_settings_that_are_printed_hide_the_download(evidence: Evidence):
    """An error may show the arguments of a call, and settings are one of most calls."""
    evidence.hears(lambda: parse(os.environ))

    see_no_mark(evidence, "settings that were printed")
