"""The server of an app: uvicorn with limits of connections, of TLS handshakes and of file descriptors."""

from __future__ import annotations

import asyncio
import os
import socket
from functools import partial
from typing import TYPE_CHECKING, Any

import uvicorn

from scoring.connections import CONNECTIONS, HEAD_SECONDS, Connections, LimitedProtocol

if TYPE_CHECKING:
    from starlette.types import ASGIApp

GRACE_SECONDS = 20
KEEP_ALIVE_SECONDS = 5
QUEUED = 2048  # connections that the kernel keeps until they are accepted
ACCEPTED_AT_ONCE = 100  # between two looks at the connections that are there
OTHER_FILES = 64  # descriptors that are no connections


class Loop(asyncio.SelectorEventLoop):
    """A TLS handshake takes no longer than a head."""

    async def create_server(self, *args: Any, **options: Any) -> Any:
        """See asyncio."""
        if options.get("ssl"):
            options["ssl_handshake_timeout"] = HEAD_SECONDS
        return await super().create_server(*args, **options)


class Server(uvicorn.Server):
    """Accepts a few connections at a time, while the kernel keeps many."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn."""
        await super().startup(sockets)
        for server in self.servers if self.started else []:
            for listening in server.sockets:
                with socket.socket(fileno=os.dup(listening.fileno())) as same:
                    same.listen(QUEUED)


def configured(app: ASGIApp, limits: Connections | None = None, **options: Any) -> uvicorn.Config:
    """Uvicorn's settings for an app of ours; `options` are more of them."""
    return uvicorn.Config(
        app,
        http=partial(LimitedProtocol, limits or Connections(_most_connections())),  # type: ignore[arg-type]
        ws="none",
        loop="scoring.server:Loop",
        backlog=ACCEPTED_AT_ONCE,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        log_config=None,
        **options,
    )


def _most_connections() -> int:
    """As many as there are file descriptors for."""
    try:
        import resource
    except ImportError:  # no limit to ask for, on Windows
        return CONNECTIONS
    wanted = CONNECTIONS + OTHER_FILES
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed < wanted and allowed != resource.RLIM_INFINITY:
        allowed = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))
    return CONNECTIONS if allowed == resource.RLIM_INFINITY else min(CONNECTIONS, max(1, allowed - OTHER_FILES))
