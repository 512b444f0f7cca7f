"""One policy over the past of a store: its verdicts, its champions, and the forecasts that users would have had.

Pure: everything is in the timeline, and no result depends on the process that computes it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from retrain import __version__
from retrain.arima.blas import one_blas_thread
from retrain.data.series import daily_series
from retrain.errors import ModelError, RetrainError, SeriesTooShort
from retrain.gate.assess import Assessment
from retrain.gate.decide import Decision, Verdict
from retrain.gate.remembering import RememberingSettings
from retrain.monitoring.issued import informed, told_now
from retrain.monitoring.observed_days import usable_days
from retrain.records.counted_days import CountedDays, Head
from retrain.records.registry import Lineage, RegisteredModel
from retrain.runs.inputs import InProduction, assessed
from retrain.runs.whatif_course import FAILED, Course, Given, Kind, Switch
from retrain.runs.whatif_timeline import WentBack
from scoring.model import ForecastModel, Prediction

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from retrain.arima.ensemble import FittedModel
    from retrain.data.series import DailySeries
    from retrain.runs.whatif_course import Chain
    from retrain.runs.whatif_timeline import Change, Look, Timeline

    type Question = tuple[str, str]


def follow(
    timeline: Timeline, chain: Chain, progress: Callable[[str, str], None], done: Callable[[], None]
) -> Course:
    """Let one policy decide at each look, and forecast on each day between.

    Args:
        progress: told each stage of an assessment.
        done: called after each look.
    Raises: RetrainError if what is on record cannot be used, for example a champion.
    """
    course = _Following(timeline, chain, progress)
    with one_blas_thread():
        course.begin()
        for event in timeline.events:
            if isinstance(event, WentBack):
                course.go_back(event)
                continue
            course.learn(event.changes)
            course.look(event)
            done()
        course.learn(len(timeline.changes))
    return course.ended()


@dataclass(slots=True)
class _Following:
    """A policy on its way."""

    timeline: Timeline
    chain: Chain
    progress: Callable[[str, str], None]
    settings: RememberingSettings = field(init=False)
    champion: InProduction | None = None
    champions: dict[str, InProduction] = field(default_factory=dict)
    learned: int = 0
    known: CountedDays = field(default_factory=lambda: CountedDays({}, Head.empty()))
    today: date = date.min
    reached: date | None = None
    decided: dict[Question, Assessment] = field(default_factory=dict)
    answered: set[Question] = field(default_factory=set)
    given: list[Given] = field(default_factory=list)
    switches: list[Switch] = field(default_factory=list)
    origins: list[int] = field(default_factory=list)
    made: list[Prediction] = field(default_factory=list)

    def __post_init__(self) -> None:
        asked = self.chain.settings
        self.settings = RememberingSettings(**{each.name: getattr(asked, each.name) for each in fields(asked)})

    def begin(self) -> None:
        """Know what was known, with the champion that was there."""
        self.learn(self.timeline.known)
        if self.timeline.champion is not None:
            there = self.timeline.champion
            at = self.timeline.changes[self.learned - 1].at
            self._replace_champion(there, f"version {there.registered.version}", at)

    def learn(self, changes: int) -> None:
        """Take in what landed, and forecast on the days until then."""
        for change in self.timeline.changes[self.learned : changes]:
            after = change.applied_to(self.known.days)
            self._forecast_until(after, change)
            self.known, self.today = after, change.at.date()
        self.learned = max(self.learned, changes)

    def _forecast_until(self, after: CountedDays, change: Change) -> None:
        """From each day that has passed until the newest one after a change, as if those had come one a day."""
        days = usable_days(after, self.chain.gaps, change.at.date())
        newest, reached = max(days, default=None), self.reached
        if newest is None or (reached is not None and newest <= reached):
            return
        self.reached = newest
        if self.champion is None or reached is None:
            return
        lineage, model = self.champion.registered.lineage, self.champion.model
        model = informed(model, told_now(lineage, model, self.known, self.chain.gaps, self.today))
        model = model.observe([np.nan] * (reached - model.origin).days)
        origins = (newest - model.origin).days
        if origins > 0:
            horizon = self.settings.horizon_days
            coming = [days.get(model.origin + timedelta(days=ahead), np.nan) for ahead in range(1, origins)]
            self.made.append(model.rolling(np.array([*coming, *[np.nan] * horizon]), horizon))
            self.origins += range(model.origin.toordinal(), newest.toordinal())

    def go_back(self, event: WentBack) -> None:
        """Follow a rollback, if this policy had made the same two looks' winners champions."""
        earlier = self.champions.get(event.back_to)
        if self.chain.kind is not Kind.POLICY or self.champion is None or earlier is None:
            return
        if self.champion.registered.run_id == event.left:
            self._replace_champion(earlier, event.name, event.at, is_rollback=True)

    def look(self, look: Look) -> None:
        """Decide."""
        if not self.known.totals:
            return
        if self.chain.kind is Kind.NEVER and self.champion is not None:
            return
        try:
            series = daily_series(self.known.days, self.chain.gaps, self.known.unknown, self.chain.settings.country)
            assessment = self._unchanged(look, series) or self._assessed(series)
            if assessment.winner is not None:
                self._promote(assessment.winner, look, series)
        except RetrainError as error:
            self.given.append(Given(look.name, FAILED, str(error)))
            return
        self.given.append(Given(look.name, assessment.decision.verdict, assessment.decision.reason))

    def _unchanged(self, look: Look, series: DailySeries) -> Assessment | None:
        """As a run does, which is `retrain.runs.run`: what was decided is not asked again, unless it is forced."""
        if look.is_forced and self.chain.kind is not Kind.ALWAYS:
            return None
        question = self._question(series)
        is_trained_on = self.champion is not None and self.champion.registered.lineage.data_sha256 == series.sha256
        is_decided = question in self.decided and not look.has_new_days
        if is_trained_on or question in self.answered or is_decided:
            return Assessment(Decision(Verdict.UNCHANGED, "Nothing has changed."))
        return None

    def _question(self, series: DailySeries) -> Question:
        return series.sha256, self.champion.registered.run_id if self.champion else ""

    def _assessed(self, series: DailySeries) -> Assessment:
        question = self._question(series)
        if question not in self.decided:
            found = (
                self._always(series)
                if self.chain.kind is Kind.ALWAYS and self.champion
                else assessed(series, self.champion, self.known, self.settings, self.progress)
            )
            self.decided[question] = replace(found, challenger=None, measured=None)
        return self.decided[question]

    def _always(self, series: DailySeries) -> Assessment:
        if len(series) < self.settings.min_training_days:
            raise SeriesTooShort(f"{len(series)} days are too few for a model")
        winner = self.settings.procedure.first(series, lambda detail: self.progress("search", detail))
        return Assessment(Decision(Verdict.PROMOTE, "Every new model is champion."), winner=winner)

    def _promote(self, winner: FittedModel, look: Look, series: DailySeries) -> None:
        """Make the winner champion as it would be deployed: read from its artifact."""
        try:
            artifact = winner.model.to_json()
            model = ForecastModel.from_json(artifact)
        except ValueError as error:
            raise ModelError(f"{winner.name} cannot be deployed: {error}") from error
        self.answered.add(self._question(series))
        digest = hashlib.sha256(artifact).hexdigest()
        known_sha256 = self.known.sha256(series.first_day, series.last_day)
        lineage = Lineage(series.sha256, known_sha256, series.first_day, series.last_day, winner.name, __version__)
        made = InProduction(RegisteredModel("", look.name, digest, lineage, look.name), model)
        self._replace_champion(self._same_as(made) or made, look.name, look.at)

    def _same_as(self, made: InProduction) -> InProduction | None:
        """The champion that there was with this artifact and lineage: in a registry, that is the same version."""
        identity = (made.registered.artifact_sha256, made.registered.lineage)
        for there in self.champions.values():
            if (there.registered.artifact_sha256, there.registered.lineage) == identity:
                return there
        return None

    def _replace_champion(
        self, champion: InProduction, look: str, at: datetime, *, is_rollback: bool = False
    ) -> None:
        lineage = champion.registered.lineage
        self.champion = champion
        self.champions[champion.registered.run_id] = champion
        self.switches.append(Switch(look, at, lineage.order, lineage.trained_through, is_rollback))
        self.settings.fits.clear()

    def ended(self) -> Course:
        """What has become of it."""
        start = self.switches[0] if self.switches else None
        made = Prediction.joined(self.made) if self.made else None
        return Course(
            tuple(self.given), start, tuple(self.switches[1:]), np.array(self.origins, dtype=np.int64), made
        )
