"""Tells UTF-16 and UTF-32 without a mark from binary data, by the null bytes that ASCII has in them."""

from __future__ import annotations

import codecs
from unicodedata import category

WIDE = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
NO_TEXT = {"Cc", "Cn", "Co", "Cs"}
"""Categories of Unicode: control characters, and those that are not assigned."""


def unmarked(head: bytes, *, is_whole: bool) -> tuple[str, bool]:
    """The encoding that a text without a mark seems to have, and whether it is certain; empty for binary data.

    It is certain if half of the signs are ASCII, which names, digits and delimiters are: in no other of these
    encodings the same bytes are one ASCII sign.

    Args:
        head: the first bytes.
        is_whole: whether they are all there are; else the last sign may be cut.
    """
    if b"\0" not in head:
        return "", False
    shares = {encoding: _share_of_ascii(head, encoding, is_whole=is_whole) for encoding in WIDE}
    likeliest = max(shares, key=lambda encoding: shares[encoding])
    return (likeliest, shares[likeliest] >= 1 / 2) if shares[likeliest] else ("", False)


def _share_of_ascii(head: bytes, encoding: str, *, is_whole: bool) -> float:
    """From 0 to 1; 0 also for what cannot be decoded, or has one line."""
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(head, final=is_whole)
    except UnicodeDecodeError:
        return 0
    if not any(end in text for end in "\r\n") or any(
        category(sign) in NO_TEXT for sign in set(text) - set("\t\r\n")
    ):
        return 0
    return sum(map(str.isascii, text)) / len(text)
