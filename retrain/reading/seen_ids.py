"""The set of transaction ids that were already read, in at most eight bytes per id."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    type Ids = NDArray[np.uint64]

# Merging copies both arrays; a larger array is not merged, which limits the copy to 64 MB.
LARGEST_MERGE = 1 << 22
LARGEST_MAP = 1 << 26  # bytes, one for each id between the lowest and the highest


class SeenIds:
    """A growing set of 64-bit ids: as ranges of consecutive ids, in a map of near ones, as sorted arrays of others.

    Most files number their transactions consecutively: then a whole file is one range. In another order they are
    still near each other, and a map tells at once which are known.
    """

    def __init__(self) -> None:
        self._ranges: list[tuple[int, int]] = []
        self._map = np.zeros(0, dtype=bool)
        self._map_begin = 0
        self._arrays: list[Ids] = []

    def first_seen(self, ids: Ids) -> NDArray[np.bool_]:
        """Add a batch; True for each id that is new, shape as `ids`."""
        fresh = np.ones(len(ids), dtype=bool)
        if not len(ids):
            return fresh
        ascending = bool((ids[1:] > ids[:-1]).all())
        if not ascending and _has_equal(ids):
            fresh[:] = False
            fresh[np.unique(ids, return_index=True)[1]] = True
        low, high = int(ids.min()), int(ids.max())
        for first, last in self._ranges:
            if first <= high and last >= low:
                fresh &= (ids < np.uint64(first)) | (ids > np.uint64(last))
        if self._map_begin <= high and self._map_begin + len(self._map) > low:
            fresh &= ~self._is_in_map(ids)
        for known in self._arrays:
            if known[0] <= high and known[-1] >= low:
                at = np.minimum(np.searchsorted(known, ids), len(known) - 1)
                fresh &= known[at] != ids
        new = ids if fresh.all() else ids[fresh]
        if len(new) and not self._extend_range(new, ascending=ascending) and not self._put_into_map(new):
            self._put_into_arrays(new if ascending else np.sort(new))
        return fresh

    def _is_in_map(self, ids: Ids) -> NDArray[np.bool_]:
        places = ids - np.uint64(self._map_begin)  # an id below it becomes a very large place
        inside = places < np.uint64(len(self._map))
        found = np.zeros(len(ids), dtype=bool)
        found[inside] = self._map[places[inside]]
        return found

    def _extend_range(self, ids: Ids, *, ascending: bool) -> bool:
        """Whether the ids are consecutive; then they are a range, or a longer one."""
        first, last = int(ids[0]), int(ids[-1])
        if not ascending or last - first != len(ids) - 1:
            return False
        if self._ranges and self._ranges[-1][1] + 1 == first:
            first = self._ranges.pop()[0]
        self._ranges.append((first, last))
        return True

    def _put_into_map(self, ids: Ids) -> bool:
        """Whether they are near enough to those in the map."""
        low, high = int(ids.min()), int(ids.max())
        begin, end = self._map_begin, self._map_begin + len(self._map)
        if not len(self._map):
            begin = end = low
        if low < begin or high >= end:
            margin = (max(end, high + 1) - min(begin, low)) // 4
            low = begin if low >= begin else max(low - margin, 0)
            high = end if high < end else high + 1 + margin
            if high - low > LARGEST_MAP:
                return False
            grown = np.zeros(high - low, dtype=bool)
            grown[begin - low : begin - low + len(self._map)] = self._map
            self._map, self._map_begin = grown, low
        self._map[ids - np.uint64(self._map_begin)] = True
        return True

    def _put_into_arrays(self, ids: Ids) -> None:
        while self._arrays and len(self._arrays[-1]) <= min(2 * len(ids), LARGEST_MERGE):
            earlier = self._arrays.pop()
            joined = np.concatenate([earlier, ids])
            ids = joined if earlier[-1] < ids[0] else np.sort(joined, kind="stable")
        self._arrays.append(ids)


def _has_equal(ids: Ids) -> bool:
    ordered = np.sort(ids)
    return bool((ordered[1:] == ordered[:-1]).any())
