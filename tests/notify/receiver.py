"""A web server on the loopback that keeps what is posted to it."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Post:
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """What was posted, and the statuses that are answered next; 204 when none is left.

    Attributes:
        drips: answers in drops, for as long as somebody listens.
        bytes: the length of each answer.
    """

    url: str
    posts: list[Post] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    drips: bool = False
    bytes: int = 0


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that listens."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.posts.append(Post(self.path, headers, body))
            if receiver.drips:
                with suppress(OSError):
                    while True:
                        self.wfile.write(b"H")
                        time.sleep(0.2)
            status = receiver.answers.pop(0) if receiver.answers else 204
            self.send_response(status)
            if status == 302:
                self.send_header("Location", f"{receiver.url}/elsewhere")
            self.send_header("Content-Length", str(receiver.bytes))
            self.end_headers()
            with suppress(OSError):  # the other side has closed
                for _ in range(receiver.bytes >> 16):
                    self.wfile.write(bytes(1 << 16))

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver = Receiver(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield receiver
        server.shutdown()
        thread.join()
