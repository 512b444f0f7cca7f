"""Immutable versions of one model: the artifact by its sha256, and a small record for each version."""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import suppress
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Self

from retrain.errors import ConfigError, Conflict, DamagedRecord, NotFound
from retrain.ports import ABSENT
from retrain.records.base import RESTORE, missing, parsed, put_new, unreadable
from scoring.model import BadArtifact, ForecastModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from retrain.ports import ObjectStore


MODELS, VERSIONS, ARTIFACTS = "models/", "versions/", "artifacts/"
VERSION = re.compile(r"[1-9]\d{0,8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Lineage:
    """What a model was made from.

    Attributes:
        data_sha256: of the whole series, days included that were filled in.
        days_sha256: of the days as they had been accepted: another one now means that some were corrected.
        added: what newer code has noted besides; it is kept wherever the lineage is written.
    """

    data_sha256: str
    days_sha256: str
    trained_from: date
    trained_through: date
    order: str
    code_version: str
    added: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def as_json(self) -> dict[str, Any]:
        """As it stands in the record and in the artifact."""
        return {**self.added, **{name: str(getattr(self, name)) for name in self._names()}}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """Read it back. Raises: KeyError, TypeError or ValueError if it is damaged."""
        known = {name: record[name] for name in cls._names()}
        days = {name: date.fromisoformat(record[name]) for name in ("trained_from", "trained_through")}
        return cls(**{**known, **days}, added={name: record[name] for name in record.keys() - known.keys()})

    @classmethod
    def _names(cls) -> list[str]:
        return [each.name for each in fields(cls) if each.name != "added"]


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """One version. `run_id` is the run that registered it first."""

    name: str
    version: str
    artifact_sha256: str
    lineage: Lineage
    run_id: str

    def as_json(self) -> dict[str, str]:
        """How a report names it."""
        return {"name": self.name, "version": self.version, "artifact_sha256": self.artifact_sha256}


def artifact_name(sha256: str) -> str:
    """Where the store of the state keeps an artifact."""
    return f"{ARTIFACTS}{sha256}.json"


def service_name(model: str, version: str) -> str:
    """One service a version."""
    return f"{model}-v{version}"


class Registry:
    """The versions 1, 2, 3, ... of one model in an object store."""

    def __init__(self, store: ObjectStore, name: str) -> None:
        self._store, self.name = store, name
        self._new_artifacts: set[str] = set()
        self._new_versions: set[str] = set()

    def keep(self, artifact: bytes) -> str:
        """Store an artifact, which makes it no version yet, and give its sha256."""
        digest = hashlib.sha256(artifact).hexdigest()
        if put_new(self._store, artifact_name(digest), artifact):
            self._new_artifacts.add(digest)
        return digest

    def register(
        self, artifact_sha256: str, lineage: Lineage, run_id: str, now: datetime, newest_known: str = "0"
    ) -> RegisteredModel:
        """Make a kept artifact a version. Idempotent: the same artifact of the same lineage is the same version.

        Another fit of the same data is another version: what answers has to be what was submitted.

        Args: newest_known: a version that there is; the nearer to the newest one, the less has to be looked at.
        Raises: Conflict if somebody else registers at the same moment.
        """
        if artifact_sha256 in self._new_artifacts:  # no version can have it
            with suppress(Conflict):
                return self._made(int(newest_known) + 1, artifact_sha256, lineage, run_id, now)
        there, newest = self._found(artifact_sha256, lineage)
        return there or self._made(newest + 1, artifact_sha256, lineage, run_id, now)

    def registered(self, artifact_sha256: str, lineage: Lineage) -> RegisteredModel | None:
        """The version that an artifact of a lineage is; None if it is none."""
        return self._found(artifact_sha256, lineage)[0]

    def has_made(self, model: RegisteredModel) -> bool:
        """Whether this object has registered it just now, so that nothing can be known of it elsewhere."""
        return model.version in self._new_versions

    def _found(self, artifact_sha256: str, lineage: Lineage) -> tuple[RegisteredModel | None, int]:
        """The same, and the newest version there is; 0 for none."""
        versions, index = self.versions(), self._index(artifact_sha256, lineage)
        newest = int(versions[-1]) if versions else 0
        # The newest one is not in the index yet if its process died before it could note it.
        for version in filter(None, (self._indexed(index), *versions[-1:])):
            there = self._known(version)
            if there and (there.lineage, there.artifact_sha256) == (lineage, artifact_sha256):
                return there, newest
        return None, newest

    def _made(
        self, number: int, artifact_sha256: str, lineage: Lineage, run_id: str, now: datetime
    ) -> RegisteredModel:
        """The new version of this number. Raises: Conflict if there is one."""
        version = str(number)
        record = {
            "name": self.name,
            "version": version,
            "artifact_sha256": artifact_sha256,
            "lineage": lineage.as_json(),
            "run_id": run_id,
            "registered_at": now.isoformat(),
        }
        self._store.write(self._record(version), json.dumps(record, indent=1).encode(), if_etag=ABSENT)
        self._store.write(self._index(artifact_sha256, lineage), json.dumps({"version": version}).encode())
        self._new_artifacts.discard(artifact_sha256)
        self._new_versions.add(version)
        return RegisteredModel(self.name, version, artifact_sha256, lineage, run_id)

    def _index(self, artifact_sha256: str, lineage: Lineage) -> str:
        """Where it stands which version an artifact of a lineage is: so that none of the others has to be read."""
        identity = json.dumps([self.name, artifact_sha256, lineage.as_json()]).encode()
        return f"{VERSIONS}{hashlib.sha256(identity).hexdigest()}.json"

    def _indexed(self, index: str) -> str:
        """The version that an index names; empty if there is none, or it is damaged."""
        stored = self._store.read(index)
        with suppress(ValueError, KeyError, TypeError):
            return str(parsed(stored.data)["version"]) if stored else ""
        return ""

    def _known(self, version: str) -> RegisteredModel | None:
        """A version; None if there is none, or its record is damaged: that stops no new one."""
        with suppress(NotFound, DamagedRecord):
            return self.get(version)
        return None

    def versions(self) -> list[str]:
        """Ascending."""
        folder = f"{MODELS}{self.name}/"
        names = self._store.names(folder)
        found = (name.removeprefix(folder).removesuffix(".json") for name in names if name.endswith(".json"))
        return sorted((name for name in found if VERSION.fullmatch(name)), key=int)

    def get(self, version: str) -> RegisteredModel:
        """A version that a person names. Raises: NotFound; DamagedRecord."""
        stored = self._store.read(self._record(version)) if VERSION.fullmatch(version) else None
        if stored is None:
            raise NotFound(f"model {self.name} has no version {version[:20]}")
        try:
            record: dict[str, Any] = parsed(stored.data)
            return RegisteredModel(
                name=record["name"],
                version=record["version"],
                artifact_sha256=record["artifact_sha256"],
                lineage=Lineage.from_json(record["lineage"]),
                run_id=record["run_id"],
            )
        except (ValueError, KeyError, TypeError) as exc:
            raise unreadable(self._store, self._record(version), exc) from exc

    def of_record(self, version: str) -> RegisteredModel:
        """A version that another record names, such as the champion pointer, and that therefore has to be there.

        Raises: DamagedRecord if it is not; ConfigError if only models of other names have versions.
        """
        try:
            return self.get(version)
        except NotFound:
            others = [] if self.versions() else self._other_models()
            if not others:
                raise missing(self._store, self._record(version)) from None
        raise ConfigError(
            f"the store has versions of the model {others[0]} and none of {self.name}; set RETRAIN_MODEL_NAME "
            "back, or start a new store"
        )

    def _other_models(self) -> list[str]:
        parts = [name.removeprefix(MODELS).split("/") for name in self._store.names(MODELS)]
        return sorted({model for model, *record in parts if record and model != self.name})

    def artifact(self, model: RegisteredModel) -> bytes:
        """The artifact's bytes. Raises: DamagedRecord unless they are there and have the sha256 on record."""
        name = artifact_name(model.artifact_sha256)
        stored = self._store.read(name)
        if stored is None:
            raise missing(self._store, name)
        if hashlib.sha256(stored.data).hexdigest() != model.artifact_sha256:
            raise self._damaged(model, "was altered")
        return stored.data

    def load(self, model: RegisteredModel) -> ForecastModel:
        """The model itself. Raises: DamagedRecord also if it does not give its golden forecasts."""
        try:
            return ForecastModel.from_json(self.artifact(model))
        except BadArtifact as exc:
            raise self._damaged(model, f"cannot be used: {exc}") from exc

    def _damaged(self, model: RegisteredModel, how: str) -> DamagedRecord:
        where = self._store.address(artifact_name(model.artifact_sha256))
        return DamagedRecord(f"{where}, the artifact of version {model.version}, {how}; {RESTORE}")

    def _record(self, version: str) -> str:
        return f"{MODELS}{self.name}/{version}.json"
