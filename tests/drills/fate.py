"""Ends a process at one of its writes."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrain.ports import ObjectStore

PATIENCE_SECONDS = 90


@dataclass(slots=True)
class Fate:
    """Counts the writes to a store, and ends the process at one of them.

    Attributes:
        at: the write to die at, counted from 1; 0 for none.
        when: `before` it takes effect, `during` (a folder's file is half made then), or right `after`.
    """

    at: int = 0
    when: str = "before"
    names: list[str] = field(default_factory=list)

    def over[Store: ObjectStore](self, store: Store) -> Store:
        """The same store, every write of which is counted."""
        for method in ("write", "upload", "delete"):
            setattr(store, method, self._counted(getattr(store, method)))
        return store

    def _counted(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def counted(name: str, *args: Any, **options: Any) -> Any:
            self.names.append(f"{method.__name__} {name}")
            if len(self.names) != self.at:
                return method(name, *args, **options)
            if self.when == "before":
                die()
            try:
                with patch("os.fsync", die if self.when == "during" else os.fsync):
                    return method(name, *args, **options)
            finally:  # also after a write that was refused
                die()

        return counted


def die(*_: object) -> None:
    """End this process at once."""
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(PATIENCE_SECONDS)
