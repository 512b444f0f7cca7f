"""Full-width signs, as Japanese programs write digits and punctuation, as their plain ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

FULL = r"[\x{ff01}-\x{ff5e}\x{3000}]"
PLAIN = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}


def narrowed(texts: pa.Array) -> pa.Array:
    """The same texts; other signs stay as they are, so that a footnote mark is never taken for a digit."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pc.all(pc.string_is_ascii(texts)).as_py() is not False or not _any(pc.match_substring_regex(texts, FULL)):
        return texts
    return pa.array([text and text.translate(PLAIN) for text in texts.to_pylist()], pa.string())


def _any(mask: pa.Array) -> bool:
    import pyarrow.compute as pc

    return bool(pc.any(mask).as_py())
