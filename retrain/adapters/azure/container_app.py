"""The definition of a container app: one app for the model, and the template of a version's revision."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from retrain.records.image import SERVICE_PORT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from retrain.ports import Service
    from retrain.settings import Settings

type Document = dict[str, Any]

CONTAINER = "scoring"
MODEL = "retrain-model"
LONGEST_NAME = 32
MOST_REPLICAS = 3
KEY, KEY_BEFORE, KEY_UNTIL = "key", "key-before", "key-before-until"
OVER = "1970-01-01T00:00:00+00:00"
"""The time at which a key expires that never was: a secret must have a value."""
VARIABLES = {"SCORING_KEY": KEY, "SCORING_KEY_BEFORE": KEY_BEFORE, "SCORING_KEY_BEFORE_UNTIL": KEY_UNTIL}


@dataclass(frozen=True, slots=True)
class AppKeys:
    """The key that every version of an app accepts, and during a rotation the one before (`until` ISO 8601)."""

    key: str
    before: str = ""
    until: str = ""

    @classmethod
    def of(cls, service: Service) -> AppKeys:
        """Those of a service."""
        return cls(service.key, service.key_before, service.before_until)

    @classmethod
    def shown(cls, secrets: Sequence[Document]) -> AppKeys | None:
        """Those among an app's secrets; None if there are none."""
        found = {one["name"]: str(one.get("value") or "") for one in secrets}
        if not found.get(KEY):
            return None
        if found.get(KEY_UNTIL, OVER) == OVER:
            return cls(found[KEY])
        return cls(found[KEY], found.get(KEY_BEFORE, ""), found[KEY_UNTIL])

    @property
    def secrets(self) -> list[Document]:
        """As secrets of the app."""
        values = {KEY: self.key, KEY_BEFORE: self.before or self.key, KEY_UNTIL: self.until or OVER}
        return [{"name": name, "value": value} for name, value in values.items()]


def app_name(model: str) -> str:
    """The name of a model's app: the model's own if it is short enough, else a beginning of it and a hash."""
    if len(model) <= LONGEST_NAME:
        return model
    return f"{model[:23].rstrip('-')}-{hashlib.sha256(model.encode()).hexdigest()[:8]}"


def revision_template(version: str, image: str, settings: Settings) -> Document:
    """The template of a version's revision; its suffix tells the version and the rest of the template.

    Args: image: its reference by digest.
    """
    azure = settings.azure
    container = {
        "name": CONTAINER,
        "image": image,
        "resources": {"cpu": azure.cpu, "memory": f"{azure.memory_gb:g}Gi"},
        "env": [
            {"name": "SCORING_PORT", "value": str(SERVICE_PORT)},
            *({"name": name, "secretRef": secret} for name, secret in VARIABLES.items()),
        ],
        "probes": [
            _probe("Liveness", "/healthz", first=5, every=10),
            _probe("Readiness", "/readyz", first=1, every=3),
        ],
    }
    scale = {"minReplicas": azure.min_replicas, "maxReplicas": max(MOST_REPLICAS, azure.min_replicas)}
    template = {"containers": [container], "scale": scale}
    fingerprint = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:8]
    return {**template, "revisionSuffix": f"v{version}-{fingerprint}"}


def container_app(
    there: Mapping[str, Any] | None,
    template: Mapping[str, Any],
    secrets: Sequence[Document],
    traffic: Sequence[Document],
    settings: Settings,
) -> Document:
    """The body that creates the app or changes it; what a person has added, as a domain, stays.

    Args:
        there: the app as it is; None if there is none.
        secrets: all of them with their values, because those that are missing are removed.
        traffic: the weight and the label of each revision.
    """
    azure, before = settings.azure, there or {}
    pulls, properties = str(azure.pull_identity), before.get("properties") or {}
    configuration = properties.get("configuration") or {}
    ingress = {
        **(configuration.get("ingress") or {}),
        "external": True,
        "allowInsecure": False,
        "targetPort": SERVICE_PORT,
        "transport": "http",
        "traffic": list(traffic),
    }
    server = str(template["containers"][0]["image"]).split("/")[0]
    return {
        "location": azure.location,
        "tags": {**(before.get("tags") or {}), MODEL: settings.platform.model_name},
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {pulls: {}}},
        "properties": {
            **properties,
            "environmentId": azure.container_apps_environment,
            "configuration": {
                **configuration,
                "activeRevisionsMode": "Multiple",
                "ingress": ingress,
                "registries": [{"server": server, "identity": pulls}],
                "secrets": list(secrets),
            },
            "template": dict(template),
        },
    }


def _probe(kind: str, path: str, first: int, every: int) -> Document:
    """Args: first, every: seconds until the first and between two; a cold start waits for the readiness."""
    return {
        "type": kind,
        "httpGet": {"path": path, "port": SERVICE_PORT, "scheme": "HTTP"},
        "initialDelaySeconds": first,
        "periodSeconds": every,
        "failureThreshold": 3,
        "timeoutSeconds": 5,
    }
