"""The watch over a champion: the state of its tests, and the last alarm. Pure."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from retrain.monitoring.drift import paths
from retrain.monitoring.innovations import innovations
from retrain.monitoring.limits import limits
from retrain.monitoring.observed_days import REACH_DAYS, until_now
from retrain.records.watched import Alarm, Statistic, Watched

if TYPE_CHECKING:
    from collections.abc import Mapping

    from retrain.monitoring.innovations import Innovations, Vector
    from retrain.records.counted_days import CountedDays
    from retrain.records.registry import RegisteredModel
    from retrain.settings import Settings
    from scoring.model import ForecastModel

LOWER = 0.75  # of its limit: below it a statistic says nothing any more
SETTLED_DAYS = 14  # in a row, below the lower limits, after which an alarm is over
DECIMALS = 6  # of a statistic: the last bits differ between processors


def watched(
    registered: RegisteredModel, model: ForecastModel, history: CountedDays, settings: Settings, today: date
) -> Watched:
    """What the days since the champion's training say: the same whenever and wherever it is computed.

    Args: today: later days that have been accepted are not looked at.
    """
    seen, _ = until_now(history.days, today)
    newest = max(seen, default=None)
    patience = settings.watch.stale_days
    is_stale = patience > 0 and newest is not None and (today - newest).days > patience
    state = Watched(version=registered.version, stale=newest if is_stale else None)
    alpha, season_days = settings.watch.drift_alpha, settings.decision.season_days
    if alpha == 0:
        return state.evolve(note="RETRAIN_DRIFT_ALPHA is 0")
    found = innovations(model, registered.lineage, history, settings.data.gaps, season_days, today)
    if found is None:
        return state.evolve(note="there are no days that can be compared with what the champion expected")
    last = registered.lineage.trained_through + timedelta(days=REACH_DAYS)
    beyond = (
        f"days after {last} are not watched: they are more than {REACH_DAYS:,} days after the champion's training"
    )
    note = beyond if newest is not None and newest > last else ""
    return state.evolve(note=note, **_facts(found, season_days, alpha, settings.watch.min_days_between_alarms))


def _facts(found: Innovations, season_days: int, alpha: float, min_days: int) -> dict[str, object]:
    reached = {name: round(limit, DECIMALS) for name, limit in limits(found, season_days, alpha).items()}
    made = {name: path.round(DECIMALS) for name, path in paths(found, season_days, reached).items()}
    count = len(found.watched)
    return {
        "through": found.first + timedelta(days=count - 1),
        "days": int(np.isfinite(found.watched).sum()),
        "statistics": tuple(
            Statistic(name=name, value=float(path[-1]), limit=reached[name]) for name, path in made.items()
        ),
        "alarm": last_alarm(made, reached, found.first, min_days),
    }


def last_alarm(
    made: Mapping[str, Vector], reached: Mapping[str, float], first: date, min_days: int
) -> Alarm | None:
    """The newest alarm of some days in a row; None if there is none.

    It begins when a statistic reaches its limit, and is over when all have been below three quarters of theirs for
    two weeks. The next one begins no sooner than `min_days` after it began.

    Args:
        made: the statistics by name, shape (n,) each, from the day `first` on.
        reached: their limits.
    """
    alarm: Alarm | None = None
    calm = 0
    for at in range(len(next(iter(made.values()), ()))):
        day = first + timedelta(days=at)
        over = tuple(name for name, path in made.items() if path[at] >= reached[name])
        if alarm is not None and alarm.until is None:
            is_calm = all(path[at] < LOWER * reached[name] for name, path in made.items())
            calm = calm + 1 if is_calm else 0
            names = tuple(dict.fromkeys((*alarm.names, *over)))
            alarm = alarm.evolve(names=names, until=day if calm >= SETTLED_DAYS else None)
        elif over and (alarm is None or (day - alarm.day).days >= min_days):
            alarm, calm = Alarm(names=over, day=day), 0
    return alarm
