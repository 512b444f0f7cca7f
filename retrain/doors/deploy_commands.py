"""The commands that follow a deployment of the Function App."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING

from retrain.doors.asking import chosen_settings
from retrain.doors.output import say, show_progress

if TYPE_CHECKING:
    import argparse

    from retrain.ports import Subscribed


def subscribe(options: argparse.Namespace) -> int:
    """Let Event Grid tell the Function App of new files."""
    from retrain.wiring import subscription

    with closing(subscription(chosen_settings(options))) as events:
        done = events.subscribe(show_progress)
    show_progress("", "")
    if options.json:
        print(json.dumps(asdict(done)))
    else:
        say(*_told(done))
    return 0


def release(options: argparse.Namespace) -> int:
    """Register what promotion jobs are made of."""
    from retrain.wiring import releaser

    released = releaser(chosen_settings(options)).release(show_progress)
    show_progress("", "")
    width = max(map(len, released))
    if options.json:
        print(json.dumps(released))
    else:
        say(*(f"{kind:<{width}}  {name}" for kind, name in released.items()))
    return 0


def _told(done: Subscribed) -> list[str]:
    facts = {
        "subscription": f"{done.name}, {done.change}",
        "events": f"files of the container {done.container}, from the topic {done.topic}",
        "delivers to": done.delivers_to,
        "dead letters": done.dead_letters,
    }
    return [f"{name:<12}  {text}" for name, text in facts.items()]
