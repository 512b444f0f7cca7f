"""A lease of Blob Storage as a lock: kept by a thread, believed only while it was confirmed a moment ago.

Blob Storage cannot make a write of one blob depend on the lease of another. So a holder writes only if its lease
was confirmed within `Terms.fresh` seconds, and no other holder begins before every such write has been answered: a
lease that ended by itself was confirmed longer ago, and after one that somebody broke the next holder waits for
`Terms.settled` seconds.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azure.storage.blob import BlobLeaseClient

NOT_OURS = {404, 409, 412}
"""The answers to a renewal that say that the lease is broken, another's, or gone with its blob."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The times of a lease, in seconds.

    Attributes:
        lease: for which it is held unless it is renewed; Blob Storage grants 15 to 60.
        margin: the part of it at its end in which it is not relied on.
        renew: from one renewal to the next.
        retry: from a renewal without an answer to the next.
        fresh: a write is sent only if the lease was confirmed so recently; otherwise it is renewed first.
        answer: the limit of the server for a write.
    """

    lease: int = 60
    margin: float = 5.0
    renew: float = 5.0
    retry: float = 1.0
    fresh: float = 10.0
    answer: int = 30

    @property
    def settled(self) -> float:
        """After which no write of an earlier holder can take effect, once its lease is broken."""
        return self.fresh + self.answer


TERMS = Terms()


def now() -> float:
    """Seconds that never go back; those in which the machine was suspended count where the system counts them."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


class Lease:
    """A lease that was acquired, and whether it is still ours."""

    def __init__(self, client: BlobLeaseClient, asked_at: float, terms: Terms) -> None:
        """Begin. Args: asked_at: when it was asked for, by `now`: the server counts from no sooner."""
        self._client, self._terms, self._confirmed_at = client, terms, asked_at
        self._why, self._doubted_at, self._is_wanted, self._is_released = "", asked_at, False, False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._keep, name="lease renewal", daemon=True)
        self._thread.start()

    def lost(self) -> str:
        """Why the lease is not ours any more; empty if it is.

        If it was not confirmed a moment ago, it is renewed first. This waits for the answer, at most until the
        lease has ended.
        """
        with self._changed:
            while not self._is_over():
                if self._confirmed_at >= max(self._doubted_at, now() - self._terms.fresh):
                    return ""
                self._is_wanted = True
                self._changed.notify_all()
                self._changed.wait(self._terms.retry)
            return self._why

    def doubt(self) -> None:
        """Believe it no more until a renewal that begins from now on is answered."""
        with self._changed:
            self._doubted_at = now()

    def wait(self, seconds: float) -> None:
        """Keep it for so long, or until it is lost."""
        until = now() + seconds
        with self._changed:
            while not self._is_over() and (left := until - now()) > 0:
                self._changed.wait(left)

    def release(self) -> None:
        """Renew it no more, and let go of it. Raises: what the SDK raises."""
        self.stop()
        if not self._why:
            self._client.release()

    def stop(self) -> None:
        """Renew it no more: it ends by itself."""
        with self._changed:
            self._is_released = True
            self._changed.notify_all()
        self._thread.join()

    @property
    def _left(self) -> float:
        """For how many seconds it can still be renewed."""
        return self._confirmed_at + self._terms.lease - self._terms.margin - now()

    def _is_over(self) -> bool:
        if not self._why and self._left <= 0:
            self._why = "its lease was not renewed in time"
        return self._why != ""

    def _keep(self) -> None:
        pause = self._terms.renew
        while self._must_renew_after(pause):
            pause = self._terms.renew if self._renewed() else self._terms.retry

    def _must_renew_after(self, seconds: float) -> bool:
        """Wait for so long, or until somebody wants a renewal. Returns: False if it is over or released."""
        until = now() + seconds
        with self._changed:
            while not (self._is_released or self._is_over()):
                if self._is_wanted or now() >= until:
                    self._is_wanted = False
                    return True
                self._changed.wait(min(until - now(), max(self._left, 0.0)))
        return False

    def _renewed(self) -> bool:
        """Renew it once. Returns: whether there was an answer."""
        from azure.core.exceptions import AzureError

        asked_at = now()
        try:
            self._client.renew(**_bounds(min(self._left, self._terms.fresh)))
        except AzureError as error:
            code = getattr(error, "status_code", None)
            if code not in NOT_OURS:
                return False
            self._end(f"its lease was broken or taken ({code} {_name(error)})")
        else:
            self._confirm(asked_at)
        return True

    def _confirm(self, asked_at: float) -> None:
        with self._changed:
            self._confirmed_at = max(self._confirmed_at, asked_at)
            self._changed.notify_all()

    def _end(self, why: str) -> None:
        with self._changed:
            self._why = self._why or why
            self._changed.notify_all()


def _bounds(seconds: float) -> dict[str, Any]:
    """Options of one call that is not repeated, and is given up after so long without an answer."""
    half = max(seconds / 2, 0.1)
    return {"retry_total": 0, "connection_timeout": half, "read_timeout": half}


def _name(error: Any) -> str:
    code = getattr(error, "error_code", None)
    return str(getattr(code, "value", code) or error.reason)
