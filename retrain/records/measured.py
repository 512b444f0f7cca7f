"""What a comparison found, as a run records it: the scores of each model, and the evidence."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Self

from retrain.records.base import Record

if TYPE_CHECKING:
    from retrain.gate.evaluate import Comparison
    from retrain.gate.scores import Scorecard
    from retrain.gate.slices import Figures, Slice


DIGITS = 6  # of the scores of a slice, which a report holds many of


class Scores(Record):
    """The metrics of one model on the unseen days, in the units of Scorecard; null where it was not scored."""

    rmse: float | None = None
    mae: float | None = None
    mase: float | None = None
    r2: float | None = None
    bias: float | None = None
    coverage_80: float | None = None
    coverage_95: float | None = None

    @property
    def were_measured(self) -> bool:
        """Whether there are any."""
        return self.rmse is not None


class Model(Scores):
    """A model and its scores; `version` is None while it is not registered."""

    version: str | None = None
    order: str
    trained_through: date

    def scored(self, card: Scorecard | None) -> Self:
        """With these metrics; None leaves it as it is."""
        return self if card is None else self.evolve(**asdict(card))


class SliceScores(Record):
    """One model on the days of a slice, in the units of Figures."""

    rmse: float
    mae: float
    bias: float
    coverage_80: float | None = None
    coverage_95: float | None = None

    @classmethod
    def of(cls, figures: Figures) -> Self:
        """With as many digits as a person reads."""
        numbers = {name: value for name, value in asdict(figures).items() if name != "days"}
        return cls.model_validate(
            {name: value if value is None else float(f"{value:.{DIGITS}g}") for name, value in numbers.items()}
        )


class SliceRecord(Record):
    """Some of the compared days and how each model forecast them, for people who read; nothing depends on it.

    Attributes:
        by, name: what the days are divided by, and the name of this part.
        days: forecast days.
        champion: null without a champion.
    """

    by: str
    name: str
    days: int
    champion: SliceScores | None = None
    challenger: SliceScores
    seasonal_naive: SliceScores

    @classmethod
    def of(cls, found: Slice) -> Self:
        """As a report keeps it."""
        return cls(
            by=found.by,
            name=found.name,
            days=found.challenger.days,
            champion=SliceScores.of(found.champion) if found.champion else None,
            challenger=SliceScores.of(found.challenger),
            seasonal_naive=SliceScores.of(found.seasonal_naive),
        )


class Evidence(Record):
    """What the comparison rests on.

    Attributes:
        gain: the relative decrease of the loss; negative if the challenger's is higher.
        value, needed: the evidence for the challenger, and how much of it RETRAIN_ALPHA needs; None for a first
            model, as is `gain`.
        more_days: roughly, the days until there is enough at this gain; 0 if there is, None if that takes more than
            two years.
        p_value: one-sided; small favours the challenger.
    """

    unseen_days: int
    first_unseen_day: date
    origins: int
    horizon_days: int
    refits_kept: int
    gain: float | None = None
    value: float | None = None
    needed: float | None = None
    more_days: int | None = None
    dm_statistic: float | None
    p_value: float | None

    @classmethod
    def of(cls, measured: Comparison) -> Self:
        """What this comparison found."""
        test, found = measured.test, measured.evidence
        return cls(
            unseen_days=measured.unseen_days,
            first_unseen_day=measured.first_unseen_day,
            origins=measured.origins,
            horizon_days=measured.horizon_days,
            refits_kept=measured.refits_kept,
            gain=measured.gain,
            value=found.value if found else None,
            needed=found.needed if found else None,
            more_days=found.more_days if found else None,
            dm_statistic=test.statistic if test else None,
            p_value=test.p_value if test else None,
        )
