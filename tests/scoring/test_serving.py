"""The server of the tests ends cleanly, so that no later test fails for what this one left open."""

from __future__ import annotations

import gc
import socket
import threading

from fastapi import FastAPI

from tests.serving import serve


def test_a_connection_that_arrives_as_its_server_ends_is_closed():
    busy, free = threading.Event(), threading.Event()

    app = FastAPI()

    @app.get("/")
    async def busily() -> None:
        busy.set()
        free.wait()  # not awaited: the loop stands still

    listening = socket.create_server(("127.0.0.1", 0))
    serving = serve(app, listening)
    with socket.create_connection(listening.getsockname()) as asking:
        asking.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        busy.wait()
        with socket.create_connection(listening.getsockname()):
            serving.server.end(at_once=True)
            free.set()
            serving.thread.join()

    # What is open still would be reported here, as an error.
    gc.collect()
