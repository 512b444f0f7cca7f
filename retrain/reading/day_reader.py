"""Reads the texts of a day column in the way that was settled for the file."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from retrain.reading.dates import is_total
from retrain.reading.times import moved_days, split

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from retrain.reading.dates import DateStyle
    from retrain.reading.days import Days

PLAIN = re.compile(r"\s*(\S+?)(?:[T ]([01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?)?\s*", re.ASCII)
FEW_TEXTS = 256
MOST_KNOWN = 1 << 14
NO_DAY = int(np.iinfo(np.int64).min)


@dataclass(slots=True)
class DayReader:
    """Reads the texts of a day column; what it has read it remembers."""

    style: DateStyle
    days: Days
    _known: dict[str, int] = field(default_factory=dict)

    def read(self, texts: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.bool_] | None]:
        """The day of each text, NO_DAY where there is none; and whether it says that its row is a total.

        The second is None if every text is a day.
        """
        if len(texts) > FEW_TEXTS:
            return self._read(texts)
        found = [self._one(text) for text in texts.to_pylist()]
        if None in found:
            return self._read(texts)
        return np.array(found, dtype=np.int64), None

    def _one(self, text: str) -> int | None:
        """The day of a text without a time zone; None if it takes a closer look."""
        known = self._known.get(text)
        if known is None and (parts := PLAIN.fullmatch(text)):
            known = self.style.day(self.days.ways(parts[1]))
            if known is not None and len(self._known) < MOST_KNOWN:
                self._known[text] = known
        return known

    def _read(self, texts: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.bool_] | None]:
        import pyarrow.compute as pc

        parts = split(pc.utf8_trim_whitespace(texts))
        distinct = pc.dictionary_encode(parts.days)
        written = [self.style.day(self.days.ways(text)) for text in distinct.dictionary.to_pylist()]
        numbers = np.array([NO_DAY if day is None else day for day in written], dtype=np.int64)
        numbers = numbers[distinct.indices.to_numpy()]
        if parts.minutes is not None:
            numbers = moved_days(numbers, parts.minutes, self.days.timezone)
        if None not in written:
            return numbers, None
        return numbers, np.array([is_total(text) for text in parts.days.to_pylist()], dtype=bool)
