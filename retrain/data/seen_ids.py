"""Which transactions of a file were seen before, in eight bytes an identity or less."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    type Ids = NDArray[np.uint64]

# Merging copies: above this size a run is left as it is, which bounds the copy to 64 MB.
LARGEST_MERGE = 1 << 22


class SeenIds:
    """A growing set of 64-bit identities, kept as ranges of consecutive ones and as sorted runs of others.

    Files mostly count their transactions up: then a whole file is one range.
    """

    def __init__(self) -> None:
        self._ranges: list[tuple[int, int]] = []
        self._runs: list[Ids] = []

    def first_seen(self, ids: Ids) -> NDArray[np.bool_]:
        """Admit a batch; True where the identity had not been seen before, shape as `ids`."""
        fresh = np.ones(len(ids), dtype=bool)
        if not len(ids):
            return fresh
        ascending = bool((ids[1:] > ids[:-1]).all())
        if not ascending:
            fresh[:] = False
            fresh[np.unique(ids, return_index=True)[1]] = True
        low, high = int(ids.min()), int(ids.max())
        for first, last in self._ranges:
            if first <= high and last >= low:
                fresh &= (ids < np.uint64(first)) | (ids > np.uint64(last))
        for run in self._runs:
            if run[0] <= high and run[-1] >= low:
                at = np.minimum(np.searchsorted(run, ids), len(run) - 1)
                fresh &= run[at] != ids
        self._add(ids if ascending and fresh.all() else np.sort(ids[fresh]))
        return fresh

    def _add(self, run: Ids) -> None:
        if not len(run):
            return
        first, last = int(run[0]), int(run[-1])
        if last - first == len(run) - 1:
            if self._ranges and self._ranges[-1][1] + 1 == first:
                first = self._ranges.pop()[0]
            self._ranges.append((first, last))
            return
        while self._runs and len(self._runs[-1]) <= min(2 * len(run), LARGEST_MERGE):
            earlier = self._runs.pop()
            joined = np.concatenate([earlier, run])
            run = joined if earlier[-1] < run[0] else np.sort(joined, kind="stable")
        self._runs.append(run)
