"""The definition of a container group: container, probes, key, address, and the identity that pulls the image."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

from retrain.records.image import SERVICE_PORT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from azure.mgmt.containerinstance.models import ContainerGroup

    from retrain.ports import Service
    from retrain.settings import Settings

CONTAINER = "scoring"
MODEL, VERSION, FINGERPRINT = "retrain-model", "retrain-version", "retrain-fingerprint"
TLS_FOLDER = "/tls"
TLS_FILES = {"SCORING_TLS_CERTIFICATE": "certificate.pem", "SCORING_TLS_KEY": "key.pem"}


def container_group(service: Service, image: str, tls: Mapping[str, str], settings: Settings) -> ContainerGroup:
    """The group of one version, with a fingerprint of its whole definition among its tags.

    Args:
        image: its reference by digest.
        tls: the PEM files by name; empty for plain HTTP.
    """
    group = _group(service, image, tls, settings)
    definition = json.dumps(
        group.serialize(), sort_keys=True
    ).encode()  # with the key, which is too long to be guessed
    group.tags = {
        MODEL: settings.platform.model_name,
        VERSION: service.version,
        FINGERPRINT: hashlib.sha256(definition).hexdigest()[:16],
    }
    return group


def _group(service: Service, image: str, tls: Mapping[str, str], settings: Settings) -> ContainerGroup:
    from azure.mgmt.containerinstance import models as aci

    pulls = aci.ImageRegistryCredential(server=image.split("/")[0], identity=settings.azure.pull_identity)
    files = {file: base64.b64encode(text.encode()).decode() for file, text in tls.items()}
    return aci.ContainerGroup(
        location=settings.azure.location,
        os_type="Linux",
        restart_policy="Always",
        containers=[_container(service, image, bool(tls), settings)],
        volumes=[aci.Volume(name="tls", secret=files)] if tls else None,
        identity=aci.ContainerGroupIdentity(
            type="UserAssigned",
            user_assigned_identities={str(settings.azure.pull_identity): aci.UserAssignedIdentities()},
        ),
        image_registry_credentials=[pulls],
        ip_address=_address(service.name, settings),
        subnet_ids=[aci.ContainerGroupSubnetId(id=settings.azure.subnet)] if settings.azure.subnet else None,
    )


def _container(service: Service, image: str, secure: bool, settings: Settings) -> Any:
    from azure.mgmt.containerinstance import models as aci

    size = aci.ResourceRequests(cpu=settings.azure.cpu, memory_in_gb=settings.azure.memory_gb)
    return aci.Container(
        name=CONTAINER,
        image=image,
        ports=[aci.ContainerPort(port=SERVICE_PORT)],
        resources=aci.ResourceRequirements(requests=size),
        environment_variables=_environment(service, secure),
        liveness_probe=_probe("/healthz", 3, secure),
        readiness_probe=_probe("/readyz", 1, secure),
        volume_mounts=[aci.VolumeMount(name="tls", mount_path=TLS_FOLDER, read_only=True)] if secure else None,
    )


def _environment(service: Service, secure: bool) -> list[Any]:
    from azure.mgmt.containerinstance.models import EnvironmentVariable

    files = {name: f"{TLS_FOLDER}/{file}" for name, file in TLS_FILES.items()} if secure else {}
    plain = {"SCORING_PORT": str(SERVICE_PORT), **files}
    keys = {"SCORING_KEY": service.key}
    if service.key_before:
        keys["SCORING_KEY_BEFORE"] = service.key_before
        plain["SCORING_KEY_BEFORE_UNTIL"] = service.before_until
    return [
        *(EnvironmentVariable(name=name, secure_value=value) for name, value in keys.items()),
        *(EnvironmentVariable(name=name, value=value) for name, value in plain.items()),
    ]


def _probe(path: str, failures: int, secure: bool) -> Any:
    from azure.mgmt.containerinstance.models import ContainerHttpGet, ContainerProbe

    return ContainerProbe(
        http_get=ContainerHttpGet(path=path, port=SERVICE_PORT, scheme="https" if secure else "http"),
        initial_delay_seconds=5,
        period_seconds=10,
        failure_threshold=failures,
        timeout_seconds=5,
    )


def _address(name: str, settings: Settings) -> Any:
    """Private in a subnet; otherwise with a DNS label that is stable.

    Azure adds a part to the label that only this resource group gets again: nobody else can take the address of a
    group that was removed. The whole name is therefore known only once the group exists.
    """
    from azure.mgmt.containerinstance.models import IpAddress, Port

    ports = [Port(protocol="TCP", port=SERVICE_PORT)]
    if settings.azure.subnet:
        return IpAddress(type="Private", ports=ports)
    whole = f"{settings.azure.subscription}/{settings.azure.resource_group}/{name}"
    label = f"{name}-{hashlib.sha256(whole.encode()).hexdigest()[:8]}"
    return IpAddress(
        type="Public",
        ports=ports,
        dns_name_label=label,
        auto_generated_domain_name_label_scope="ResourceGroupReuse",
    )
