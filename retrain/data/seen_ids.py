"""The set of transaction ids that were already read, in at most eight bytes per id."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    type Ids = NDArray[np.uint64]

# Merging copies both arrays; a larger array is not merged, which limits the copy to 64 MB.
LARGEST_MERGE = 1 << 22


class SeenIds:
    """A growing set of 64-bit ids, as ranges of consecutive ids and as sorted arrays of the others.

    Most files number their transactions consecutively: then a whole file is one range.
    """

    def __init__(self) -> None:
        self._ranges: list[tuple[int, int]] = []
        self._arrays: list[Ids] = []

    def first_seen(self, ids: Ids) -> NDArray[np.bool_]:
        """Add a batch; True for each id that is new, shape as `ids`."""
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
        for known in self._arrays:
            if known[0] <= high and known[-1] >= low:
                at = np.minimum(np.searchsorted(known, ids), len(known) - 1)
                fresh &= known[at] != ids
        self._add(ids if ascending and fresh.all() else np.sort(ids[fresh]))
        return fresh

    def _add(self, ids: Ids) -> None:
        if not len(ids):
            return
        first, last = int(ids[0]), int(ids[-1])
        if last - first == len(ids) - 1:
            if self._ranges and self._ranges[-1][1] + 1 == first:
                first = self._ranges.pop()[0]
            self._ranges.append((first, last))
            return
        while self._arrays and len(self._arrays[-1]) <= min(2 * len(ids), LARGEST_MERGE):
            earlier = self._arrays.pop()
            joined = np.concatenate([earlier, ids])
            ids = joined if earlier[-1] < ids[0] else np.sort(joined, kind="stable")
        self._arrays.append(ids)
