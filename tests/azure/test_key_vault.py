"""Keys of services in a Key Vault, by Microsoft's SDK; the records hold the name and version of a secret."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from retrain.adapters.azure import vault
from retrain.adapters.azure.vault import KeyVaultSecrets
from retrain.adapters.local.process import ProcessPlatform
from retrain.errors import AccessDenied, ConfigError, NotFound, ServiceError, ServiceUnavailable
from retrain.promotion.verify import prove, wait_until_ready
from retrain.records.service_keys import ServiceKeys
from retrain.settings import parse
from tests.azure.test_container_groups import deploy
from tests.contract.test_platform import model, ready

if TYPE_CHECKING:
    from pathlib import Path

    from tests.azure.cloud import Cloud


@dataclass
class InVault:
    """A world whose keys are in the emulated vault."""

    cloud: Cloud

    @property
    def secrets(self) -> KeyVaultSecrets:
        return KeyVaultSecrets(self.cloud.settings)


@pytest.fixture
def kept(cloud: Cloud) -> InVault:
    cloud.overrides = {"RETRAIN_KEYS": "vault", "RETRAIN_VAULT_URL": cloud.azure.vault.url}
    return InVault(cloud)


def test_a_value_is_read_by_its_version(kept: InVault):
    """Also after a newer one."""
    first, second = kept.secrets.put("one", "a"), kept.secrets.put("one", "b")

    assert (kept.secrets.get("one", first), kept.secrets.get("one", second)) == ("a", "b")


def test_a_disabled_version_is_read_by_nobody(kept: InVault):
    """The others are."""
    first, second = kept.secrets.put("two", "a"), kept.secrets.put("two", "b")
    kept.secrets.disable("two", first)

    with pytest.raises(ServiceError):
        kept.secrets.get("two", first)
    assert kept.secrets.get("two", second) == "b"


def test_a_removed_name_is_purged_and_may_be_used_again(kept: InVault):
    """As a version that is retired and rolled back to later."""
    first = kept.secrets.put("three", "a")
    kept.secrets.remove("three")
    with pytest.raises(NotFound):
        kept.secrets.get("three", first)

    assert kept.secrets.get("three", kept.secrets.put("three", "b")) == "b"


def test_a_name_that_was_deleted_and_is_protected_is_recovered(kept: InVault):
    """A vault may refuse to purge."""
    kept.secrets.put("four", "a")
    kept.cloud.azure.vault.secrets["four"].deleted = True

    assert kept.secrets.get("four", kept.secrets.put("four", "b")) == "b"


def test_a_name_whose_purge_is_under_way_is_written_when_that_has_ended(
    kept: InVault, monkeypatch: pytest.MonkeyPatch
):
    """There is nothing to recover meanwhile: a version was removed, and a rollback brings it back at once."""
    kept.secrets.put("six", "a")
    kept.secrets.remove("six")
    monkeypatch.setattr(kept.cloud.azure.vault, "purging", 2)

    assert kept.secrets.get("six", kept.secrets.put("six", "b")) == "b"


def test_a_recovery_that_does_not_end_is_given_up(kept: InVault, monkeypatch: pytest.MonkeyPatch):
    """Whoever writes a key holds the lock. Nothing asks on after that, and it may be tried again."""
    kept.secrets.put("seven", "a")
    kept.cloud.azure.vault.secrets["seven"].deleted = True
    with monkeypatch.context() as stuck:
        stuck.setattr(vault, "OPERATION_SECONDS", 1)
        stuck.setattr(kept.cloud.azure.vault, "recovers", False)
        with pytest.raises(ServiceUnavailable, match=r"writing secret seven .* is not recovered within 1 s"):
            kept.secrets.put("seven", "b")
    threads = [thread.name for thread in threading.enumerate() if "KeyVault" in thread.name]

    assert threads == []
    assert kept.secrets.get("seven", kept.secrets.put("seven", "c")) == "c"


def test_a_secret_is_purged_only_when_it_is_deleted(kept: InVault, monkeypatch: pytest.MonkeyPatch):
    """A deletion that does not end is told, and not taken for done."""
    kept.secrets.put("eight", "a")
    monkeypatch.setattr(vault, "OPERATION_SECONDS", 1)
    monkeypatch.setattr(kept.cloud.azure.vault, "deletes", False)

    with pytest.raises(ServiceUnavailable, match=r"deleting secret eight .* has not ended within 1 s"):
        kept.secrets.remove("eight")
    assert "eight" in kept.cloud.azure.vault.secrets


def test_a_missing_role_is_named_with_the_vault(kept: InVault):
    """Nothing is set aside because of it."""
    kept.cloud.azure.vault_refuses = True

    with pytest.raises(AccessDenied, match=r"role Key Vault Secrets Officer .*https://localhost"):
        kept.secrets.put("five", "a")


def test_a_container_group_has_its_key_from_the_vault_and_its_record_none(kept: InVault):
    """A process that begins anew finds it by the record's reference."""
    service = deploy(kept.cloud)
    stored = kept.cloud.context.state.read(f"services/{service.name}.json")
    found = kept.cloud.context.platform.find("3")

    prove(service, model())
    assert stored is not None
    assert service.key.encode() not in stored.data
    assert b"vault:" in stored.data
    assert b"PRIVATE KEY" not in stored.data
    assert found == service


def test_a_removed_service_leaves_no_secret(kept: InVault):
    """Neither of the key, nor of the one before."""
    service = deploy(kept.cloud)
    before = len(kept.cloud.azure.vault.secrets)
    kept.cloud.context.platform.remove(service.name)

    assert len(kept.cloud.azure.vault.secrets) == before - 1


def test_without_a_vault_a_record_that_refers_to_one_names_the_setting(kept: InVault):
    """It is not taken for a damaged one."""
    deploy(kept.cloud)
    kept.cloud.overrides = {}

    with pytest.raises(ConfigError, match="set RETRAIN_KEYS=vault and RETRAIN_VAULT_URL"):
        kept.cloud.context.platform.find("3")


def test_a_process_on_this_machine_has_its_key_from_the_vault_and_rotates_it_there(kept: InVault, tmp_path: Path):
    """The record holds references; what two rotations ago was good is disabled."""
    platform = ProcessPlatform(tmp_path / "platform", ServiceKeys(kept.secrets, str(tmp_path)))
    record = tmp_path / "platform" / "services" / "m-v3.json"
    try:
        first = ready(platform)
        second = platform.rotate("m-v3", datetime.now(UTC))
        third = platform.rotate("m-v3", datetime.now(UTC) + timedelta(hours=1))
        wait_until_ready(third, platform, limit_seconds=60)
        name = next(name for name in kept.cloud.azure.vault.secrets if name.startswith("m-v3-"))

        assert kept.cloud.azure.vault.values(name) == [second.key, third.key]
        assert not [key for key in (first.key, second.key, third.key) if key in record.read_text()]
        assert ProcessPlatform(tmp_path / "platform", ServiceKeys(kept.secrets, str(tmp_path))).find("3") == third
    finally:
        platform.remove("m-v3")


def test_a_vault_has_to_be_named():
    """With the setting."""
    with pytest.raises(ConfigError, match="RETRAIN_VAULT_URL is not set"):
        parse({"RETRAIN_KEYS": "vault"})
