"""Posts to an address that somebody else runs: bounded in time and memory, and never followed elsewhere."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from retrain.errors import ServiceError, ServiceUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from requests.adapters import HTTPAdapter

CONNECT_SECONDS, WHOLE_SECONDS = 3.0, 10.0
TRY_LATER = {408, 425, 429}


def post(url: str, body: bytes, headers: Mapping[str, str], seconds: float = WHOLE_SECONDS) -> None:
    """Post, and look at the status alone: what else is answered is not read.

    Args: seconds: from the connection to the status.
    Raises: ServiceUnavailable if it should be tried again; ServiceError if it is refused. They show the host alone.
    """
    import requests
    from urllib3.exceptions import LocationParseError

    host = urlsplit(url).hostname
    try:
        with requests.Session() as session:
            for scheme in ("http://", "https://"):
                session.mount(scheme, _bounded(seconds))
            limits = (CONNECT_SECONDS, seconds)
            answer = session.post(
                url, data=body, headers=headers, timeout=limits, allow_redirects=False, stream=True
            )
            answer.close()
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, LocationParseError):
        raise ServiceError(f"{host} is no address; see that RETRAIN_NOTIFY_URL is right") from None
    except requests.RequestException as exc:  # its message holds the address
        raise ServiceUnavailable(f"{host} does not answer ({type(exc).__name__})") from None
    status = answer.status_code
    if status >= requests.codes.server_error or status in TRY_LATER:
        raise ServiceUnavailable(f"{host} answers {status}")
    if not 200 <= status < 300:
        raise ServiceError(f"{host} answers {status}; see that RETRAIN_NOTIFY_URL is right")


def _bounded(seconds: float) -> HTTPAdapter:
    """Connections that end so long after they were made: a limit for each read is none for an answer in drops."""
    from requests.adapters import HTTPAdapter
    from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
    from urllib3.connection import HTTPConnection, HTTPSConnection

    class Ending(HTTPConnection):
        _end: threading.Timer | None = None

        def connect(self) -> None:
            super().connect()
            self._end = threading.Timer(seconds, _shut, (self.sock,))
            self._end.daemon = True
            self._end.start()

        def close(self) -> None:
            if self._end is not None:
                self._end.cancel()
            super().close()

    class EndingTls(Ending, HTTPSConnection):
        pass

    class Pool(HTTPConnectionPool):
        ConnectionCls = Ending

    class TlsPool(HTTPSConnectionPool):
        ConnectionCls = EndingTls

    class Bounded(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **options: Any) -> None:
            super().init_poolmanager(*args, **options)
            self.poolmanager.pool_classes_by_scheme = {"http": Pool, "https": TlsPool}

        def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
            manager = super().proxy_manager_for(proxy, **options)
            manager.pool_classes_by_scheme = {"http": Pool, "https": TlsPool}
            return manager

    return Bounded()


def _shut(sock: socket.socket | None) -> None:
    with suppress(OSError):
        if sock is not None:
            sock.shutdown(socket.SHUT_RDWR)
