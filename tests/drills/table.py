"""What the drills of this folder did, how many times, and what was lost: the table of docs/reliability.md."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One drill on one store. `lost` counts whatever went missing or was done twice."""

    drill: str
    store: str
    done: str
    times: int
    lost: int


rows: list[Row] = []


def tell(drill: str, store: str, done: str, times: int, lost: int = 0) -> None:
    """Note what a drill came to."""
    rows.append(Row(drill, store, done, times, lost))
