"""Download a transaction history, make it daily, cut it by year: one file a year, ready to land."""

from __future__ import annotations

import csv
import hashlib
import logging
import re
from contextlib import contextmanager
from http import HTTPStatus
from itertools import groupby
from typing import TYPE_CHECKING

from retrain.errors import ConfigError, DataError, ServiceUnavailable
from retrain.reading.transactions import read_landed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date
    from pathlib import Path

    from requests import Response

    from retrain.settings import Settings

TIMEOUT_SECONDS = 60
CHUNK_BYTES = 1 << 20


def acquire(settings: Settings, folder: Path, today: date, tell: Callable[[str], None]) -> list[Path]:
    """Fetch RETRAIN_ACQUIRE_URL into `folder` and write `transactions_YEAR.csv` for every year in it.

    Returns: the files, by year.
    Raises: ServiceUnavailable if the download fails; DataError if it is not what RETRAIN_ACQUIRE_SHA256 says,
        or no table of transactions.
    """
    raw = folder / "download"
    digest = _download(settings.acquire.url, raw, tell)
    if settings.acquire.sha256 is not None and digest != settings.acquire.sha256:
        raise DataError(
            file=_without_secrets(settings.acquire.url), found=f"sha256 {digest}", expected=settings.acquire.sha256
        )
    with raw.open("rb") as stream:
        landed = read_landed(stream, _without_secrets(settings.acquire.url), settings.data.reading, today)
    amounts = landed.amounts(settings.data.aggregate)
    files = []
    for year, days in groupby(amounts.items(), key=lambda item: item[0].year):
        file = folder / f"transactions_{year}.csv"
        with file.open("w", newline="") as out:
            rows = csv.writer(out, lineterminator="\n")
            rows.writerow([settings.data.date_column, settings.data.amount_column])
            rows.writerows((day.isoformat(), repr(amount)) for day, amount in days)
        files.append(file)
    return files


def _without_secrets(url: str) -> str:
    """The address without what may be a password or a signature."""
    return re.sub(r"//[^/]*@", "//", re.split(r"[?#]", url)[0])


def _download(url: str, target: Path, tell: Callable[[str], None]) -> str:
    """Stream the body to a file and give its sha256."""
    import requests

    shown = _without_secrets(url)
    digest, size = hashlib.sha256(), 0
    headers = {"User-Agent": "retrain", "Accept-Encoding": "identity"}
    try:
        with (
            _unlogged(),
            requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_SECONDS) as answer,
        ):
            _see_that_it_is_there(answer, shown)
            # Some servers declare a stored .gz file as a compressed transfer; the digest is that of the file.
            answer.raw.headers.discard("Content-Encoding")
            with target.open("wb") as file:
                for chunk in answer.iter_content(CHUNK_BYTES):  # shorter than Content-Length is an error there
                    digest.update(chunk)
                    size += file.write(chunk)
                    tell(f"{size / 1e6:.1f} MB")
    except requests.exceptions.ChunkedEncodingError:
        raise ServiceUnavailable(f"{shown} broke off after {size} bytes; try again") from None
    except (OSError, ValueError) as exc:  # every error of requests is an OSError
        reason = type(exc).__name__
        raise ServiceUnavailable(
            f"{shown} cannot be fetched ({reason}); check RETRAIN_ACQUIRE_URL and the network, and try again"
        ) from None  # the cause may repeat the address
    return digest.hexdigest()


@contextmanager
def _unlogged() -> Iterator[None]:
    """Without the client's log, which holds whole addresses with what may be a signature in them."""
    logger = logging.getLogger("urllib3")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def _see_that_it_is_there(answer: Response, shown: str) -> None:
    status = f"{shown} answers {answer.status_code} {answer.reason}"
    if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise ServiceUnavailable(f"{status}; try again later")
    if not answer.ok:
        raise ConfigError(f"RETRAIN_ACQUIRE_URL: {status}; is the address right?")
