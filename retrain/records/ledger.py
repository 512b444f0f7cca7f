"""What was asked, what came of it, and which model version answers now: requests, runs, the champion pointer."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from retrain.errors import Conflict, NotFound, ServiceError
from retrain.gate.unseen import from_csv
from retrain.ports import ABSENT
from retrain.records.request import RUN_ID, Request, Trigger, new_run_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from retrain.gate.unseen import UnseenDay
    from retrain.ports import ObjectStore

POINTER = "champion.json"
BEGUN = "begun"
NOBODY = ""
"""The version of a reign that ended a first champion's, which had failed and had no predecessor."""


@dataclass(frozen=True, slots=True)
class Reign:
    """One version's time as champion, from `since` until the next one's."""

    version: str
    since: datetime
    run_id: str


@dataclass(frozen=True, slots=True)
class Pointer:
    """All reigns, the present one last, and the ETag under which it may be moved."""

    reigns: tuple[Reign, ...]
    etag: str

    @property
    def champion(self) -> Reign | None:
        """None before the first promotion, or when a first champion was taken back."""
        return _crowned(self.reigns[-1] if self.reigns else None)

    def on(self, day: date) -> Reign | None:
        """Who was champion when that day (UTC) ended; None before the first."""
        return _crowned(next((reign for reign in reversed(self.reigns) if reign.since.date() <= day), None))

    def during(self, day: date) -> tuple[Reign, ...]:
        """Everybody who was champion for some part of that day (UTC), in their order."""
        before = _crowned(next((reign for reign in reversed(self.reigns) if reign.since.date() < day), None))
        within = tuple(reign for reign in self.reigns if reign.since.date() == day and _crowned(reign))
        return (*((before,) if before else ()), *within)

    @property
    def versions(self) -> list[str]:
        """Every version that was confirmed as champion, the latest first, each once.

        A reign that the same run ended was a switch that had to be taken back.
        """
        followers = {before: after.run_id for before, after in pairwise(self.reigns)}
        kept = [reign for reign in self.reigns if reign.run_id != followers.get(reign)]
        return list(dict.fromkeys(reign.version for reign in reversed(kept) if reign.version != NOBODY))


def _crowned(reign: Reign | None) -> Reign | None:
    return None if reign is None or reign.version == NOBODY else reign


