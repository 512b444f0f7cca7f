"""A landed text as a stream of UTF-8, whatever its encoding, plain or compressed with gzip."""

from __future__ import annotations

import codecs
import re
import threading
import zlib
from typing import TYPE_CHECKING, BinaryIO

from retrain.errors import DataError
from retrain.reading.columns import MAX_GROWTH, first_line, grows_too_much
from retrain.reading.unmarked import unmarked

if TYPE_CHECKING:
    from retrain.reading.quotes import Quotes, Unchecked

HEAD_BYTES = 1 << 16
TAIL_BYTES = 1 << 16
GZIP = b"\x1f\x8b"
UTF_8 = "utf-8"
MARKS = {
    codecs.BOM_UTF32_LE: "utf-32-le",  # it begins with the mark of the next one
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
    codecs.BOM_UTF8: UTF_8,
}
OTHERS = ("cp1252", "cp932")
"""Encodings of spreadsheet programs in the West and in Japan that no mark tells."""
JAPANESE = re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]*")
LATIN_BESIDE_KANJI = re.compile(r"[a-z][\u3400-\u9fff]|[\u3400-\u9fff][a-z]")
NAMES = {
    "utf-32-le": "UTF-32",
    "utf-32-be": "UTF-32",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "cp1252": "Windows-1252",
    "cp932": "Shift-JIS",
}


class QuoteFound(Exception):
    """The text has a quote, and it is read as if it had none."""


class _Packed:
    """The landed bytes, which Arrow closes after it has decompressed them; here they may be needed again."""

    closed = False

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def readable(self) -> bool:
        """Arrow asks for it."""
        return True

    def close(self) -> None:
        """See above."""

    def read(self, size: int = -1) -> bytes:
        """As the stream does."""
        return self._stream.read(size)


