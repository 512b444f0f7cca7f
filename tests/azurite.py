"""Azurite as a child process on a free loopback port: real storage behaviour, nothing kept."""

from __future__ import annotations

import os
import socket
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from azure.storage.blob import BlobLeaseClient

from retrain.adapters.local.process import free_port
from retrain.poll import poll

if TYPE_CHECKING:
    from collections.abc import Iterator

    from azure.storage.blob import BlobClient

# More room for what is new and soon forgotten, so that it is swept a quarter as often.
NODE_OPTIONS = f'--require="{Path(__file__).with_suffix(".cjs")}" --max-semi-space-size=64'
ENVIRONMENT = {**os.environ, "NODE_OPTIONS": NODE_OPTIONS}
BINARIES = Path(__file__).parents[1] / "node_modules" / ".bin"
BINARY, WHOLE = BINARIES / "azurite-blob", BINARIES / "azurite"
# The account that every Azurite has, published in its documentation.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
ACCOUNT = "devstoreaccount1"
START_SECONDS = 120  # a shared machine may be ten times slower than an idle one
STOP_SECONDS = 60


@dataclass(frozen=True, slots=True)
class SecureAzurite:
    """An Azurite behind TLS, which takes tokens of an identity too; callers have to trust its certificate.

    Attributes:
        url: of the blob service.
    """

    url: str
    queue_url: str
    table_url: str
    account: str
    key: str
    certificate: Path
    certificate_key: Path
    connection: str


@contextmanager
def azurite() -> Iterator[str]:
    """Run Azurite's blob service and give its connection string."""
    if not BINARY.exists():
        pytest.skip("Azurite is not installed; run make setup")
    port = free_port()
    flags = ["--inMemoryPersistence", "--silent", "--disableTelemetry", "--skipApiVersionCheck"]
    command = [str(BINARY), "--blobHost", "127.0.0.1", "--blobPort", str(port), *flags]
    process = subprocess.Popen(command, env=ENVIRONMENT)
    try:
        _wait(port, process)
        yield (
            f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={KEY};"
            f"BlobEndpoint=http://127.0.0.1:{port}/devstoreaccount1;"
        )
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)


@contextmanager
def secure_azurite(folder: Path) -> Iterator[SecureAzurite]:
    """Run Azurite with TLS and OAuth; its certificate is written into the folder."""
    from tests.azure.emulator.tls import self_signed

    if not BINARY.exists():
        pytest.skip("Azurite is not installed; run make setup")
    ports, files = {kind: free_port() for kind in ("blob", "queue", "table")}, self_signed(folder)
    flags = ["--inMemoryPersistence", "--silent", "--disableTelemetry", "--skipApiVersionCheck"]
    secure = ["--oauth", "basic", "--cert", str(files.certificate), "--key", str(files.key)]
    where = [part for kind in ports for part in (f"--{kind}Host", "127.0.0.1", f"--{kind}Port", str(ports[kind]))]
    command = [str(WHOLE), *where, *flags, *secure]
    process = subprocess.Popen(
        command, env=ENVIRONMENT, stdout=subprocess.DEVNULL
    )  # it is not as silent as it was told to be
    url, queue_url, table_url = (f"https://127.0.0.1:{port}/{ACCOUNT}" for port in ports.values())
    connection = f"DefaultEndpointsProtocol=https;AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={url};"
    try:
        for port in ports.values():
            _wait(port, process)
        yield SecureAzurite(url, queue_url, table_url, ACCOUNT, KEY, files.certificate, files.key, connection)
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)


def end_lease(blob: BlobClient) -> None:
    """End the lease of a lock as time would: whoever held it is long gone, and the next holder need not wait."""
    lease = BlobLeaseClient(blob)
    lease.break_lease(0)
    lease.acquire()
    lease.release()


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in poll(START_SECONDS):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
    pytest.fail(f"Azurite did not start within {START_SECONDS} s (exit code {process.poll()})")
