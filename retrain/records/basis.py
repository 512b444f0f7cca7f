"""What a verdict was reached on."""

from __future__ import annotations

from retrain.records.base import Record


class Basis(Record):
    """What the verdict was reached on, besides the settings of the request and the champion: enough to replay it.

    Attributes:
        entries: how many entries the log of landings had.
        question: sha256 of the days, the champion, the decision settings and the code.
        code: the version of retrain.
        champions: how many entries the champion pointer had; None in the run of older code.
    """

    entries: int
    question: str
    code: str
    champions: int | None = None
