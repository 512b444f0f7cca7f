"""A run while it is made."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retrain.records.context import Context
    from retrain.records.run import Run


@dataclass(slots=True)
class Draft:
    """A run while it is made: `run` is always as complete as it is so far."""

    run: Run
    context: Context
    stage: str = ""
    began: float = 0.0

    def tell(self, stage: str, detail: str) -> None:
        """Show progress; the time since the last stage began belongs to that one."""
        if stage != self.stage:
            self.end_stage()
            self.stage, self.began = stage, time.perf_counter()
        self.context.progress(stage, detail)

    def end_stage(self) -> None:
        """Note how long the present stage took, in seconds."""
        if self.stage:
            spent = round(time.perf_counter() - self.began, 3)
            self.run = self.run.evolve(seconds={**self.run.seconds, self.stage: spent})
        self.stage = ""
