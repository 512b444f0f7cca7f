"""The requests that wait: written down before anything else, and removed when their runs have ended."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from retrain.errors import Conflict
from retrain.ports import ABSENT
from retrain.records.base import set_aside, skipping
from retrain.records.request import RUN_ID, parse_request

if TYPE_CHECKING:
    from collections.abc import Iterable

    from retrain.ports import ObjectStore, Stored
    from retrain.records.request import BaseRequest, Request

FOLDER = "requests/"
NAME = re.compile(rf"{FOLDER}({RUN_ID.pattern})\.json", re.ASCII)


@dataclass(slots=True)
class Memory:
    """What one process knows of the queue: so that it does not read at once what it has just written.

    Attributes:
        etags: of the requests as they were read or written last.
        listed: the runs that waited when a run was named just now; None if none was.
        asked: the requests that were asked for from here, and not read since.
    """

    etags: dict[str, str] = field(default_factory=dict)
    listed: list[str] | None = None
    asked: dict[str, Request] = field(default_factory=dict)


class Queue:
    """What is still to be done: one record for each request, by the name of its run."""

    def __init__(self, store: ObjectStore, memory: Memory | None = None) -> None:
        self._store = store
        self._memory = memory or Memory()

    def ask(self, request: BaseRequest) -> None:
        """Write a request down; it stays until its run has ended. Raises: Conflict if there is one of that name."""
        etag = self._store.write(_name(request.run_id), request.to_json(), if_etag=ABSENT)
        self._memory.etags[request.run_id] = etag
        self._memory.asked[request.run_id] = cast("Request", request)  # the base is never asked for

    @property
    def asked_here(self) -> set[str]:
        """The runs that were asked for from here, and whose requests were not read since."""
        return {*self._memory.asked}

    def newest(self, before: str) -> str:
        """The newest run that waits, of those whose names sort before this text; empty if none does."""
        self._memory.listed = self.asked()
        return max((run_id for run_id in self._memory.listed if run_id < before), default="")

    def asked(self) -> list[str]:
        """The runs that wait, ascending, whether their requests can be read or not.

        Other files in the folder are passed over.
        """
        return [named[1] for name in self._store.names(FOLDER) if (named := NAME.fullmatch(name))]

    def asked_lately(self) -> list[str]:
        """The same; as it was when a run was named, if that was just now: a round of work begins with it.

        A round looks again at its end, so what was asked since is not left.
        """
        listed, self._memory.listed = self._memory.listed, None
        return self.asked() if listed is None else sorted({*listed, *self._memory.asked})

    def requests(self, asked_lately: Iterable[str] | None = None) -> list[Request]:
        """What is still to be done, oldest first.

        Args: asked_lately: the runs; what was asked for from here just now is not read again.

        A damaged request is set aside under `unreadable/`, and so is one under another run's name. One that the
        store refuses is passed over; `runs` names it.
        """
        found: list[Request] = []
        for run_id in self.asked() if asked_lately is None else asked_lately:
            with skipping():
                known = self._memory.asked.pop(run_id, None) if asked_lately is not None else None
                request = known or self.request(run_id)
                found += [request] if request else []
        return found

    def request(self, run_id: str) -> Request | None:
        """One of them; None if it is gone or set aside."""
        stored = self._store.read(_name(run_id))
        if stored is None:
            return None
        self._memory.etags[run_id] = stored.etag
        if self._memory.asked.pop(run_id, None) is not None:  # it is not as it was asked for any more
            self._memory.listed = None
        return self._parsed(run_id, stored)

    def _parsed(self, run_id: str, stored: Stored) -> Request | None:
        try:
            request = parse_request(stored.data)
        except ValueError:
            request = None
        if request is not None and request.run_id == run_id:
            return request
        set_aside(self._store, _name(run_id), stored)
        return None

    def begin(self, request: BaseRequest) -> int | None:
        """Note that a request's run begins.

        Args: request: as it was read or written here last.
        Returns: how many times it has begun without coming to an end, this time included; None if the request is
            gone, because somebody else has made its run meanwhile.
        Raises: Conflict if somebody else has changed it since.
        """
        there = request if request.run_id in self._memory.etags else self.request(request.run_id)
        if there is None:
            return None
        begun = there.begun + 1
        return begun if self._replaced(request.evolve(begun=begun, attempts=there.attempts + 1)) else None

    def put_back(self, request: BaseRequest) -> None:
        """Note that its process is alive: the run has to be made again, if the request is still there."""
        self._replaced(request.evolve(begun=0, attempts=request.attempts + 1))

    def leave(self, request: BaseRequest, because: str) -> None:
        """Note why a request is left waiting, if that is new. Raises: Conflict if somebody else has changed it."""
        if request.left_because != because:
            there = self.request(request.run_id)  # its run may have begun since it was read
            if there is not None:
                self._replaced(there.evolve(left_because=because))

    def _replaced(self, request: BaseRequest) -> bool:
        """Whether a request was there to be replaced. Raises: Conflict if somebody else has changed it."""
        etags, run_id = self._memory.etags, request.run_id
        if run_id not in etags and self.request(run_id) is None:
            return False
        try:
            etags[run_id] = self._store.write(_name(run_id), request.to_json(), if_etag=etags.pop(run_id))
        except Conflict:
            if self.request(run_id) is None:
                return False
            raise
        return True

    def done(self, run_id: str) -> None:
        """Remove a request; its run has been recorded."""
        self._store.delete(_name(run_id))
        self._memory.etags.pop(run_id, None)


def _name(run_id: str) -> str:
    return f"{FOLDER}{run_id}.json"
