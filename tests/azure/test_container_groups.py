"""What only container groups can get wrong: their state, their keys, TLS, subnets, a killed deployment."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from retrain.adapters.azure.aci import AciPlatform
from retrain.errors import ConfigError, ServiceError
from retrain.promotion.client import ask
from retrain.promotion.verify import prove, wait_until_ready
from tests.azure.cloud import CLIENT_ID, PULL_IDENTITY, READY_SECONDS
from tests.azure.emulator.access import operator_of
from tests.azure.emulator.tls import self_signed
from tests.azure.emulator.world import NETWORK, PROVIDERS
from tests.contract.test_platform import context_of, model
from tests.faults import fails

if TYPE_CHECKING:
    from pathlib import Path

    from retrain.ports import Service
    from tests.azure.cloud import Cloud

SUBNET = f"{PROVIDERS}Microsoft.Network/virtualNetworks/{NETWORK}/subnets/services"


def deploy(cloud: Cloud, version: str = "3") -> Service:
    """A version, ready to answer."""
    platform = cloud.context.platform
    name = f"{cloud.name}-v{version}"
    image = platform.build(cloud.name, version, context_of(version)).reference
    service = platform.deploy(name, version, image)
    wait_until_ready(service, platform, limit_seconds=READY_SECONDS)
    return service


def sent(cloud: Cloud) -> list[Any]:
    """The bodies of this world's groups, in order."""
    path = f"/containerGroups/{cloud.name}-"
    return [call.body for call in cloud.azure.calls if call.method == "PUT" and path in call.path]


def test_size_is_a_setting(cloud: Cloud):
    """Cores and gigabytes."""
    cloud.overrides = {"RETRAIN_CPU": "2", "RETRAIN_MEMORY_GB": "3.5"}
    deploy(cloud)

    resources = sent(cloud)[0]["properties"]["containers"][0]["properties"]["resources"]
    assert resources == {"requests": {"cpu": 2.0, "memoryInGB": 3.5}}


def test_a_group_of_another_model_is_not_ours(cloud: Cloud):
    """Two models share a resource group, and neither retires the other's services."""
    deploy(cloud)
    elsewhere = type(cloud)(cloud.azure, cloud.storage, f"{cloud.name}x")
    deploy(elsewhere, "7")

    assert [service.version for service in cloud.context.platform.services()] == ["3"]
    assert [service.version for service in elsewhere.context.platform.services()] == ["7"]