class Text:
    """The stream that Arrow parses.

    Attributes:
        tail: its last bytes, so far as it was read.
        ended: whether it was read to its end.
    """

    closed = False  # Arrow asks for it; the caller closes the file

    def __init__(
        self,
        stream: BinaryIO,
        file: str,
        encoding: str,
        quotes: Quotes | Unchecked | None,
        limit: int | None = None,
    ) -> None:
        """Begin at the start.

        Args:
            quotes: checks them; None if there should be none.
            limit: the bytes of UTF-8 after which the text ends; None for all of it.
        """
        import pyarrow as pa

        stream.seek(0)
        is_packed = stream.read(len(GZIP)) == GZIP
        stream.seek(0)
        self._text = pa.input_stream(_Packed(stream), compression="gzip") if is_packed else stream
        self._packed = stream if is_packed else None
        self._file, self._quotes, self._encoding = file, quotes, encoding
        self._decoder = None if encoding == UTF_8 else codecs.getincrementaldecoder(encoding)("replace")
        self._decoded = b""
        self._size = 0
        self._left = limit
        self._reading, self._stopped = threading.Lock(), False
        self.tail = b""
        self.ended = False

    def readable(self) -> bool:
        """Arrow asks for it."""
        return True

    def close(self) -> None:
        """See `closed`."""

    def stop(self) -> None:
        """Read nothing more: Arrow reads ahead, and the stream may be needed elsewhere."""
        with self._reading:
            self._stopped = True

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes; none at the end. Raises: DataError, QuoteFound, StrayQuote."""
        with self._reading:
            if self._stopped:
                return b""
            data = self._next(size)
            if self._left is not None:
                data = data[: self._left]
                self._left -= len(data)
            if self._quotes is None:
                if b'"' in data:
                    raise QuoteFound
            elif data:
                self._quotes.feed(data)
            else:
                self._quotes.end()
            self.ended = not data
            if data:
                self.tail = data[-TAIL_BYTES:] if len(data) >= TAIL_BYTES else (self.tail + data)[-TAIL_BYTES:]
            return data

    def _next(self, size: int) -> bytes:
        if self._decoder is None:
            return self._raw(size)
        while not self._decoded:
            data = self._raw(size)
            self._decoded = self._decoder.decode(data, final=not data).removeprefix("\ufeff").encode()
            if not data:
                break
        data, self._decoded = self._decoded[:size], self._decoded[size:]
        return data

    def _raw(self, size: int) -> bytes:
        first = self._size == 0
        data: bytes = self._text.read(size)
        self._size += len(data)
        if self._packed is not None and grows_too_much(self._size, self._packed.tell()):
            raise DataError(
                f"the gzip stream grows to more than {MAX_GROWTH} times its size; land the file uncompressed",
                file=self._file,
            )
        return data.removeprefix(codecs.BOM_UTF8) if first and self._decoder is None else data


def head_of(stream: BinaryIO, file: str) -> bytes:
    """The first bytes of the text as they are stored, decompressed; the stream is then at its start again.

    Raises: DataError if the gzip stream is broken.
    """
    head = stream.read(HEAD_BYTES)
    stream.seek(0)
    if not head.startswith(GZIP):
        return head
    try:
        return zlib.decompressobj(wbits=31).decompress(head, HEAD_BYTES)
    except zlib.error as exc:
        raise DataError(f"the gzip stream cannot be read: {first_line(exc)}", file=file) from exc


def wide_or_utf_8(head: bytes) -> str:
    """The encoding that a mark at the start tells, or the null bytes of UTF-16 and UTF-32; UTF-8 without these."""
    marked = next((encoding for mark, encoding in MARKS.items() if head.startswith(mark)), "")
    if marked:
        return marked
    wide, is_certain = unmarked(head, is_whole=len(head) < HEAD_BYTES)
    return wide if is_certain else UTF_8


def decoded(head: bytes, file: str) -> dict[str, str]:
    """The text of the head in each encoding that it may have, the likeliest first.

    Raises: DataError if it is not text.
    """
    for mark, encoding in MARKS.items():
        if head.startswith(mark):
            found = _decode(head, encoding)
            if found is not None:
                return {encoding: found.removeprefix("\ufeff")}
    wide, is_certain = unmarked(head, is_whole=len(head) < HEAD_BYTES)
    text = _decode(head, wide) if is_certain else None
    if text is not None:
        return {wide: text}
    if wide:
        found = f"text that seems to be {NAMES[wide]}, without its byte order mark"
        raise DataError(file=file, found=found, expected="UTF-8; save the file as UTF-8")
    if b"\0" in head:
        raise DataError(file=file, found="binary data", expected="CSV, TSV, JSON, XLSX or Parquet")
    texts = {encoding: _decode(head, encoding) for encoding in (UTF_8, *OTHERS)}
    found = texts[UTF_8]
    if found is not None:
        return {UTF_8: found}
    known = {encoding: text for encoding, text in texts.items() if text is not None}
    if not known or any(sign in head for sign in CONTROLS):
        raise not_utf_8(head, file)
    return known


CONTROLS = tuple(bytes([code]) for code in range(32) if code not in b"\t\n\r\x0b\x0c\x1a\x1e\x1f")
"""Text has none of them."""


def is_likely(text: str, encoding: str) -> bool:
    """Whether letters stand beside letters of their own script, as in no text of another encoding."""
    others = "".join(sign for sign in text if not sign.isascii())
    if encoding == "cp932":
        return bool(JAPANESE.fullmatch(others)) and not LATIN_BESIDE_KANJI.search(text)
    return all(sign.isalpha() or sign in "\u00a0€£¥" for sign in others)


def not_utf_8(head: bytes, file: str) -> DataError:
    """The refusal of a text that is in an unknown encoding."""
    try:
        head.decode(UTF_8)
    except UnicodeDecodeError as exc:
        found = f"byte 0x{head[exc.start]:02x} at offset {exc.start}"
        return DataError(file=file, found=found, expected="UTF-8 text; save the file as UTF-8")
    return DataError(file=file, found="text in an unknown encoding", expected="UTF-8; save the file as UTF-8")


def _decode(head: bytes, encoding: str) -> str | None:
    """None if it is not text in that encoding; the end of a full head may cut a character in two."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(head, final=len(head) < HEAD_BYTES)
    except UnicodeDecodeError:
        return None
