"""Assessments that are remembered for a whole test run.

An assessment is a function of its arguments alone, and stories ask for the same ones hundreds of times: what
differs is what becomes of them. Each is computed once. What does not go through a run is not remembered: a
replay and a what-if compute for themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrain.gate.assess import Assessment


@pytest.fixture(scope="session", autouse=True)
def remembered_assessments() -> Iterator[None]:
    """Those of runs; the stages of one that is remembered are told again."""
    from retrain.runs.inputs import assessed as genuine

    known: dict[tuple[object, ...], tuple[Assessment, list[tuple[str, str]]]] = {}

    def assessed(*asked: Any) -> Assessment:
        series, champion, history, settings, progress = asked
        registered = champion.registered if champion else None
        is_corrected = registered is not None and history.is_corrected(registered.lineage)
        artifact = registered.artifact_sha256 if registered else None
        key = (series.sha256, series.country, artifact, is_corrected, settings)
        if key in known:
            found, stages = known[key]
            for stage in stages:
                progress(*stage)
            return found
        told: list[tuple[str, str]] = []

        def tell(*stage: str) -> None:
            told.append(stage)  # type: ignore[arg-type]
            progress(*stage)

        known[key] = genuine(series, champion, history, settings, tell), told
        return known[key][0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("retrain.runs.run.assessed", assessed)
        yield


@pytest.fixture
def assessed_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """No assessment is remembered: where its parts are what breaks, and where memory is measured."""
    from retrain.runs.inputs import assessed as genuine

    monkeypatch.setattr("retrain.runs.run.assessed", genuine)