class Ledger:
    """Small records in an object store."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def ask(self, request: Request) -> None:
        """Write a request down; it stays until `done`."""
        self._write(f"requests/{request.run_id}.json", asdict(request), if_etag=ABSENT)

    def name_run(self, now: datetime) -> str:
        """A new run's name, which sorts behind everything that waits and belongs to no run that was made."""
        waiting = (name.split("/")[1].removesuffix(".json") for name in self._store.names("requests/"))
        newest = max((name for name in waiting if RUN_ID.fullmatch(name)), default="")
        while self.report(name := new_run_id(now, newest)) is not None:
            pass
        return name

    def requests(self) -> list[Request]:
        """What is still to be done, oldest first. What cannot be understood is set aside, not obeyed."""
        return [request for name in self._store.names("requests/") if (request := self._request(name))]

    def _request(self, name: str) -> Request | None:
        stored = self._store.read(name)
        if stored is None:
            return None
        try:
            asked = json.loads(stored.data)
            begun = asked.pop(BEGUN, 0)
            if not isinstance(begun, int):
                raise TypeError(f"{BEGUN} is {begun!r}")
            return Request(**{**asked, "trigger": Trigger(asked["trigger"])})
        except (ValueError, KeyError, TypeError, AttributeError):
            self._store.write(f"unreadable/{name}", stored.data)
            self._store.delete(name)
            return None

    def begin(self, request: Request) -> int | None:
        """Note that a request's run begins.

        Returns: how many times it has begun without coming to an end, this time among them; None if the request has
            been struck out meanwhile.
        Raises: Conflict if somebody else changes it at this moment.
        """
        name = f"requests/{request.run_id}.json"
        stored = self._store.read(name)
        if stored is None:
            return None
        begun: int = json.loads(stored.data).get(BEGUN, 0) + 1
        self._write(name, {**asdict(request), BEGUN: begun}, if_etag=stored.etag)
        return begun

    def ended(self, request: Request) -> None:
        """Note that its run came to an end, if the request is there still: it has to be made again."""
        name = f"requests/{request.run_id}.json"
        stored = self._store.read(name)
        if stored is not None:
            self._write(name, asdict(request), if_etag=stored.etag)

    def done(self, request: Request) -> None:
        """Strike a request out; its run has been recorded."""
        self._store.delete(f"requests/{request.run_id}.json")

    def record(self, run_id: str, report: Mapping[str, Any]) -> None:
        """Keep a run's report."""
        self._write(f"runs/{run_id}/report.json", report)

    def keep_traceback(self, run_id: str, text: str) -> None:
        """For whoever mends the bug; no route shows it."""
        self._store.write(f"runs/{run_id}/traceback.txt", text.encode())

    def keep_build_log(self, run_id: str, text: str) -> None:
        """What the builder of the image wrote."""
        self._store.write(f"runs/{run_id}/build.log", text.encode())

    def keep_unseen_days(self, run_id: str, text: str) -> None:
        """What the comparison rests on, day by day."""
        self._store.write(f"runs/{run_id}/unseen.csv", text.encode())

    def unseen_days(self, run_id: str) -> tuple[UnseenDay, ...]:
        """The same, read back; empty where nothing was compared."""
        stored = self._store.read(f"runs/{run_id}/unseen.csv") if RUN_ID.fullmatch(run_id) else None
        try:
            return from_csv(stored.data.decode()) if stored else ()
        except (ValueError, TypeError) as exc:
            raise _unreadable(self._store.address(f"runs/{run_id}/unseen.csv"), exc) from exc

    def report(self, run_id: str) -> dict[str, Any] | None:
        """A run's report; None if there is none yet."""
        return self._read(f"runs/{run_id}/report.json")

    def run(self, run_id: str) -> dict[str, Any]:
        """A run's report, or the fact that it waits its turn. Raises: NotFound."""
        if RUN_ID.fullmatch(run_id):
            report = self.report(run_id)
            if report is not None:
                return report
            asked = self._read(f"requests/{run_id}.json")
            if asked is not None:
                return {"run_id": run_id, "trigger": asked["trigger"], "status": "queued"}
        raise NotFound(f"there is no run {run_id[:40]!r}; `runs` lists them")

    def runs(self, newest: int) -> list[dict[str, Any]]:
        """The newest reports, newest first."""
        names = [name for name in self._store.names("runs/") if name.endswith("/report.json")]
        return [report for name in names[: -newest - 1 : -1] if (report := self._read(name))]

    def address(self, run_id: str) -> str:
        """Where a run's artifacts are."""
        return self._store.address(f"runs/{run_id}/report.json")

    def concluded(self, key: str) -> dict[str, Any] | None:
        """The run that decided this very question before, if there is one."""
        return self._read(f"verdicts/{key}.json")

    def conclude(self, key: str, run_id: str, verdict: str, reason: str) -> None:
        """Remember that the question has been decided."""
        self._write(f"verdicts/{key}.json", {"run_id": run_id, "verdict": verdict, "reason": reason})

    def pointer(self) -> Pointer:
        """Who is champion.

        Raises: ServiceError if the record cannot be understood, or is gone though models were registered: that is
            not the same as no champion.
        """
        stored = self._store.read(POINTER)
        if stored is None:
            if any(self._store.names("models/")):
                raise ServiceError(f"{self._store.address(POINTER)} is gone; restore it from a backup")
            return Pointer((), ABSENT)
        try:
            record = json.loads(stored.data)
            entries = record["reigns"]
            if not isinstance(entries, list) or record["champion"] != (entries[-1] if entries else None):
                raise ValueError("the champion is not the last of the reigns")
            reigns = tuple(
                Reign(entry["version"], datetime.fromisoformat(entry["since"]), entry["run_id"])
                for entry in entries
            )
        except (ValueError, KeyError, TypeError) as exc:
            raise _unreadable(self._store.address(POINTER), exc) from exc
        return Pointer(reigns, stored.etag)

    def found(self) -> None:
        """Write down that there is no champion yet, so that a pointer which is gone is noticed later."""
        with suppress(Conflict):
            self._write(POINTER, {"champion": None, "reigns": []}, if_etag=ABSENT)

    def switch(self, pointer: Pointer, reign: Reign) -> None:
        """Make a version the champion, no sooner than the one before became it, should the clock have gone back.

        Raises: Conflict if the pointer is no longer the one given.
        """
        if pointer.reigns:
            reign = replace(reign, since=max(reign.since, pointer.reigns[-1].since))
        entries = [
            {"version": past.version, "since": past.since.isoformat(), "run_id": past.run_id}
            for past in (*pointer.reigns, reign)
        ]
        self._write(POINTER, {"champion": entries[-1], "reigns": entries}, if_etag=pointer.etag)

    def promotion(self, run_id: str) -> dict[str, Any] | None:
        """How far a run's promotion has come; None if it has none."""
        return self._read(f"promotions/{run_id}.json") if RUN_ID.fullmatch(run_id) else None

    def note_promotion(self, run_id: str, state: Mapping[str, Any]) -> None:
        """Keep how far a promotion has come."""
        self._write(f"promotions/{run_id}.json", state)

    def _read(self, name: str) -> dict[str, Any] | None:
        stored = self._store.read(name)
        if stored is None:
            return None
        try:
            record: dict[str, Any] = json.loads(stored.data)
        except ValueError as exc:
            raise _unreadable(self._store.address(name), exc) from exc
        return record

    def _write(self, name: str, record: Mapping[str, Any], if_etag: str | None = None) -> None:
        data = json.dumps(record, indent=1, allow_nan=False, default=str).encode()
        self._store.write(name, data, if_etag)


def _unreadable(where: str, exc: Exception) -> ServiceError:
    return ServiceError(f"{where} cannot be read ({type(exc).__name__}); restore it from a backup")
