"""No secret in the address of a download is told, whatever becomes of it."""

from __future__ import annotations

import os

import pytest

from retrain.doors.acquire import acquire
from retrain.settings import parse
from tests.builders import FIRST_DAY
from tests.drills.evidence import DOWNLOAD, PASSWORD, Evidence, answering, see_no_mark


@pytest.mark.parametrize("status", [200, 403, 404, 500])
def test_a_download_that_fails_is_told_without_its_signature(evidence: Evidence, status: int):
    """Refused, away, no table, another sha256."""
    with answering(status, b"nothing") as url:
        evidence.set(RETRAIN_ACQUIRE_URL=f"{url}/history.csv?sig={DOWNLOAD}")
        told = evidence.command("acquire")
        evidence.command("acquire --json")
        evidence.set(RETRAIN_ACQUIRE_SHA256="0" * 64)
        evidence.command("acquire")
        evidence.set(RETRAIN_ACQUIRE_URL=url.replace("//", f"//me:{PASSWORD}@") + "/history.csv")
        evidence.command("acquire")

    assert "/history.csv" in told
    see_no_mark(evidence, "downloads")


NO_ADDRESS = {
    "a port that is none": f"http://127.0.0.1:port/history.csv?sig={DOWNLOAD}",
    "half an IPv6": f"http://[::1/history.csv?sig={DOWNLOAD}",
    "no host": f"http:///history.csv?sig={DOWNLOAD}",
    "a password and nobody there": f"http://me:{PASSWORD}@127.0.0.1:9/history.csv?sig={DOWNLOAD}",
    "a signature after a hash": f"http://127.0.0.1:9/history.csv#sig={DOWNLOAD}",
    "a password with an at sign": f"http://me:x@{PASSWORD}@127.0.0.1:9/history.csv",
    "a blank in the signature": f"http://127.0.0.1:9/history.csv?sig= {DOWNLOAD}",
}


@pytest.mark.parametrize("address", NO_ADDRESS.values(), ids=NO_ADDRESS)
def test_an_address_that_is_none_is_told_without_its_secrets(evidence: Evidence, address: str):
    """By the command line, which prints one sentence, and by the error with its causes, as a log would show it."""
    evidence.set(RETRAIN_ACQUIRE_URL=address)

    evidence.command("acquire")
    evidence.command("acquire --json")
    evidence.hears(lambda: acquire(parse(os.environ), evidence.root, FIRST_DAY, lambda _detail: None))
    see_no_mark(evidence, "downloads from an address that is not valid")
