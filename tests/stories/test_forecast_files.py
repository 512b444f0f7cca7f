"""A forecast as files: what they hold, and that a file is written whole or not at all."""

from __future__ import annotations

import csv
import io
import os
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pyarrow.parquet as pq
import pytest

from retrain.doors.champion_forecast import champion_forecast
from retrain.doors.cli import main
from retrain.doors.forecast_files import Wanted, as_csv, as_parquet, as_plot, wanted
from retrain.errors import UsageError
from retrain.records.history import Histories
from tests.builders import NEW_YEAR, World

COLUMNS = ["date", "series", "mean", "low_80", "high_80", "low_95", "high_95", "origin", "version"]


def answer_of(world: World, days: int = 7) -> dict[str, Any]:
    return champion_forecast(days, world.settings, world.context)


def test_the_table_has_the_columns_of_a_published_forecast(serving: World):
    """But the median, which a service does not answer; CSV and Parquet hold the same rows."""
    answer = answer_of(serving)

    lines = list(csv.DictReader(io.StringIO(as_csv(answer, {}).decode())))
    table = pq.read_table(io.BytesIO(as_parquet(answer, {})))

    assert table.column_names == list(lines[0]) == COLUMNS
    rows = table.to_pylist()
    assert [str(row["date"]) for row in rows] == [line["date"] for line in lines]
    assert [row["mean"] for row in rows] == [each["mean"] for each in answer["forecast"]]
    assert [float(line["high_95"]) for line in lines] == [
        each["intervals"][1]["upper"] for each in answer["forecast"]
    ]
    assert {(row["version"], row["origin"]) for row in rows} == {("1", NEW_YEAR - timedelta(days=1))}


@pytest.mark.parametrize("days", [1, 7, 365])
def test_the_plot_has_the_days_before_the_forecast_and_its_intervals(serving: World, days: int):
    """As one picture of its own; also of one day."""
    known = Histories(serving.context.state).days().days

    root = ElementTree.fromstring(as_plot(answer_of(serving, days), known))  # noqa: S314 - it is our own

    words = [element.text for element in root.iter() if element.text]
    shapes = [element.get("class", "") for element in root.iter()]
    assert root.tag.endswith("svg")
    assert {"95 % interval", "80 % interval", "actual", "forecast"} <= set(words)
    assert shapes.count("series area") == 2
    assert len([shape for shape in shapes if shape.startswith("series ")]) == 4


def test_numbers_that_cannot_be_drawn_are_one_sentence(serving: World):
    """The table holds them all the same."""
    answer = answer_of(serving)
    for row, mean in zip(answer["forecast"], (1e308, -1e308), strict=False):
        row["mean"] = mean

    with pytest.raises(UsageError, match="cannot be drawn"):
        as_plot(answer, {})


def test_options_name_the_files(tmp_path: Path):
    """A folder gets three."""
    found = wanted(tmp_path / "a.csv", tmp_path / "a.svg", tmp_path / "new" / "folder")

    names = [file.path.name for file in found]
    assert names == ["a.csv", "a.svg", "forecast.csv", "forecast.parquet", "forecast.svg"]


def test_two_options_that_name_one_file_are_refused(tmp_path: Path):
    """Also by another spelling; a device takes both."""
    with pytest.raises(UsageError, match="--csv and --plot name the same file"):
        wanted(tmp_path / "a", tmp_path / "x" / ".." / "a", None)
    with pytest.raises(UsageError, match="--csv and --out name the same file"):
        wanted(tmp_path / "forecast.csv", None, tmp_path)
    assert len(wanted(Path("/dev/null"), Path("/dev/null"), None)) == 2


def test_a_file_is_replaced_whole_and_nothing_else_is_left(tmp_path: Path):
    """A folder that is not there is made for --out."""
    file = Wanted("--out", tmp_path / "new" / "forecast.csv", as_csv)
    for text in (b"first", b"second"):
        with file.begun() as write:
            write(text)

    assert file.path.read_bytes() == b"second"
    assert list(file.path.parent.iterdir()) == [file.path]


def test_a_file_that_is_replaced_keeps_its_mode(tmp_path: Path):
    """Nobody else may read it afterwards who could not before."""
    file = Wanted("--csv", tmp_path / "forecast.csv", as_csv)
    file.path.touch(0o600)

    with file.begun() as write:
        write(b"new")

    assert file.path.stat().st_mode & 0o777 == 0o600


def test_the_output_of_a_command_is_not_replaced(tmp_path: Path):
    """It is a file with more in it, under the name of a device."""
    with (tmp_path / "output.txt").open("w") as output:
        file = Wanted("--csv", Path(f"/dev/fd/{output.fileno()}"), as_csv)

        with pytest.raises(UsageError, match="name the file itself"), file.begun():
            pass


def test_after_an_error_the_file_is_what_it_was(tmp_path: Path):
    """A service that does not answer leaves nothing half written."""
    file = Wanted("--csv", tmp_path / "forecast.csv", as_csv)
    file.path.write_bytes(b"before")

    with pytest.raises(RuntimeError), file.begun():
        raise RuntimeError

    assert file.path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [file.path]


@pytest.mark.parametrize("option", ["--csv", "--plot", "--out"])
def test_a_file_that_cannot_be_written_is_refused_before_a_service_is_asked(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
):
    """There is not even a champion here."""
    (tmp_path / "taken").write_text("a file where a folder should be")

    code = main(["forecast", option, str(tmp_path / "taken" / "forecast"), "--root", str(world.root)])

    assert code == 2
    assert f"{option} {tmp_path / 'taken'}" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--csv", "--plot", "--out"])
def test_a_path_that_cannot_be_looked_at_is_refused(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
):
    """Its name is too long, or its folder is another person's."""
    code = main(["forecast", option, str(tmp_path / ("long" * 100)), "--root", str(world.root)])

    assert code == 2
    assert "File name too long; choose a path that can be written" in capsys.readouterr().err


def test_a_folder_is_not_replaced_by_a_file(tmp_path: Path):
    with pytest.raises(UsageError, match="Is a directory"), Wanted("--csv", tmp_path, as_csv).begun():
        pass


def test_a_forecast_without_days_before_it_is_drawn_alone(serving: World):
    """As after a restore."""
    assert b"actual" not in as_plot(answer_of(serving), {date.max: 1.0})


def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path: Path):
    """Whoever reads the shared file gets the new forecast."""
    shared, link = tmp_path / "shared.csv", tmp_path / "link.csv"
    shared.write_text("old")
    link.symlink_to(shared)

    with Wanted("--csv", link, as_csv).begun() as write:
        write(b"new")

    assert link.is_symlink()
    assert shared.read_text() == "new"


def test_a_pipe_is_written_to_and_never_replaced(tmp_path: Path):
    """As `/dev/stdout` and `/dev/null` are."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    with Wanted("--csv", pipe, as_csv).begun() as write:
        write(b"new")

    assert os.read(reader, 9) == b"new"
    assert pipe.is_fifo()
    os.close(reader)


def test_a_pipe_that_has_no_name_of_its_own_is_written_to():
    """As `/dev/stdout` before a `|`, and what a shell makes of `>(command)`."""
    reader, writer = os.pipe()

    with Wanted("--csv", Path(f"/dev/fd/{writer}"), as_csv).begun() as write:
        write(b"new")

    assert os.read(reader, 9) == b"new"
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize("name", [".", "/", ""])
def test_a_folder_without_a_name_is_refused(name: str):
    """As every folder is."""
    with (
        pytest.raises(UsageError, match="choose a path that can be written"),
        Wanted("--csv", Path(name), as_csv).begun(),
    ):
        pass