def test_a_deployment_that_was_killed_goes_on_with_the_same_key(cloud: Cloud, monkeypatch: pytest.MonkeyPatch):
    """Between the group and its record there is a moment; who comes again creates no second group."""
    with monkeypatch.context() as patch:
        patch.setattr(AciPlatform, "_with_address", fails(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            deploy(cloud)
    assert cloud.context.platform.find("3") is None
    service = deploy(cloud)

    prove(service, model())
    assert len(sent(cloud)) == 1


def test_a_group_whose_creation_failed_is_created_again(cloud: Cloud):
    """It has the right tags, and nothing runs in it."""
    cloud.azure.fail_operation("containerGroups", "InternalError", times=1)
    with pytest.raises(ServiceError, match="InternalError"):
        deploy(cloud)

    prove(deploy(cloud), model())


def test_a_version_has_a_certificate_of_its_own(cloud: Cloud):
    """Made with its key, kept with it, and accepted alone: the key never crosses a network in plain HTTP."""
    service = deploy(cloud)
    other = deploy(cloud, "4")

    prove(service, model())
    assert service.url.startswith("https://")
    assert service.certificate != other.certificate
    with pytest.raises(ServiceError, match="SSLError"):
        prove(replace(service, certificate=other.certificate), model())
    with pytest.raises(ServiceError, match="SSLError"):
        prove(replace(service, certificate=""), model())
    probes = sent(cloud)[0]["properties"]["containers"][0]["properties"]
    assert probes["livenessProbe"]["httpGet"]["scheme"] == probes["readinessProbe"]["httpGet"]["scheme"] == "https"


def test_a_certificate_outlives_the_group_and_a_rotation_of_the_key(cloud: Cloud):
    """Whoever has copied it need not copy another; the private key goes to the container alone."""
    service = deploy(cloud)
    platform = cloud.context.platform
    platform.stop(service.name)
    again = deploy(cloud)
    rotated = platform.rotate(service.name, datetime.now(UTC) + timedelta(hours=1))
    wait_until_ready(rotated, platform, limit_seconds=READY_SECONDS)

    assert (again.key, again.certificate) == (service.key, service.certificate)
    assert (rotated.certificate, rotated.key == service.key) == (service.certificate, False)
    prove(rotated, model())
    assert "PRIVATE KEY" not in repr(cloud.azure.calls) + repr(platform.find("3"))


def test_plain_http_is_an_explicit_choice_and_can_be_taken_back(cloud: Cloud):
    """The next deployment of the same version has a certificate."""
    cloud.overrides = {"RETRAIN_TLS": "off"}
    plain = deploy(cloud)
    cloud.overrides = {}
    cloud.context.platform.stop(plain.name)
    secure = deploy(cloud)

    assert (plain.url.split(":")[0], plain.certificate) == ("http", "")
    assert (secure.url.split(":")[0], secure.key) == ("https", plain.key)
    prove(secure, model())


def test_tls_files_come_from_the_state_container(cloud: Cloud, tmp_path: Path):
    """As a secret volume; whoever asks trusts this certificate and no other."""
    files = self_signed(tmp_path)
    store = cloud.context.state
    store.write("tls/certificate.pem", files.certificate.read_bytes())
    store.write("tls/key.pem", files.key.read_bytes())
    cloud.overrides = {"RETRAIN_TLS": "tls"}
    service = deploy(cloud)

    prove(service, model())
    assert service.url.startswith("https://")
    group = sent(cloud)[0]["properties"]
    assert set(group["volumes"][0]["secret"]) == {"certificate.pem", "key.pem"}
    assert group["containers"][0]["properties"]["livenessProbe"]["httpGet"]["scheme"] == "https"
    with pytest.raises(ServiceError, match="SSLError"):
        ask(type(service)(service.name, service.version, service.url, service.key), "/readyz")
    assert ask(cloud.context.platform.find("3") or service, "/readyz")["version"] == "3"


def test_tls_that_is_asked_for_and_not_there_is_a_clear_error(cloud: Cloud):
    """Nothing falls back to plain HTTP."""
    cloud.overrides = {"RETRAIN_TLS": "tls"}

    with pytest.raises(ConfigError, match=r"without .*tls/certificate\.pem; upload it"):
        deploy(cloud)
    assert cloud.running == []


def test_nobody_else_can_take_the_address_of_a_group_that_was_removed(cloud: Cloud):
    """Its label is given again to this resource group alone; the name is read once the group exists."""
    service = deploy(cloud)

    address = sent(cloud)[0]["properties"]["ipAddress"]
    assert address["autoGeneratedDomainNameLabelScope"] == "ResourceGroupReuse"
    assert service.url.split("/")[2].split(":")[0] == "localhost"  # not made of the label


def test_a_container_has_the_pulling_identity_and_no_other(cloud: Cloud):
    """Whoever breaks into it owns neither data nor keys nor jobs."""
    deploy(cloud)

    group = sent(cloud)[0]
    assert list(group["identity"]["userAssignedIdentities"]) == [PULL_IDENTITY]
    assert [each["identity"] for each in group["properties"]["imageRegistryCredentials"]] == [PULL_IDENTITY]
    assert CLIENT_ID not in str(group)


def test_the_identity_of_the_app_is_given_to_no_container(cloud: Cloud):
    """A setting that says so is refused before anything is created."""
    identity = PULL_IDENTITY.replace("puller", "retrainer")
    cloud.azure.added = frozenset({operator_of(identity)})
    cloud.overrides = {"RETRAIN_PULL_IDENTITY": identity}

    with pytest.raises(ConfigError, match="identity of the app itself"):
        deploy(cloud)
    assert (cloud.running, sent(cloud)) == ([], [])


def test_a_pulling_identity_that_does_not_exist_is_named(cloud: Cloud):
    """By the setting."""
    identity = PULL_IDENTITY.replace("puller", "nobody")
    cloud.azure.added = frozenset({operator_of(identity)})
    cloud.overrides = {"RETRAIN_PULL_IDENTITY": identity}

    with pytest.raises(ConfigError, match="RETRAIN_PULL_IDENTITY names an identity that does not exist"):
        deploy(cloud)


def test_in_a_subnet_a_group_is_private(cloud: Cloud):
    """It has an address of the network and no name."""
    cloud.overrides = {"RETRAIN_SUBNET": SUBNET}
    service = deploy(cloud)

    assert service.url.startswith("https://127.0.0.1:")
    body = sent(cloud)[0]["properties"]
    assert body["subnetIds"] == [{"id": SUBNET}]
    assert (body["ipAddress"]["type"], "dnsNameLabel" in body["ipAddress"]) == ("Private", False)


def test_keys_are_told_to_nobody_but_the_container(cloud: Cloud):
    """Not in the record of calls, not in what a service looks like, not in the group as it is read back."""
    service = deploy(cloud)

    assert service.key not in repr(service)
    assert not [call for call in cloud.azure.calls if service.key in str(call)]
    group = cloud.context.platform._get(service.name)  # type: ignore[attr-defined]
    assert service.key not in str(group.as_dict())


def test_a_log_is_the_containers_own(cloud: Cloud):
    """Its last lines; none where there is no group."""
    cloud.azure.tamper = {"scoring/__main__.py": b"print('out of luck', flush=True)\nraise SystemExit(1)\n"}
    platform = cloud.context.platform
    with pytest.raises(ServiceError, match="ended before it was ready"):
        deploy(cloud)

    assert "out of luck" in platform.log(f"{cloud.name}-v3")
    assert platform.log(f"{cloud.name}-v9") == []
