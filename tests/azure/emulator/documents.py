"""A store of ARM documents by their path, which ARM compares without regard to case."""

from __future__ import annotations

import copy
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tests.azure.emulator.routes import not_found

if TYPE_CHECKING:
    from collections.abc import Callable

    Document = dict[str, Any]


class Documents:
    """Whoever reads gets a copy; whoever changes what he has read does both under the lock."""

    def __init__(self) -> None:
        self._documents: dict[str, Document] = {}
        self.lock = threading.RLock()

    def put(self, path: str, body: Document) -> tuple[Document, bool]:
        """Keep a body under its path; True if it is new."""
        with self.lock:
            there = self._documents.get(path.lower())
            made = there["systemData"]["createdAt"] if there else moment()
            document = {
                **copy.deepcopy(body),
                "id": path,
                "name": path.rpartition("/")[2],
                "type": kind_of(path),
                "systemData": {
                    "createdAt": made,
                    "createdBy": "emulator",
                    "createdByType": "Application",
                    "lastModifiedAt": moment(),
                },
            }
            document.setdefault("properties", {})
            self._documents[path.lower()] = document
            return copy.deepcopy(document), there is None

    def find(self, path: str) -> Document | None:
        """The document, if there is one."""
        with self.lock:
            return copy.deepcopy(self._documents.get(path.rstrip("/").lower()))

    def get(self, path: str) -> Document:
        """The document.

        Raises: ArmError if there is none.
        """
        document = self.find(path)
        if document is None:
            raise not_found(path)
        return document

    def change(self, path: str, change: Callable[[Document], Any]) -> Document:
        """Change a document in its place.

        Raises: ArmError if there is none.
        """
        with self.lock:
            if path.lower() not in self._documents:
                raise not_found(path)
            change(self._documents[path.lower()])
            return self.get(path)

    def children(self, path: str) -> list[Document]:
        """The documents directly below a path, the newest first."""
        below = path.rstrip("/").lower() + "/"
        with self.lock:
            found = [
                document
                for key, document in self._documents.items()
                if key.startswith(below) and "/" not in key.removeprefix(below)
            ]
            return copy.deepcopy(found[::-1])

    def remove(self, path: str) -> bool:
        """Forget a document and all below it; False if there was none."""
        key = path.rstrip("/").lower()
        with self.lock:
            for below in [other for other in self._documents if other.startswith(key + "/")]:
                del self._documents[below]
            return self._documents.pop(key, None) is not None


def set_state(state: str) -> Callable[[Document], None]:
    """A change of a document's provisioning state."""
    return lambda document: document["properties"].update(provisioningState=state)


def kind_of(path: str) -> str:
    """The resource type that a path names: every other segment after the provider."""
    provider, *rest = path.partition("/providers/")[2].split("/")
    return "/".join([provider, *rest[::2]])


def moment() -> str:
    """Now, as ARM writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
