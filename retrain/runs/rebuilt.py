"""What a rebuild asks for: all that had landed, what people decided since, and what was still waiting."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from retrain.errors import Conflict
from retrain.records.landing_log import Decided, LandedFile, Log, Retracted, Seen
from retrain.records.request import Accept, Drop, Evaluate, Land, Retract
from retrain.records.run import Run
from retrain.runs.asking import ask
from retrain.runs.inbox import is_marker

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from retrain.records.context import Context
    from retrain.records.landing_log import Entry
    from retrain.records.request import Request


@dataclass(slots=True)
class Rebuilt:
    """The requests of one rebuild, in the order in which they have to be worked off.

    Attributes:
        note: in every request: by it a rebuild that is continued knows those that it has made before.
        new_run: the run that does anew what an earlier one did.
    """

    context: Context
    note: str
    read_anew: bool
    requests: list[Request] = field(default_factory=list)
    new_run: dict[str, str] = field(default_factory=dict)

    def ask_again(self, log: Log, left: Sequence[Request]) -> list[Request]:
        """Ask for the entries of a log, for what was still waiting, and for the files that neither knows.

        A request that waited gets a new name; the run of its old name says which, or that it has to be asked again.

        Args: left: the requests that waited, oldest first.
        """
        done = {entry.run_id for entry in log.entries}  # killed before it could remove its request
        left = [one for one in left if one.run_id not in done and self.note not in (one.note or "")]
        files = {name for name, _ in self.context.inbox.listing("") if not is_marker(name)}
        last = _last_looks(log, left)
        for entry in log.entries:
            if isinstance(entry, Decided | Retracted) or (
                entry.source in files and last[entry.source] == entry.run_id
            ):
                self._repeat(entry)
        for request in left:
            if not isinstance(request, Land) or (request.file in files and last[request.file] == request.run_id):
                self._carry_over(request)
        for request in left:
            by = last[request.file] if isinstance(request, Land) else request.run_id
            self._tell(request, self.new_run.get(by))
        for file in sorted(files - last.keys()):
            self._ask(Land(run_id="", file=file, again=True))
        return self.requests

    def _repeat(self, entry: Entry) -> None:
        match entry:
            case LandedFile():
                joins = None if entry.has_ids else entry.joins
                read_with = None if self.read_anew else entry.read_with
                landing = Land(run_id="", file=entry.source, again=True, joins=joins, read_with=read_with)
                self._ask(landing, entry.run_id)
            case Seen():  # of a file that was refused, nothing is known of how it should be read
                self._ask(Land(run_id="", file=entry.source, again=True), entry.run_id)
            case Decided() if entry.of in self.new_run:
                kind = Accept if entry.kind == "accepted" else Drop
                of = self.new_run[entry.of]
                self._ask(kind(run_id="", of=of, days=entry.days, joins=entry.joins), entry.run_id)
            case Retracted() if entry.of in self.new_run:
                self._ask(Retract(run_id="", of=self.new_run[entry.of]), entry.run_id)

    def _carry_over(self, request: Request) -> None:
        match request:
            case Land():
                self._ask(request.evolve(again=True), request.run_id)
            case Accept() | Drop() | Retract() if request.of in self.new_run:
                self._ask(request.evolve(of=self.new_run[request.of]), request.run_id)
            case Evaluate():
                self._ask(request, request.run_id)

    def _tell(self, request: Request, new: str | None) -> None:
        """Say in the run of a request that waited what has become of it."""
        what = f"run {new} does what was asked for" if new else "ask again"
        run = Run.of(request, self.context.ledger.address(request.run_id))
        self.context.ledger.record(run.failed(Conflict(f"the store was rebuilt before it was made; {what}")))

    def _ask(self, request: Request, instead_of: str = "") -> None:
        """Ask for it under a new name, and under the settings that it was asked under."""
        note = f"{request.note}; {self.note}" if request.note else self.note
        context = replace(self.context, asked_under=request.settings or self.context.asked_under)
        asked = ask(partial(_named, request.evolve(note=note, begun=0, left_because="")), context)
        self.requests.append(asked)
        if instead_of:
            self.new_run[instead_of] = asked.run_id


def _named(request: Request, run_id: str) -> Request:
    return request.evolve(run_id=run_id)


def _last_looks(log: Log, left: Sequence[Request]) -> Mapping[str, str]:
    """The run in whose place each file lands: the inbox has the newest bytes of a name alone."""
    looks = {entry.source: entry.run_id for entry in log.looks}
    landed = {entry.source: entry.run_id for entry in log.looks if isinstance(entry, LandedFile)}
    return looks | landed | {request.file: request.run_id for request in left if isinstance(request, Land)}
