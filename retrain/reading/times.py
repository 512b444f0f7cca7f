"""Splits times of day and time zones off the texts of a day column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retrain.reading.days import DAY_MINUTES, local_days
from retrain.reading.widths import narrowed

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

GAP = r"[\s\x{a0}\x{202f}]"
ZONE = rf"{GAP}*(?:Z|z|UTC|GMT|[+-](?:0\d|1[0-4])(?::?[0-5]\d)?)"
TIME = (
    rf"(?:T|,?{GAP}+)(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)(?::[0-5]\d(?:[.,]\d{{1,9}})?)?"
    rf"(?P<half>{GAP}*[AaPp]\.?[Mm]\.?)?(?P<zone>{ZONE})?$"
)
"""In the syntax of RE2: 10:30, 10:30:59.999, 2:30 PM, each with or without Z or +02:00."""
BEHIND_A_DAY = rf"(\d|[)）]|\.|\pL){TIME}"
NOON = 12


@dataclass(frozen=True, slots=True)
class Split:
    """The texts of a column without their times of day.

    Attributes:
        days: texts, as many as there were.
        minutes: of the zoned ones, of their days in UTC: may be negative or more than a day. NaN for the others;
            None if none has a zone.
    """

    days: pa.Array
    minutes: NDArray[np.float64] | None


def split(texts: pa.Array) -> Split:
    """Split trimmed texts. Full-width signs become plain ones."""
    import pyarrow.compute as pc

    texts = narrowed(texts)
    has_time = pc.match_substring_regex(texts, BEHIND_A_DAY)
    if not pc.any(has_time).as_py():
        return Split(texts, None)
    # A colon in what is left means that the time was not valid.
    days = pc.replace_substring_regex(texts, BEHIND_A_DAY, r"\1")
    zoned = pc.match_substring_regex(texts, rf"\d{ZONE}$|[Mm]\.?{ZONE}$")
    zoned = pc.and_(zoned, has_time)
    if not pc.any(zoned).as_py():
        return Split(days, None)
    mask = zoned.to_numpy(zero_copy_only=False)
    minutes = np.full(len(texts), np.nan)
    minutes[mask] = _minutes_in_utc(texts.filter(zoned))
    return Split(days, minutes)


def _minutes_in_utc(texts: pa.Array) -> NDArray[np.float64]:
    import pyarrow.compute as pc

    parts = pc.extract_regex(texts, TIME)
    hour, minute = (_number(pc.struct_field(parts, name)) for name in ("hour", "minute"))
    half = pc.utf8_upper(pc.struct_field(parts, "half"))
    has_half = pc.match_substring_regex(half, "[AP]").to_numpy(zero_copy_only=False)
    is_afternoon = pc.match_substring(half, "P").to_numpy(zero_copy_only=False)
    hour = np.where(has_half, hour % NOON + NOON * is_afternoon, hour)
    zone = pc.struct_field(parts, "zone")
    digits = pc.replace_substring_regex(zone, r"\D", "")
    digits = pc.utf8_rpad(digits, 4, "0")
    offset = _number(pc.utf8_slice_codeunits(digits, 0, 2)) * 60 + _number(pc.utf8_slice_codeunits(digits, 2, 4))
    is_west = pc.match_substring(zone, "-").to_numpy(zero_copy_only=False)
    return hour * 60 + minute - np.where(is_west, -offset, offset)


def _number(texts: pa.Array) -> NDArray[np.float64]:
    import pyarrow as pa
    import pyarrow.compute as pc

    return np.asarray(pc.cast(texts, pa.float64()).to_numpy(zero_copy_only=False))


def moved_days(days: NDArray[np.int64], minutes: NDArray[np.float64], timezone: str) -> NDArray[np.int64]:
    """The days in the time zone. Args: days: as written; minutes: see `Split`; both of the same shape."""
    zoned = ~np.isnan(minutes)
    moved = days.copy()
    moved[zoned] = local_days(days[zoned] * DAY_MINUTES + minutes[zoned].astype(np.int64), timezone)
    return moved
