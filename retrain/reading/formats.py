"""Recognises the format of a landed file by its first bytes, never by its name, and opens it as a table."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, BinaryIO, cast

from retrain.errors import DataError
from retrain.reading.archive import BROKEN, Guarded
from retrain.reading.columns import ADVENTUREWORKS, Table, first_line, grows_too_much
from retrain.reading.delimited import open_delimited
from retrain.reading.json_rows import open_json
from retrain.reading.parquet import open_parquet
from retrain.reading.text import head_of, wide_or_utf_8
from retrain.reading.workbook import open_workbook

if TYPE_CHECKING:
    from retrain.reading.rules import Columns

__all__ = ["ADVENTUREWORKS", "Table", "open_table"]

PARQUET, ZIP = b"PAR1", b"PK\x03\x04"
EXPECTED = "CSV, TSV, JSON lines, XLSX or Parquet"
NOT_A_TABLE = {
    b"%PDF": "a PDF document",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an XLS workbook or another Office document; save it as XLSX or CSV",
    b"PK\x05\x06": "an empty zip archive",
    b"PK\x07\x08": "a zip archive in several parts",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive; land the file inside it instead",
    b"Rar!": "a RAR archive; land the file inside it instead",
    b"BZh": "a bzip2 file; land it uncompressed or as gzip",
    b"\xfd7zXZ\x00": "an xz file; land it uncompressed or as gzip",
    b"\x28\xb5\x2f\xfd": "a Zstandard file; land it uncompressed or as gzip",
    b"{\\rtf": "a text document (RTF)",
}
OTHER_CONTENTS = {
    "word/": "a Word document",
    "ppt/": "a PowerPoint document",
    "content.xml": "an OpenDocument file; save it as XLSX or CSV",
    "xl/workbook.bin": "an XLSB workbook; save it as XLSX or CSV",
    "Index/Document.iwa": "a Numbers document; export it as CSV",
}


def open_table(stream: BinaryIO, file: str, columns: Columns) -> Table:
    """Open delimited text or JSON, plain or gzip, an XLSX workbook, Parquet, or a zip archive with one of them.

    Args: stream: seekable bytes.
    Raises: DataError if it is not a table; iterating the rows raises it for a bad row.
    """
    magic = stream.read(8)
    stream.seek(0)
    if not magic:
        raise DataError("the file is empty; land a file with a header and rows", file=file)
    for signature, found in NOT_A_TABLE.items():
        if magic.startswith(signature):
            raise DataError(file=file, found=found, expected=EXPECTED)
    if magic.startswith(PARQUET):
        return open_parquet(stream, file)
    if magic.startswith(ZIP):
        return _open_archive(stream, file, columns)
    head = head_of(stream, file)
    encoding = wide_or_utf_8(head)
    if head.decode(encoding, errors="replace").lstrip("\ufeff \t\r\n").startswith(("{", "[{", "[\n", "[ ", "[\r")):
        return open_json(stream, file, encoding)
    return open_delimited(stream, file, columns)


def _open_archive(stream: BinaryIO, file: str, columns: Columns, *, is_inner: bool = False) -> Table:
    try:
        archive = zipfile.ZipFile(stream)
        names = archive.namelist()
    except BROKEN as exc:
        raise _broken(exc, file) from exc
    if any(name.startswith("xl/") for name in names) and "xl/workbook.bin" not in names:
        return open_workbook(archive, stream, file, columns)
    if is_inner:
        raise DataError(file=file, found="a zip archive in a zip archive", expected="a zip archive with one table")
    for content, found in OTHER_CONTENTS.items():
        if any(name.startswith(content) for name in names):
            raise DataError(file=file, found=found, expected=EXPECTED)
    parts = [part for part in archive.infolist() if not part.is_dir() and not _is_hidden(part.filename)]
    if len(parts) != 1:
        found = f"a zip archive with {len(parts)} files"
        raise DataError(file=file, found=found, expected="a zip archive with one file; land each file by itself")
    part = parts[0]
    if part.flag_bits & 1:
        raise DataError("the zip archive has a password; land the file inside it", file=file)
    if grows_too_much(part.file_size, part.compress_size):
        raise DataError("the zip archive grows to more than 100 times its size; land the file inside it", file=file)
    try:
        inside = cast("BinaryIO", Guarded(archive.open(part), file))
    except BROKEN as exc:
        raise _broken(exc, file) from exc
    is_zip = inside.read(len(ZIP)) == ZIP
    inside.seek(0)
    return _open_archive(inside, file, columns, is_inner=True) if is_zip else open_table(inside, file, columns)


def _broken(exc: Exception, file: str) -> DataError:
    return DataError(f"the zip archive cannot be read: {first_line(exc)}; land the file inside it", file=file)


def _is_hidden(name: str) -> bool:
    return name.startswith("__MACOSX/") or name.rsplit("/", 1)[-1].startswith(".")
