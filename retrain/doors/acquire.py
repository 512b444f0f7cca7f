"""Download a transaction history, make it daily, cut it by year: one file a year, ready to land."""

from __future__ import annotations

import csv
import hashlib
import re
import urllib.error
import urllib.request
from http import HTTPStatus
from http.client import HTTPException
from itertools import groupby
from typing import TYPE_CHECKING

from retrain.data.transactions import read_days
from retrain.errors import ConfigError, DataError, ServiceUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from pathlib import Path

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
        landed = read_days(
            stream, _without_secrets(settings.acquire.url), settings.data.columns, settings.data.aggregate, today
        )
    files = []
    for year, days in groupby(landed.days.items(), key=lambda item: item[0].year):
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
    shown = _without_secrets(url)
    digest, size = hashlib.sha256(), 0
    try:
        request = urllib.request.Request(url, headers={"User-Agent": "retrain"})  # noqa: S310 - settings allow http(s) only
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as body, target.open("wb") as file:  # noqa: S310
            while chunk := body.read(CHUNK_BYTES):
                digest.update(chunk)
                size += file.write(chunk)
                tell(f"{size / 1e6:.1f} MB")
            expected = body.headers.get("Content-Length")
    except urllib.error.HTTPError as exc:
        if exc.code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise ServiceUnavailable(f"{shown} answers {exc.code} {exc.reason}; try again later") from exc
        raise ConfigError(
            f"RETRAIN_ACQUIRE_URL: {shown} answers {exc.code} {exc.reason}; is the address right?"
        ) from exc
    except (OSError, HTTPException, ValueError) as exc:
        reason = type(exc).__name__
        raise ServiceUnavailable(
            f"{shown} cannot be fetched ({reason}); check RETRAIN_ACQUIRE_URL and the network, and try again"
        ) from None  # the cause may repeat the address
    if expected is not None and str(size) != expected:
        raise ServiceUnavailable(f"{shown} broke off after {size} of {expected} bytes; try again")
    return digest.hexdigest()
