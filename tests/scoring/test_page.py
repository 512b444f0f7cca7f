"""The page of the routes in a browser: it loads nothing from elsewhere, and forecasts with a key that is typed."""

from __future__ import annotations

import os
import shutil
import socket
from typing import TYPE_CHECKING

import pytest

from retrain.arima.ensemble import fit_pinned
from retrain.arima.order import Order
from scoring.app import Served, create_app
from tests.browser_driver import opened
from tests.builders import series, weekly
from tests.serving import serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "the-key-of-this-page"
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
UNTIL = "new Promise(done => {{ const look = () => ({0}) ? done({0}) : setTimeout(look, 20); look(); }})"
ROUTES = "[...document.querySelectorAll('summary code')].map(code => code.textContent)"
SEND = "document.querySelector('details button').click()"
STATUS = "document.querySelector('.result .status')?.textContent"
TYPED = f"document.getElementById('key').value = '{KEY}'"


@pytest.fixture
def url() -> Iterator[str]:
    model = fit_pinned(Order(1, 0, 0, mean=True), series(weekly(60)), 7).model
    listening = socket.create_server(("127.0.0.1", 0))
    serving = serve(create_app(Served(model, "daily-transactions", "7", "ab" * 32), KEY), listening)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    serving.end(at_once=True)


@pytest.fixture
def browser() -> str:
    """CHROMIUM names one that is not on the PATH."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("no Chromium is installed; CHROMIUM=FILE names one")
    return found


@pytest.mark.timeout(120)
def test_the_page_forecasts_once_the_key_is_typed_in(url: str, browser: str, tmp_path: Path):
    """Before, it says what is missing."""
    with opened(browser, f"{url}/docs", tmp_path) as page:
        routes = page.run(UNTIL.format(f"{ROUTES}.length && {ROUTES}"))
        page.run(SEND)
        refused = page.run(UNTIL.format(STATUS))
        page.run(f"document.querySelector('.result').replaceChildren(); {TYPED}; {SEND}")
        answered = page.run(UNTIL.format(STATUS))
        rows = page.run("document.querySelectorAll('.result tbody tr').length")

    assert routes == ["/forecast", "/score", "/healthz", "/readyz", "/identity"]
    assert refused == "401 Unauthorized Enter the key at the top of this page."
    assert (answered, rows) == ("200 OK", 7)
    assert {request.startswith(url) for request in page.requests} == {True}
    assert [each for each in page.complaints if "Policy" in each] == []
