"""Keeps what libraries log out of the log of the app. It imports nothing but `logging`."""

from __future__ import annotations

import logging

QUIETED = ("azure", "urllib3", "msrest")
"""They log several lines a call at INFO, such as every header of a request."""
EXPORTERS = ("azure.monitor", "opentelemetry")


def quiet_libraries() -> None:
    """Let them log warnings and errors alone.

    host.json cannot do this: the host knows their lines only as lines of the app.
    """
    for name in QUIETED:
        logging.getLogger(name).setLevel(logging.WARNING)


def silence_exporters() -> None:
    """Let exporters log nothing: what they could not send is told by the outbox, in a sentence."""
    quiet_libraries()
    for name in EXPORTERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
