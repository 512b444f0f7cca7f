"""What is needed: laws that hold whatever the records say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrain.records.champion import NOBODY, Champion, Pointer
from retrain.records.request import Evaluate, OfNewerCode, Promote, Repair, RollBack, Trigger
from retrain.runs.needs import Known, Needed, needed, unneeded_artifacts

if TYPE_CHECKING:
    from retrain.records.request import Request

START = datetime(2026, 1, 1, tzinfo=UTC)
RUN = "20260101T000000000Z-0000000a"
VERSIONS = frozenset(str(number) for number in range(1, 9))


def champions(*versions: str) -> Pointer:
    """Each was confirmed, in this order."""
    entries = (Champion(version, START + timedelta(days=day), f"run-{day}") for day, version in enumerate(versions))
    return Pointer(tuple(entries), "etag")


def known(*versions: str, request: Request | None = None, keep: int = 1) -> Known:
    """The champions, and a request that waits."""
    waiting = {} if request is None else {request.run_id: request}
    return Known(champions(*versions), VERSIONS, waiting, keep_services=keep, keep_images=keep)


pointers = st.lists(st.sampled_from([*sorted(VERSIONS), NOBODY]), max_size=10).map(lambda found: champions(*found))
records = st.builds(
    Known,
    pointer=pointers,
    versions=st.just(VERSIONS),
    requests=st.dictionaries(
        st.just(RUN),
        st.one_of(
            st.none(),
            st.just(Evaluate(run_id=RUN, trigger=Trigger.TIMER)),
            st.sampled_from(sorted(VERSIONS)).map(lambda to: RollBack(run_id=RUN, to=to)),
            st.sampled_from(sorted(VERSIONS)).map(lambda version: Repair(run_id=RUN, version=version)),
        ),
    ),
    promotions=st.sampled_from([(), (RUN,), ("20250101T000000000Z-0000000a",)]),
    keep_services=st.integers(1, 4),
    keep_images=st.integers(1, 4),
)


@given(known=records)
def test_whoever_may_have_to_answer_keeps_service_and_image(known: Known):
    """The champion, whom a rollback leads to, and the champions that are to be kept."""
    found, pointer = needed(known), known.pointer
    answers = {pointer.champion.version if pointer.champion else None, pointer.predecessor}
    waiting = known.requests.values()
    asked = {getattr(request, "to", None) or getattr(request, "version", None) for request in waiting}

    assert (answers | asked | {*pointer.versions[: known.keep_services]}) - {None} <= found.services
    assert found.services | {*pointer.versions[: known.keep_images]} == found.images


@given(known=records)
def test_nothing_of_a_known_version_is_free_while_it_is_not_clear_what_is_asked(known: Known):
    """A promotion under way has deployed a version that no other record names yet."""
    assert not known.is_unclear or needed(known) == Needed(VERSIONS, VERSIONS)


@given(known=records, more=st.integers(0, 3))
def test_whoever_keeps_more_loses_nothing(known: Known, more: int):
    """A greater number never frees anything."""
    wider = Known(
        known.pointer,
        known.versions,
        known.requests,
        known.promotions,
        known.keep_services + more,
        known.keep_images + more,
    )

    assert needed(known).services <= needed(wider).services
    assert needed(known).images <= needed(wider).images


def test_the_predecessor_is_kept_even_if_one_service_is_enough():
    """It is what a new champion is taken back to."""
    assert needed(known("1", "2", "3")).services == {"2", "3"}


def test_a_rollback_that_waits_keeps_its_target():
    """It may be the next to answer."""
    assert "1" in needed(known("1", "2", "3", request=RollBack(run_id=RUN, to="1"))).services


@pytest.mark.parametrize(
    "request_that_waits",
    [
        OfNewerCode(run_id=RUN, trigger=Trigger.HTTP, kind="probation"),
        Promote(run_id=RUN, trigger=Trigger.BLOB, ends=1),
        None,
    ],
    ids=["newer code", "promotion", "damaged"],
)
def test_what_cannot_be_understood_keeps_everything(request_that_waits: Request | None):
    """It may need any version."""
    records = Known(champions("1", "2", "3"), VERSIONS, {RUN: request_that_waits}, promotions={RUN})

    assert needed(records).services == VERSIONS


@given(
    artifacts=st.lists(st.sampled_from("abcdef"), unique=True),
    versions=st.sets(st.sampled_from("abcdef")),
    promotions=st.sets(st.sampled_from("abcdef")),
)
def test_an_artifact_that_anybody_names_is_needed(artifacts: list[str], versions: set[str], promotions: set[str]):
    """A replay loads it, and a failed promotion may be repeated from it."""
    free = unneeded_artifacts(artifacts, versions, promotions)

    assert not {*free} & (versions | promotions)
    assert {*free} | (versions | promotions) >= {*artifacts}
