"""Which transactions of a file were seen before, in eight bytes an identity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    type Ids = NDArray[np.uint64]

# Merging copies: above this size a run is left as it is, which bounds the copy to 64 MB.
LARGEST_MERGE = 1 << 22


class SeenIds:
    """A growing set of 64-bit identities, kept as sorted runs.

    Files mostly carry ascending identities: then a batch is appended without a look-up.
    """

    def __init__(self) -> None:
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
        low, high = ids.min(), ids.max()
        for run in self._runs:
            if run[0] <= high and run[-1] >= low:
                at = np.minimum(np.searchsorted(run, ids), len(run) - 1)
                fresh &= run[at] != ids
        self._add(ids if ascending and fresh.all() else np.sort(ids[fresh]))
        return fresh

    def _add(self, run: Ids) -> None:
        if not len(run):
            return
        while self._runs and len(self._runs[-1]) <= min(2 * len(run), LARGEST_MERGE):
            last = self._runs.pop()
            joined = np.concatenate([last, run])
            run = joined if last[-1] < run[0] else np.sort(joined, kind="stable")
        self._runs.append(run)
