"""The requests that wait: written down before anything else, and removed when their runs have ended."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from retrain.ports import ABSENT
from retrain.records.base import set_aside, skipping
from retrain.records.request import RUN_ID, OfNewerCode, parse_request

if TYPE_CHECKING:
    from retrain.ports import ObjectStore, Stored
    from retrain.records.request import BaseRequest, Request

FOLDER = "requests/"
NAME = re.compile(rf"{FOLDER}({RUN_ID.pattern})\.json", re.ASCII)


class Queue:
    """What is still to be done: one record for each request, by the name of its run."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def ask(self, request: BaseRequest) -> None:
        """Write a request down; it stays until its run has ended. Raises: Conflict if there is one of that name."""
        self._store.write(_name(request.run_id), request.to_json(), if_etag=ABSENT)

    def asked(self) -> list[str]:
        """The runs that wait, ascending, whether their requests can be read or not.

        Other files in the folder are passed over.
        """
        return [named[1] for name in self._store.names(FOLDER) if (named := NAME.fullmatch(name))]

    def requests(self) -> list[Request]:
        """What is still to be done, oldest first.

        A damaged request is set aside under `unreadable/`, and so is one under another run's name. One that only
        newer code knows is left to it. One that the store refuses is passed over; `runs` names it.
        """
        found: list[Request] = []
        for run_id in self.asked():
            with skipping():
                request = self.request(run_id)
                found += [request] if request else []
        return found

    def request(self, run_id: str) -> Request | None:
        """One of them; None if it is gone, set aside, or left to newer code."""
        stored = self._store.read(_name(run_id))
        return self._parsed(run_id, stored) if stored else None

    def _parsed(self, run_id: str, stored: Stored) -> Request | None:
        try:
            request = parse_request(stored.data)
        except OfNewerCode:
            return None
        except ValueError:
            request = None
        if request is not None and request.run_id == run_id:
            return request
        set_aside(self._store, _name(run_id), stored)
        return None

    def begin(self, request: BaseRequest) -> int | None:
        """Note that a request's run begins.

        Returns: how many times it has begun without coming to an end, this time included; None if the request is
            gone, because somebody else has made its run meanwhile.
        Raises: Conflict if somebody else changes it at this moment.
        """
        name = _name(request.run_id)
        stored = self._store.read(name)
        there = self._parsed(request.run_id, stored) if stored else None
        if stored is None or there is None:
            return None
        begun = there.begun + 1
        self._store.write(name, request.evolve(begun=begun).to_json(), if_etag=stored.etag)
        return begun

    def put_back(self, request: BaseRequest) -> None:
        """Note that its process is alive: the run has to be made again, if the request is still there."""
        name = _name(request.run_id)
        stored = self._store.read(name)
        if stored is not None:
            self._store.write(name, request.evolve(begun=0).to_json(), if_etag=stored.etag)

    def done(self, run_id: str) -> None:
        """Remove a request; its run has been recorded."""
        self._store.delete(_name(run_id))


def _name(run_id: str) -> str:
    return f"{FOLDER}{run_id}.json"
