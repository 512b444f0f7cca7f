"""A coverage-guided fuzzer on the reader of landed files.

    python -m tests.drills.fuzz FOLDER [-runs=200000]

with libFuzzer's own options. It begins with the good files of the corpus, and keeps in FOLDER whatever came to code
that nothing before had come to. It ends at the first input that is neither days nor a `DataError`.
"""

from __future__ import annotations

import io
import sys
from contextlib import suppress
from datetime import date
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["retrain"]):
    from retrain.errors import DataError
    from retrain.reading.rules import Reading
    from retrain.reading.transactions import read_landed

TODAY = date(2026, 1, 1)


def read(data: bytes) -> None:
    """Days or a reason; anything else ends the fuzzer."""
    with suppress(DataError):
        read_landed(io.BytesIO(data), "fuzz.csv", Reading(), TODAY)


def main() -> None:
    """Put the good files into the folder, and fuzz."""
    from tests.drills.seeds import SEEDS

    for number, seed in enumerate(SEEDS.values()):
        (Path(sys.argv[1]) / f"seed-{number}").write_bytes(seed())
    atheris.Setup(sys.argv, read)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
