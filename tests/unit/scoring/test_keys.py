"""Which keys a service accepts, while one replaces the other."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scoring.keys import KeyPair, Keys, keys_of, read_pair

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def written(file: Path, **record: str) -> Path:
    """A file of keys, exchanged in one step."""
    unfinished = file.with_suffix(".new")
    unfinished.write_text(json.dumps(record))
    unfinished.replace(file)
    return file


def test_the_key_before_is_accepted_until_its_time():
    """And not at that moment any more."""
    pair = KeyPair.of("new", "old", NOON.isoformat())

    assert pair.accepted(NOON - timedelta(seconds=1)) == (b"new", b"old")
    assert pair.accepted(NOON) == (b"new",)


def test_without_a_time_the_key_before_is_not_accepted():
    """Nobody would end it."""
    assert KeyPair.of("new", "old").accepted(NOON) == (b"new",)


def test_a_file_that_is_replaced_is_read_anew(tmp_path: Path):
    """The service goes on running."""
    file = written(tmp_path / "keys", key="one")
    keys = Keys(read_pair(file), file, lambda: NOON)
    before = keys.accepted()
    written(file, key="two", key_before="one", before_until=(NOON + timedelta(hours=1)).isoformat())

    assert before == (b"one",)
    assert keys.accepted() == (b"two", b"one")


@pytest.mark.parametrize(
    "damaged", [b"", b"[]", b'{"key": 1}', b'{"key": ""}', b'{"key": "x", "before_until": "1"}']
)
def test_a_file_that_is_damaged_changes_nothing(tmp_path: Path, damaged: bytes):
    """The keys that were read last stay."""
    file = written(tmp_path / "keys", key="one")
    keys = Keys(read_pair(file), file)
    file.write_bytes(damaged)

    assert keys.accepted() == (b"one",)


def test_a_file_that_is_gone_changes_nothing(tmp_path: Path):
    """The same."""
    file = written(tmp_path / "keys", key="one")
    keys = Keys(read_pair(file), file)
    file.unlink()

    assert keys.accepted() == (b"one",)


def test_the_environment_gives_both_keys():
    """As a container gets them."""
    until = datetime.now(UTC) + timedelta(hours=1)
    keys = keys_of(
        {"SCORING_KEY": "new", "SCORING_KEY_BEFORE": "old", "SCORING_KEY_BEFORE_UNTIL": until.isoformat()}
    )

    assert keys is not None
    assert keys.accepted() == (b"new", b"old")


def test_a_file_that_is_missing_at_the_start_is_named(tmp_path: Path):
    """The service does not start without a key."""
    with pytest.raises(ValueError, match=r"SCORING_KEY_FILE: .*nowhere cannot be read"):
        keys_of({"SCORING_KEY_FILE": str(tmp_path / "nowhere")})
