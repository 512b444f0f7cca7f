"""Drives a Chromium over its debugging pipe: opens a page, runs scripts in it, and keeps what it complained of.

The protocol is Chrome's DevTools Protocol; messages are JSON that ends with a NUL.
"""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OPTIONS = ("--headless=new", "--no-sandbox", "--disable-gpu")
READS_3_WRITES_4 = 'exec "$@" 3<&"$TO" 4>&"$FROM"'


@dataclass
class Page:
    """An open page.

    Attributes:
        complaints: messages of its console and of its policy.
        requests: the addresses that it asked for.
    """

    to: BinaryIO
    answers: BinaryIO
    session: str = ""
    sent: int = 0
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def command(self, method: str, **options: Any) -> dict[str, Any]:
        """The result of a command of the protocol."""
        self.sent += 1
        message = {"id": self.sent, "method": method, "params": options}
        message |= {"sessionId": self.session} if self.session else {}
        self.to.write(json.dumps(message).encode() + b"\0")
        self.to.flush()
        while (answer := self._next()).get("id") != self.sent:
            self._note(answer)
        if "error" in answer:
            raise AssertionError(f"{method}: {answer['error']}")
        result: dict[str, Any] = answer["result"]
        return result

    def run(self, script: str) -> Any:
        """The value of a script, which is waited for."""
        found = self.command("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def _next(self) -> dict[str, Any]:
        data = bytearray()
        while (sign := self.answers.read(1)) != b"\0":
            assert sign, "the browser has ended"
            data += sign
        found: dict[str, Any] = json.loads(data)
        return found

    def _note(self, event: dict[str, Any]) -> None:
        if event.get("method") == "Network.requestWillBeSent":
            self.requests.append(event["params"]["request"]["url"])
        if event.get("method") == "Log.entryAdded":
            self.complaints.append(event["params"]["entry"]["text"])


@contextmanager
def opened(browser: str, url: str, folder: Path) -> Iterator[Page]:
    """A page in a browser of its own, which ends with the block."""
    (reads, to), (answers, writes) = os.pipe(), os.pipe()
    environment = {**os.environ, "TO": str(reads), "FROM": str(writes)}
    command = ["bash", "-c", READS_3_WRITES_4, "bash", browser, *OPTIONS, f"--user-data-dir={folder}"]
    command += ["--remote-debugging-pipe", "about:blank"]
    process = subprocess.Popen(
        command, env=environment, pass_fds=(reads, writes), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    os.close(reads)
    os.close(writes)
    with os.fdopen(to, "wb") as wire, os.fdopen(answers, "rb") as back:
        try:
            page = Page(wire, back)
            target = page.command("Target.createTarget", url="about:blank")["targetId"]
            page.session = page.command("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Network", "Log"):
                page.command(f"{domain}.enable")
            page.command("Page.navigate", url=url)
            yield page
        finally:
            process.kill()
            process.wait()
