"""Downloading a history, from a server on loopback."""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from retrain.adapters.local.process import free_port
from retrain.doors.cli import main
from tests.platforms import stop_services

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS = "".join(
    f"{month}{day}\t784\t41590\t0\t{year}-{month:02}-{day:02} 00:00:00\tS\t{quantity}\t{day}.5\t{year}-01-01\n"
    for year, month in ((2013, 11), (2013, 12), (2014, 1), (2014, 2))
    for day in range(1, 29)
    for quantity in (1, 3)
).replace("\n", "\r\n")


@contextmanager
def server(body: bytes, status: int = 200, promised: int | None = None, encoding: str = "") -> Iterator[str]:
    """One file at any path; `promised` is the Content-Length when it is to be a lie."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body) if promised is None else promised))
            if encoding:
                self.send_header("Content-Encoding", encoding)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_port}/TransactionHistory.csv"
        finally:
            listening.shutdown()
            thread.join()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("RETRAIN_ORDER", "0,0,0")
    monkeypatch.setenv("RETRAIN_CONFIRM_SECONDS", "0")
    yield
    stop_services(tmp_path)


def acquire(root: Path, monkeypatch: pytest.MonkeyPatch, url: str, sha256: str = "") -> int:
    monkeypatch.setenv("RETRAIN_ACQUIRE_URL", url)
    monkeypatch.setenv("RETRAIN_ACQUIRE_SHA256", sha256)
    return main(["acquire", "--root", str(root), "--json"])


@pytest.mark.parametrize("body", [ROWS.encode(), gzip.compress(ROWS.encode())], ids=["plain", "gzip"])
def test_a_history_is_cut_by_year_and_landed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], body: bytes
):
    """Daily means, one file and one run a year, oldest first."""
    with server(body) as url:
        code = acquire(tmp_path, monkeypatch, url, hashlib.sha256(body).hexdigest())

    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())

    assert code == 0
    assert first["data"]["files"] == 1
    assert second["data"]["files"] == 2
    assert (first["verdict"], second["landing"]["days"]) == ("promote", 56)
    kept = next(tmp_path.glob("inbox/*/transactions_2013.csv")).read_text().splitlines()
    assert kept[:2] == ["TransactionDate,PaidAmount", "2013-11-01,3.0"]


def test_a_file_that_is_served_as_a_compressed_transfer_is_taken_as_it_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Some servers declare a .gz file so; its sha256 is that of the file."""
    body = gzip.compress(ROWS.encode())
    with server(body, encoding="gzip") as url:
        assert acquire(tmp_path, monkeypatch, url, hashlib.sha256(body).hexdigest()) == 0


def test_a_download_goes_through_the_proxy_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The host itself cannot be found."""
    with server(ROWS.encode()) as proxy:
        monkeypatch.setenv("http_proxy", proxy)

        assert acquire(tmp_path, monkeypatch, "http://history.invalid/TransactionHistory.csv") == 0


def test_a_download_that_is_not_the_expected_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """By its sha256; nothing lands."""
    with server(ROWS.encode()) as url:
        code = acquire(tmp_path, monkeypatch, url, "0" * 64)

    assert code == 3
    assert json.loads(capsys.readouterr().out)["error"]["expected"] == "0" * 64
    assert not (tmp_path / "inbox").exists()


@pytest.mark.parametrize(("status", "promised", "code"), [(404, None, 4), (503, None, 5), (200, 10_000_000, 5)])
def test_a_download_that_fails_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    status: int, promised: int | None, code: int,
):  # fmt: skip
    """A wrong address is the operator's, a server in trouble is nobody's, half a file is none."""
    with server(ROWS.encode(), status, promised) as url:
        assert acquire(tmp_path, monkeypatch, url) == code

    assert "http://127.0.0.1" in capsys.readouterr().err
    assert not (tmp_path / "inbox").exists()


def test_a_server_that_is_away_may_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Exit code 5 and a sentence."""
    assert acquire(tmp_path, monkeypatch, f"http://127.0.0.1:{free_port()}/") == 5
    assert "cannot be fetched" in capsys.readouterr().err


@pytest.mark.parametrize(
    "address", ["http://user:hunter2@127.0.0.1:9/a?sig=hunter2", "http://h:abc/?sig=hunter2", "http://[/x"]
)
def test_an_address_that_cannot_be_fetched_is_told_without_its_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], address: str
):
    """One sentence, whatever is wrong with it."""
    assert acquire(tmp_path, monkeypatch, address) == 5

    told = "".join(capsys.readouterr())
    assert "cannot be fetched" in told
    assert "hunter2" not in told
    assert "Traceback" not in told


def test_a_dry_run_of_a_download_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """As that of every other command does."""
    monkeypatch.setenv("RETRAIN_ACQUIRE_SHA256", "")
    with server(ROWS.encode()) as url:
        monkeypatch.setenv("RETRAIN_ACQUIRE_URL", url)

        assert main(["acquire", "--dry-run", "--root", str(tmp_path / "store"), "--json"]) == 0

    assert not (tmp_path / "store").exists()
