"""Drills on Container Apps: whatever Azure does, the old champion answers, and the run says why."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from retrain.adapters.azure.app_client import AppClient
from tests.azure.app_drills import KEEP_ONE, KILLS, MISHAPS, PLACES, page, plain
from tests.azure.drills import PASSING, STATUSES, Mishap, Place
from tests.azure.test_drills import (
    HOUR_SECONDS,
    came_of,
    champion,
    see_that_nothing_moved,
    see_that_the_next_run_succeeds,
    was_refused,
)
from tests.builders import ONE, TWO
from tests.faults import Killed

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tests.azure.cloud import Cloud

pytestmark = pytest.mark.long
TABLE = Path(__file__).parents[2] / "docs" / "azure-drills-container-apps.md"

refusals: dict[str, dict[int, str]] = defaultdict(dict)
mishaps: dict[str, str] = {}


@pytest.fixture
def apps(apps: Cloud) -> Cloud:
    """Version 1 answers, on Container Apps."""
    assert apps.land("one.csv", ONE)["model"]["version"] == "1"
    return apps


EVERY = [pytest.param(place, status, id=f"{place.call}-{status}") for place in PLACES for status in STATUSES]


@pytest.mark.parametrize(("place", "status"), EVERY)
def test_a_refused_call_keeps_the_champion(apps: Cloud, place: Place, status: int):
    """For as long as it is refused; where nothing depends on the call, the promotion goes on without it."""
    apps.overrides |= place.overrides
    apps.azure.fail(place.method, place.path, status, STATUSES[status], times=None)
    report = apps.land("two.csv", TWO)
    assert was_refused(apps, place, status)

    if not place.step:
        assert (report["status"], champion(apps)) == ("done", "2"), report["reason"]
        refusals[place.call][status] = "goes on"
        return
    says = {403: "give this identity the role", 429: "busy", 500: "busy", 503: "busy"}.get(status, STATUSES[status])
    see_that_nothing_moved(apps, report, place.step, says)
    see_that_the_next_run_succeeds(apps)
    refusals[place.call][status] = f"fails at {place.step}"


@pytest.mark.parametrize("status", PASSING)
def test_refusals_that_pass_are_tried_again(apps: Cloud, status: int):
    """One at every call, each asking to come again in an hour: nobody waits so long, it succeeds."""
    for place in PLACES:
        apps.azure.fail(place.method, place.path, status, STATUSES[status], times=1, retry_after=HOUR_SECONDS)
    apps.overrides |= KEEP_ONE
    report = apps.land("two.csv", TWO)

    assert [place.call for place in PLACES if not was_refused(apps, place, status)] == []
    assert (champion(apps), apps.running) == ("2", ["2"]), report["reason"]


@pytest.mark.parametrize("mishap", MISHAPS, ids=lambda mishap: mishap.what)
def test_a_mishap_keeps_the_champion_or_is_got_over(apps: Cloud, mishap: Mishap):
    """Either way it is said, and nothing is left behind."""
    mishaps[mishap.what] = plain(came_of(apps, mishap))


@pytest.mark.parametrize(
    ("number", "when"),
    list(enumerate(KILLS)),
    ids=[f"{number}: {when}" for number, when in enumerate(KILLS)],
)
def test_a_promotion_that_was_killed_is_finished_by_the_next_trigger(
    apps: Cloud, monkeypatch: pytest.MonkeyPatch, number: int, when: str
):
    """Between any two of its writes; each version has one revision then, and the old ones end."""
    apps.overrides |= KEEP_ONE
    written = 0

    def killed_at(real: Callable[..., Any]) -> Callable[..., Any]:
        def write(*args: Any, **options: Any) -> None:
            nonlocal written
            written += 1
            if written == number // 2 + 1 and number % 2 == 0:
                raise Killed(when)
            real(*args, **options)
            if written == number // 2 + 1:
                raise Killed(when)

        return write

    with monkeypatch.context() as patch:
        for name in ("put", "deactivate"):
            patch.setattr(AppClient, name, killed_at(getattr(AppClient, name)))
        with pytest.raises(Killed):
            apps.land("two.csv", TWO)
    apps.run()

    assert (champion(apps), apps.running) == ("2", ["2"])
    assert [service.version for service in apps.context.platform.services()] == ["2"]


def test_the_table_is_what_the_drills_came_to():
    """Every cell of it was seen in this run, by this process."""
    asked = {(place.call, status) for place in PLACES for status in STATUSES}
    seen = {(call, status) for call, cells in refusals.items() for status in cells}
    assert sorted(asked - seen) == [], "these drills failed or did not run; run `make drills`, which runs them all"
    assert [one.what for one in MISHAPS if one.what not in mishaps] == [], "these failed or did not run"
    found = page(refusals, mishaps)
    if os.environ.get("WRITE_TABLES"):
        TABLE.write_text(found)

    assert TABLE.read_text() == found, "run `make drills WRITE_TABLES=1` and look at what has changed"
