"""Recognises the format of a landed file by its first bytes, never by its name, and opens it as a table."""

from __future__ import annotations

from typing import BinaryIO

from retrain.data.columns import ADVENTUREWORKS, Columns, Table
from retrain.data.delimited import open_delimited
from retrain.data.parquet import open_parquet
from retrain.errors import DataError

__all__ = ["ADVENTUREWORKS", "Columns", "Table", "open_table"]

PARQUET, GZIP = b"PAR1", b"\x1f\x8b"
NOT_A_TABLE = {
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a zip archive; land the file inside it instead",
    b"\xff\xfe": "UTF-16 text; save it as UTF-8",
    b"\xfe\xff": "UTF-16 text; save it as UTF-8",
}


def open_table(stream: BinaryIO, file: str, columns: Columns) -> Table:
    """Open CSV or TSV, plain or gzip, or Parquet.

    Args: stream: seekable bytes.
    Raises: DataError if it is not a table, or lacks a column; iterating the batches raises it for a bad row.
    """
    magic = stream.read(4)
    stream.seek(0)
    if not magic:
        raise DataError("the file is empty; land a file with a header and rows", file=file)
    for signature, found in NOT_A_TABLE.items():
        if magic.startswith(signature):
            raise DataError(file=file, found=found, expected="CSV, TSV or Parquet")
    if magic == PARQUET:
        return open_parquet(stream, file, columns)
    return open_delimited(stream, file, columns, compressed=magic.startswith(GZIP))
