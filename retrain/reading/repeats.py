"""Which rows of a file repeat an earlier one: those that are equal to it in every column, not in the id alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from retrain.reading.cells import hashed
from retrain.reading.seen_ids import SeenIds

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    type Ids = NDArray[np.uint64]

BETWEEN_CELLS = "\x1f"
MOST_ARRAYS = 64


@dataclass(slots=True)
class RepeatedIds:
    """The ids that come more than once, found in one reading of the ids."""

    _seen: SeenIds = field(default_factory=SeenIds)
    _again: list[Ids] = field(default_factory=list)

    def add(self, ids: Ids) -> None:
        """Take the ids of a batch."""
        fresh = self._seen.first_seen(ids)
        if not fresh.all():
            self._again.append(np.unique(ids[~fresh]))
            if len(self._again) > MOST_ARRAYS:
                self._again = [self.ids]

    @property
    def ids(self) -> Ids:
        """Ascending, each once; empty if no id comes twice."""
        return np.unique(np.concatenate(self._again)) if self._again else np.empty(0, dtype=np.uint64)


@dataclass(slots=True)
class EqualRows:
    """Tells the rows that are equal to an earlier one, in a second reading with all columns.

    Attributes:
        repeated: ids that come more than once, ascending.
        left_out: rows that are equal to an earlier one, and the first of them.
        differing: rows whose id an earlier, different row has, and the first of them.
    """

    repeated: Ids
    left_out: int = 0
    first_left_out: int = 0
    differing: int = 0
    first_differing: int = 0
    _rows: SeenIds = field(default_factory=SeenIds)
    _ids: SeenIds = field(default_factory=SeenIds)

    def fresh(self, ids: Ids, batch: pa.RecordBatch, first_row: int) -> NDArray[np.bool_]:
        """Whether each row is the first of its kind, in the shape of the ids."""
        at = np.minimum(np.searchsorted(self.repeated, ids), len(self.repeated) - 1)
        asked = np.flatnonzero(self.repeated[at] == ids)
        fresh = np.ones(len(ids), dtype=bool)
        if not len(asked):
            return fresh
        is_new_row = self._rows.first_seen(_row_hashes(batch.take(asked)))
        is_new_id = self._ids.first_seen(ids[asked])
        fresh[asked] = is_new_row
        differs = is_new_row & ~is_new_id
        if not is_new_row.all():
            self.first_left_out = self.first_left_out or first_row + int(asked[np.argmin(is_new_row)])
        if differs.any():
            self.first_differing = self.first_differing or first_row + int(asked[np.argmax(differs)])
        self.left_out += int((~is_new_row).sum())
        self.differing += int(differs.sum())
        return fresh

    @property
    def warnings(self) -> tuple[str, ...]:
        """For a person."""
        found = []
        if self.left_out:
            are = "row is" if self.left_out == 1 else "rows are"
            found.append(
                f"{self.left_out:,} {are} equal to an earlier one in every column and left out, for example row "
                f"{self.first_left_out}"
            )
        if self.differing:
            have = "row has" if self.differing == 1 else "rows have"
            count = "counts" if self.differing == 1 else "count"
            found.append(
                f"{self.differing:,} {have} the id of an earlier row that differs, and {count} all the same, for "
                f"example row {self.first_differing}"
            )
        return tuple(found)


def _row_hashes(rows: pa.RecordBatch) -> Ids:
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = [_as_text(column) for column in rows.columns]
    joined = pc.binary_join_element_wise(
        *texts, BETWEEN_CELLS.encode(), null_handling="replace", null_replacement=b"\0"
    )
    return hashed(pa.array(joined))


def _as_text(column: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        return pc.cast(column if pa.types.is_binary(column.type) else pc.cast(column, pa.string()), pa.binary())
    except pa.ArrowException:  # lists and other nested cells
        return pa.array([_as_bytes(cell) for cell in column], pa.binary())


def _as_bytes(cell: pa.Scalar) -> bytes:
    try:
        return repr(cell.as_py()).encode()
    except (ValueError, OverflowError):  # a day that Python does not have
        return b"?"
