"""What a verdict is reached on, and what a run says of it: the same for a run and for its replay."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Self

from retrain import __version__
from retrain.data.series import daily_series
from retrain.gate.assess import Assessment, assess
from retrain.records.measured import Model

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrain.data.series import DailySeries
    from retrain.gate.assess import DecisionSettings
    from retrain.records.counted_days import CountedDays
    from retrain.records.registry import RegisteredModel, Registry
    from retrain.records.run import Run
    from retrain.settings import Settings
    from scoring.model import ForecastModel


@dataclass(frozen=True, slots=True)
class InProduction:
    """The champion's version and the model that it is."""

    registered: RegisteredModel
    model: ForecastModel

    @classmethod
    def of(cls, version: str, registry: Registry) -> Self:
        """The version that a record names. Raises: DamagedRecord; ConfigError; see `Registry.of_record`."""
        registered = registry.of_record(version)
        return cls(registered, registry.load(registered))

    @property
    def card(self) -> Model:
        """The champion as a run names it, before it is scored."""
        lineage = self.registered.lineage
        return Model(version=self.registered.version, order=lineage.order, trained_through=lineage.trained_through)


def series_of(history: CountedDays, settings: Settings) -> DailySeries:
    """The days that a model is fitted to."""
    return daily_series(history.days, settings.data.gaps, history.unknown, settings.decision.country)


def question_of(
    series: DailySeries, champion: InProduction | None, settings: Settings, code: str = __version__
) -> str:
    """What a verdict answers, as its sha256; asked twice, it has the same answer."""
    asked = {
        "data": series.sha256,
        "champion": champion and champion.registered.version,
        "model": settings.platform.model_name,
        "settings": asdict(settings.decision),
        "code": code,
    }
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()


def assessed(
    series: DailySeries,
    champion: InProduction | None,
    history: CountedDays,
    settings: DecisionSettings,
    progress: Callable[[str, str], None],
) -> Assessment:
    """The verdict. Raises: RetrainError if there is none."""
    is_corrected = champion is not None and history.is_corrected(champion.registered.lineage)
    model = champion.model if champion else None
    return assess(series, model, settings, progress, is_corrected=is_corrected)


def with_findings(run: Run, assessment: Assessment) -> Run:
    """The run with the verdict, and with the scores that it rests on."""
    run = run.decided(assessment.decision)
    challenger, measured = assessment.challenger, assessment.measured
    if challenger is None:
        return run
    if measured is None:
        return run.evolve(challenger=Model(order=challenger.name, trained_through=challenger.model.origin))
    card = Model(order=challenger.name, trained_through=measured.challenger_trained_through)
    return run.compared(card, measured)
