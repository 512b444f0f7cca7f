"""How a service proves that it knows its key, without telling it and without being told it.

Whoever asks sends a number that was never used before, and compares what comes back. The answer holds for one
version and one port, so that a process on another port cannot pass the question on to a genuine service.
"""

from __future__ import annotations

import hashlib
import hmac

PATH = "/identity"
PURPOSE = "retrain scoring identity 1"
CHALLENGE = r"^[0-9a-f]{32,128}$"


def proof(key: bytes, challenge: str, model: str, version: str, port: int) -> str:
    """HMAC-SHA256 of the question under the key, as hex digits. `port`: on which the service was asked."""
    text = "\n".join([PURPOSE, challenge, model, version, str(port)])
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
