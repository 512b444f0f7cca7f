"""Code and documents do not use the words that the glossary bans."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GLOSSARY = ROOT / "docs" / "glossary.md"
TITLE = "## Words that we do not use"
SUFFIXES = {".py", ".md", ".toml", ".yml", ".yaml", ""}
FOLDERS = ("retrain/*", "scoring", "benchmarks", "samples", "docs", "docs/adr")
GAP = r"(?:[\s_#]|\\n)+"  # between two words of a phrase; it may be a line end inside a comment


def banned() -> list[str]:
    """The words and phrases of the table's first column."""
    table = GLOSSARY.read_text().partition(TITLE)[2]
    return [
        word for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for word in re.findall(r"`(.+?)`", row)
    ]


def pattern(phrase: str) -> re.Pattern[str]:
    """A phrase as whole words, also as parts of an identifier in snake case; a star is any ending."""
    words = (re.escape(word).replace(r"\*", "[a-z]*") for word in phrase.split())
    return re.compile(rf"(?<![^\W_]){GAP.join(words)}(?![^\W_])", re.IGNORECASE)


PATTERNS = {phrase: pattern(phrase) for phrase in banned()}


def found_in(text: str) -> list[tuple[int, str]]:
    """Line and phrase of each banned word. `ClimbingModel` is read as two words."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)
    hits = [(match.start(), phrase) for phrase, banned in PATTERNS.items() for match in banned.finditer(spaced)]
    return [(spaced.count("\n", 0, at) + 1, phrase) for at, phrase in sorted(hits)]


def rooms() -> dict[str, list[Path]]:
    """The files of each package and folder, and of the top level."""
    top = [ROOT / "function_app.py", ROOT / "README.md"]
    found = {"top level": top, "retrain": sorted((ROOT / "retrain").glob("*.py"))}
    for folder in (folder for name in FOLDERS for folder in sorted(ROOT.glob(name))):
        if folder.is_dir() and folder.name != "__pycache__":
            nested = "docs" not in folder.parts
            files = folder.rglob("*") if nested else folder.glob("*")
            readable = [file for file in files if file.is_file() and file.suffix in SUFFIXES]
            found[folder.relative_to(ROOT).as_posix()] = sorted(readable)
    return found


ROOMS = rooms()


def text_of(path: Path) -> str:
    """A file, without the table of the glossary."""
    text = path.read_text()
    return text.partition(TITLE)[0] if path == GLOSSARY else text


@pytest.mark.parametrize("room", ROOMS)
def test_no_banned_word_is_used(room: str):
    """File, line, and the word; docs/glossary.md says what to write instead."""
    hits = [
        f"{path.relative_to(ROOT)}:{line}: {phrase!r}"
        for path in ROOMS[room]
        for line, phrase in found_in(text_of(path))
    ]

    assert hits == []


def test_every_room_has_files():
    """Otherwise the test above checks nothing."""
    assert all(ROOMS.values())
    assert {"retrain/arima", "retrain/adapters", "scoring", "docs/adr", "benchmarks", "samples"} <= ROOMS.keys()


@pytest.mark.parametrize(
    ("text", "hit"),
    [
        ("no summit that 12 steps could reach", (1, "summit*")),
        ("def list_reigns():", (1, "reign*")),
        ("x = 1\n_crowned(x)", (2, "crown*")),
        ("class ClimbingModel:", (1, "climb*")),
        ("    # What\n    # came, of it", (1, "what came")),
        ("CLIMBED = 1", (1, "climb*")),
    ],
)
def test_a_banned_word_is_found_in_text_and_names(text: str, hit: tuple[int, str]):
    """In any case, across a line end, and as part of a name."""
    assert hit in found_in(text)


@pytest.mark.parametrize("text", ["foreign", "history", "sidewalks", "what becomes of it"])
def test_a_word_that_contains_a_banned_one_is_allowed(text: str):
    """Only whole words are compared."""
    assert found_in(text) == []


def test_the_glossary_is_alphabetical_and_defines_each_word_once():
    """So that a reader finds a word."""
    words = re.findall(r"^\| \*\*(.+?)\*\* \|", GLOSSARY.read_text(), re.MULTILINE)

    assert words == sorted(set(words), key=str.casefold)
    assert len(words) > 40
