"""An app of ours on a socket, in a thread of this process: it starts and ends in milliseconds."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scoring.server import GRACE_SECONDS, Server, configured

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

    from scoring.connections import Connections

LOOK_SECONDS = 0.002


class ThreadServer(Server):
    """The genuine server, but for its end: uvicorn looks ten times a second whether it should, and then sleeps."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ending = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def end(self, *, at_once: bool) -> None:
        """Tell it to end, from another thread. Args: at_once: without what it has to answer."""
        self.should_exit, self.force_exit = True, at_once
        if self._loop is not None:
            with suppress(RuntimeError):  # it has ended
                self._loop.call_soon_threadsafe(self._ending.set)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)

    async def main_loop(self) -> None:
        """Until it is told to end."""
        if not await self.on_tick(0):
            await self._ending.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what was asked, unless it is to end at once, and close."""
        for listening in (each for server in self.servers for each in server.sockets):
            asyncio.get_running_loop().remove_reader(listening)
        await asyncio.sleep(0)  # so that what has been accepted becomes a connection before its server closes
        for server in self.servers:
            server.close()
        for each in sockets or []:
            each.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(0 if self.force_exit else GRACE_SECONDS):
                while self.server_state.connections or self.server_state.tasks:
                    for connection in list(self.server_state.connections):
                        connection.shutdown()
                    await asyncio.sleep(LOOK_SECONDS)
        for server in self.servers:
            server.abort_clients()  # also those of which uvicorn does not know yet
            await server.wait_closed()


@dataclass(frozen=True, slots=True)
class Serving:
    """A server and its thread."""

    server: ThreadServer
    thread: threading.Thread

    def end(self, *, at_once: bool = False) -> None:
        """Stop it; afterwards nothing listens. Args: at_once: without what it has to answer."""
        self.server.end(at_once=at_once)
        self.thread.join()


def serve(app: FastAPI, listening: socket.socket, limits: Connections | None = None, **options: Any) -> Serving:
    """Run an app on a socket; `options` are more of uvicorn's, for example of TLS."""
    # asyncio sets it on its own sockets only; without it an answer's body waits until its head was confirmed.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    server = ThreadServer(configured(app, limits, log_level="critical", lifespan="off", **options))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    return Serving(server, thread)
