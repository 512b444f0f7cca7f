"""The trace context of a caller (https://www.w3.org/TR/trace-context), and the line of the log that repeats it."""

from __future__ import annotations

import json
import logging
import re

HEADER = "traceparent"
FORM = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?:-[!-~]*)?", re.ASCII
)
log = logging.getLogger("scoring.request")


def accepted(traceparent: object) -> str:
    """The same in the form of version 00; empty for what is not valid, which a caller may send."""
    found = FORM.fullmatch(traceparent) if isinstance(traceparent, str) else None
    return f"00-{found[1]}-{found[2]}-01" if found else ""


def log_answer(traceparent: str, route: str, status: int, seconds: float) -> None:
    """One line of JSON for an answer to a caller that sent a trace; nothing for others, who are counted alone."""
    found = accepted(traceparent)
    if found:
        _, trace_id, span_id, _ = found.split("-")
        facts = {"scoring": "request", "trace_id": trace_id, "parent_id": span_id, "route": route}
        log.info(json.dumps({**facts, "status": status, "seconds": round(seconds, 4)}))
