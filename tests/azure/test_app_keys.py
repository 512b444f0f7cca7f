"""The key of a container app, which all its versions accept: rotated, kept, told to nobody."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from retrain.promotion.verify import prove, wait_until_ready
from tests.azure.app_calls import puts, removals
from tests.azure.cloud import READY_SECONDS
from tests.azure.test_container_groups import deploy
from tests.contract.test_platform import context_of, model

if TYPE_CHECKING:
    from tests.azure.app_calls import puts, removals
from tests.azure.cloud import Cloud


def test_a_rotation_is_of_all_versions(apps: Cloud):
    """Whoever asks at the stable address has one key, whichever version answers."""
    old, new = deploy(apps, "3"), deploy(apps, "4")
    platform = apps.context.platform
    rotated = platform.rotate(new.name, datetime.now(UTC) + timedelta(hours=1))
    other = platform.find("3")
    assert other is not None

    assert (rotated.key, rotated.key_before) == (other.key, old.key)
    for service in (rotated, other, replace(old, url=other.url)):
        wait_until_ready(service, platform, READY_SECONDS)
        prove(service, model())
    later = deploy(apps, "5")
    assert (later.key, later.key_before) == (rotated.key, old.key)


def test_a_key_in_a_vault_outlives_the_version_that_had_it_first(apps: Cloud):
    """Each version has a secret of its own there, although the key is the same."""
    apps.overrides |= {"RETRAIN_KEYS": "vault", "RETRAIN_VAULT_URL": apps.azure.vault.url}
    platform = apps.context.platform
    for version in ("3", "4"):
        image = platform.build(apps.name, version, context_of(version)).reference
        platform.deploy(f"{apps.name}-v{version}", version, image)
    platform.remove(f"{apps.name}-v3")
    left = apps.context.platform.find("4")
    assert left is not None
    wait_until_ready(left, platform, READY_SECONDS)

    prove(left, model())


def test_secrets_that_a_person_has_removed_come_back_with_the_next_version(apps: Cloud):
    """As the records of the others have them: their key stays good."""
    old = deploy(apps, "3")
    apps.azure.apps.remove_secrets()
    new = deploy(apps, "4")

    assert new.key == old.key
    prove(new, model())


def test_the_app_goes_with_its_last_service_and_its_key_stays_on_record(apps: Cloud):
    """A service that was only stopped keeps the app."""
    old, new = deploy(apps, "3"), deploy(apps, "4")
    platform = apps.context.platform
    platform.stop(old.name)
    platform.remove(new.name)
    kept = removals(apps)
    again = deploy(apps, "3")
    platform.remove(again.name)
    last = deploy(apps, "5")

    assert (kept, removals(apps)) == ([], [f"/containerApps/{apps.name}"])
    assert (again.key, again.url) == (old.key, old.url)
    assert last.key != old.key


def test_keys_are_told_to_nobody_but_the_app(apps: Cloud):
    """Not in the record of calls, not in what a service looks like; the environment refers to them by name."""
    service = deploy(apps)

    assert service.key not in repr(service)
    assert not [call for call in apps.azure.calls if service.key in str(call)]
    assert service.key not in json.dumps(puts(apps)[0]["properties"]["template"])
