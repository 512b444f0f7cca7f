"""What an assessment reaches outside its arguments, as the interpreter's own audit reports it.

An audit hook cannot be removed, so this is called in a process of its own.
"""

from __future__ import annotations

import os
import random
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np

from retrain.gate.assess import Assessment, DecisionSettings, assess
from tests.faults import fails

if TYPE_CHECKING:
    from retrain.data.series import DailySeries
    from scoring.model import ForecastModel

OUTSIDE = ("open", "os.", "socket.", "subprocess.", "shutil.", "glob.", "tempfile.", "import")
CLOCKS = ("time", "time_ns", "localtime", "gmtime", "sleep")


def reached_while_assessing(
    series: DailySeries, champion: ForecastModel | None, settings: DecisionSettings
) -> tuple[list[str], Assessment]:
    """What was reached, and the answer. Asked once before, so that every library is loaded."""
    assess(series, champion, settings)
    reached: list[str] = []
    is_heard = False

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if is_heard and event.startswith(OUTSIDE):
            reached.append(f"{event} {arguments[:1]}")

    sys.addaudithook(note)
    with ExitStack() as changed:
        changed.enter_context(patch.dict(os.environ, clear=True))
        for name in CLOCKS:
            changed.enter_context(patch.object(time, name, fails(AssertionError(f"time.{name} was called"))))
        for module, name in ((random, "random"), (np.random, "default_rng"), (os, "urandom")):
            changed.enter_context(patch.object(module, name, fails(AssertionError(f"{name} was called"))))
        is_heard = True
        answer = assess(series, champion, settings)
        is_heard = False
    return reached, answer
