"""Good files damaged at random: days or a reason, whatever bytes the reader gets."""

from __future__ import annotations

import io
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from retrain.errors import DataError
from retrain.reading.rules import Reading
from retrain.reading.transactions import read_landed
from tests.drills.landing import MOST_SECONDS, ROOT, RUNS, counted, outcomes
from tests.drills.seeds import SEEDS
from tests.drills.table import FUZZED, tell

TEXT_PARQUET = "Parquet of text"
PIECES = st.one_of(
    st.binary(min_size=0, max_size=6),
    st.sampled_from([b"\0", b"\n", b"\r", b'"', b",", b"\t", b"\xff", b"-", b"\xef\xbb\xbf", b"nan", b"\n" * 40]),
)
CHANGES = st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 8), PIECES), min_size=1, max_size=12)


def read_mutated(seed: str, changes: list[tuple[int, int, bytes]], cut: int) -> None:
    """Read a good file after some cuts and insertions: days or a DataError, nothing else."""
    data = SEEDS[seed]()
    for at, removed, piece in changes:
        at %= len(data) + 1
        data = data[:at] + piece + data[at + removed :]
    data = data[: len(data) - cut]
    with counted("reader"):
        assert days_or_reason(data)


def days_or_reason(data: bytes) -> object:
    """What the reader makes of it."""
    try:
        return read_landed(io.BytesIO(data), "fuzz.csv", Reading(), date(2026, 1, 1)).totals
    except DataError as refusal:
        return refusal.where.get("file") == "fuzz.csv"


@given(st.sampled_from([seed for seed in SEEDS if seed != TEXT_PARQUET]), CHANGES, st.integers(0, 60))
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_days_or_a_reason(seed: str, changes: list[tuple[int, int, bytes]], cut: int):
    """No other exception leaves the reader."""
    read_mutated(seed, changes, cut)


@pytest.mark.long
@given(st.sampled_from([seed for seed in SEEDS if seed != TEXT_PARQUET]), CHANGES, st.integers(0, 60))
@settings(max_examples=3000, deadline=None)
def test_any_bytes_are_days_or_a_reason_for_long(seed: str, changes: list[tuple[int, int, bytes]], cut: int):
    """The same, twenty times as often."""
    read_mutated(seed, changes, cut)


@pytest.mark.long
@example(changes=[(SEEDS[TEXT_PARQUET]().index(b"2023-01-02") + 9, 1, b"\xff")], cut=0)
@given(CHANGES, st.just(0))
@settings(max_examples=3000, deadline=None)
def test_any_text_in_parquet_is_days_or_a_reason(changes: list[tuple[int, int, bytes]], cut: int):
    """The same, of Parquet that holds its days as text."""
    read_mutated(TEXT_PARQUET, changes, cut)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_what_a_fuzzer_finds_by_the_code_it_comes_to_is_days_or_a_reason(tmp_path: Path):
    """It follows the branches of the reader; it also notices an input that ends the process."""
    pytest.importorskip("atheris", reason="the fuzzer is made for Linux on x86-64 only")
    kept = tmp_path / "corpus"
    kept.mkdir()
    command = [sys.executable, "-m", "tests.drills.fuzz", str(kept), f"-runs={RUNS}", "-seed=1"]
    # Its peak of memory begins with that of the process that starts it, so the limit is only there for a leak.
    options = ["-rss_limit_mb=2048", f"-timeout={MOST_SECONDS}", f"-artifact_prefix={tmp_path}/"]
    done = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True, check=False)

    tell("bad files", "reader", FUZZED, RUNS, int(done.returncode != 0))
    assert done.returncode == 0, done.stderr[-2000:]
    assert f"Done {RUNS} runs" in done.stderr


def test_the_table_says_what_was_read():
    """Last, because it counts what the tests above did."""
    right = outcomes["reader"]
    hundreds = len(right) // 100 * 100  # hypothesis may try a few more or less
    tell("bad files", "reader", "good files damaged at random", hundreds, right.count(False))
    assert all(isinstance(one, bool) for one in right)
