"""Pages of runs: whatever came from data is shown, and nothing of it is obeyed."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from retrain.doors.page import page
from tests.browser import Seen
from tests.builders import FIRST_DAY, csv_file, level_days
from tests.drills.table import tell

if TYPE_CHECKING:
    from tests.builders import World

HARMLESS = {
    *("html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "table", "tr", "th", "td", "pre"),
    *("svg", "g", "rect", "line", "path", "text"),
}


def hostile(value: Any, evil: str) -> Any:
    """The same record, in which every text was written to do harm."""
    if isinstance(value, BaseModel):
        fields = {name: hostile(getattr(value, name), evil) for name in type(value).model_fields}
        return value.model_copy(update=fields)
    if isinstance(value, dict):
        return {name: hostile(inner, evil) for name, inner in value.items()}
    if isinstance(value, tuple):
        return tuple(hostile(inner, evil) for inner in value)
    return evil if isinstance(value, str) and not isinstance(value, Enum) else value


@pytest.mark.parametrize(
    "evil",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "' onload='alert(1)",
        "</style><style>body{display:none}</style>",
        "{policy} {0.__class__}",
        "\ud800",
    ],
)
def test_whatever_came_from_data_is_shown_and_not_obeyed(world: World, evil: str):
    """Names of files, reasons, logs, names of models: text, wherever they stand."""
    world.overrides["RETRAIN_MIN_UNSEEN_DAYS"] = "14"
    world.land("one.csv", csv_file(level_days(60, seed=1, level=200)))
    report = world.land("two.csv", csv_file(level_days(40, seed=2, level=160), FIRST_DAY + timedelta(days=60)))
    run = hostile(world.ledger.run(report["run_id"]), evil).evolve(warnings=(evil,))
    text = page(run, world.ledger.unseen_days(report["run_id"]))
    seen = Seen(text)
    broken = seen.tags - HARMLESS | {name for name in seen.attributes if name.startswith("on")}

    tell("hostile requests", "page", "runs of which every word was written to do harm", 1, len(broken))
    assert broken == set()
    assert not {"href", "src"} & seen.attributes
    assert evil.encode(errors="replace").decode() in seen.text
    assert text.encode()  # as it goes over the wire
