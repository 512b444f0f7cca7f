"""The Functions host as its storage sees it: what it does there at its start, by the app settings.

Source: learn.microsoft.com/azure/azure-functions, "Connecting to host storage with an identity":
containers of leases and keys, the queues of triggers, a table of diagnostic events.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests

from tests.azure.emulator.identity import API_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

STORAGE, TELEMETRY = "https://storage.azure.com/", "https://monitor.azure.com/"
VERSION = {"x-ms-version": "2023-11-03"}
SECONDS = 60


class HostFailed(Exception):
    """The host cannot do what its triggers need."""


@dataclass(frozen=True, slots=True)
class FunctionsHost:
    """One start of the host.

    Attributes:
        settings: app settings of the Function App.
        environment: how a process of the app signs in.
        certificate: whom it trusts.
    """

    settings: Mapping[str, str]
    environment: Mapping[str, str]
    certificate: str

    def start(self) -> None:
        """Take the lease that tells hosts apart, and keep the keys. Raises: HostFailed."""
        blobs = self.settings["AzureWebJobsStorage__blobServiceUri"].rstrip("/")
        for container in ("azure-webjobs-hosts", "azure-webjobs-secrets"):
            self._call("PUT", f"{blobs}/{container}?restype=container", there=409)
        lock = f"{blobs}/azure-webjobs-hosts/locks/{uuid.uuid4().hex}/host"
        self._call("PUT", lock, {"x-ms-blob-type": "BlockBlob"})
        self._call("PUT", f"{lock}?comp=lease", {"x-ms-lease-action": "acquire", "x-ms-lease-duration": "15"})

    def listen(self, queue: str) -> None:
        """Ask a queue for its next message. Raises: HostFailed."""
        queues = self.settings["TRANSACTIONS_STORAGE__queueServiceUri"].rstrip("/")
        self._call("PUT", f"{queues}/{queue}", there=204)
        self._call("GET", f"{queues}/{queue}/messages")

    def diagnose(self) -> None:
        """Make the table of diagnostic events. Raises: HostFailed."""
        tables = self.settings["AzureWebJobsStorage__tableServiceUri"].rstrip("/")
        body = {"TableName": f"AzureFunctionsDiagnosticEvents{uuid.uuid4().hex[:6]}"}
        headers = {"Accept": "application/json;odata=nometadata", "Content-Type": "application/json"}
        self._call("POST", f"{tables}/Tables", headers, body)

    def report(self) -> None:
        """Publish a line of the log. Raises: HostFailed."""
        connection = self.settings["APPLICATIONINSIGHTS_CONNECTION_STRING"]
        parts = dict(part.split("=", 1) for part in connection.split(";"))
        line = {"name": "Microsoft.ApplicationInsights.Message", "iKey": parts["InstrumentationKey"]}
        address = f"{parts['IngestionEndpoint'].rstrip('/')}/v2.1/track"
        self._call("POST", address, body=line, resource=TELEMETRY)

    def _call(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: object = None,
        there: int = 0,
        resource: str = STORAGE,
    ) -> None:
        sent = {**VERSION, "Authorization": f"Bearer {self._token(resource)}", **(headers or {})}
        extra = {"json": body} if body is not None else {"data": b""}
        answer = requests.request(method, url, headers=sent, verify=self.certificate, timeout=SECONDS, **extra)
        if not answer.ok and answer.status_code != there:
            raise HostFailed(f"{method} {url}: {answer.status_code} {answer.text}")

    def _token(self, resource: str) -> str:
        answer = requests.get(
            self.environment["IDENTITY_ENDPOINT"],
            {
                "resource": resource,
                "api-version": API_VERSION,
                "client_id": self.settings["AzureWebJobsStorage__clientId"],
            },
            headers={"X-IDENTITY-HEADER": self.environment["IDENTITY_HEADER"]},
            timeout=SECONDS,
        )
        answer.raise_for_status()
        return str(answer.json()["access_token"])
