"""W3C trace context: what an upload causes, up to the proof of a new service, is one trace.

A `traceparent` is `00-TRACE-SPAN-FLAGS` in lower-case hex digits (https://www.w3.org/TR/trace-context).
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from scoring.trace import HEADER, accepted

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["HEADER", "accepted", "begun", "parent_of", "span_of", "trace_of", "traceparent", "tracing", "within"]

TRACE_DIGITS, SPAN_DIGITS = 32, 16

_current: ContextVar[str] = ContextVar("traceparent", default="")


def span_of(name: str) -> str:
    """The span of a run or one of its steps; the same in every process, so each may name it as a parent."""
    return hashlib.sha256(name.encode()).hexdigest()[:SPAN_DIGITS]


def begun(run_id: str) -> str:
    """The trace of a run that nothing with a trace has asked for: its own span is the first."""
    return f"00-{hashlib.sha256(run_id.encode()).hexdigest()[-TRACE_DIGITS:]}-{span_of(run_id)}-01"


def within(traceparent: str, run_id: str) -> str:
    """What a run passes on: the trace in which it was asked for, and its own span as the parent."""
    return f"00-{trace_of(accepted(traceparent) or begun(run_id))}-{span_of(run_id)}-01"


def trace_of(traceparent: str) -> str:
    """The id of the trace, 32 hex digits."""
    return traceparent.split("-")[1]


def parent_of(traceparent: str) -> str:
    """The span that asked, 16 hex digits."""
    return traceparent.split("-")[2]


@contextmanager
def tracing(*candidates: object) -> Iterator[None]:
    """Work in the trace of the first candidate that is valid; as before if none is."""
    found = next(filter(None, map(accepted, candidates)), "")
    token = _current.set(found or _current.get())
    try:
        yield
    finally:
        _current.reset(token)


def traceparent() -> str:
    """The traceparent for what is asked for or called now; empty outside a trace."""
    return _current.get()
