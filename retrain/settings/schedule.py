"""What the timer of Azure Functions takes as a schedule: six cron fields, by the rules of NCrontab."""

from __future__ import annotations

import re
from typing import NamedTuple

from retrain.settings.masking import quoted

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
SHORTEST = 3  # letters of a name
PART = re.compile(r"(?P<first>\*|\w+)(-(?P<last>\w+))?(/(?P<step>[0-9]+))?")


class _Field(NamedTuple):
    name: str
    least: int
    most: int
    names: tuple[str, ...] = ()

    def value(self, text: str) -> int | None:
        """The number that a text stands for; None if it is no value of this field."""
        if text.isascii() and text.isdecimal():
            return int(text) if self.least <= int(text) <= self.most else None
        found = [n for n, name in enumerate(self.names, self.least) if name.lower().startswith(text.lower())]
        return found[0] if found and len(text) >= SHORTEST else None

    def takes(self, text: str) -> bool:
        """Whether it is `*`, a value or a range, with a step or without."""
        part = PART.fullmatch(text)
        if part is None or (part["step"] and not 1 <= int(part["step"]) <= self.most):
            return False
        if part["first"] == "*":
            return part["last"] is None
        return all(self.value(one) is not None for one in (part["first"], part["last"]) if one is not None)


FIELDS = (
    _Field("second", 0, 59),
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day", 1, 31),
    _Field("month", 1, 12, MONTHS),
    _Field("day of the week", 0, 6, DAYS),
)


def checked(text: str) -> str:
    """The schedule itself, of six fields. Raises: ValueError with the field that the host would refuse.

    Source: learn.microsoft.com/azure/azure-functions/functions-bindings-timer, "NCRONTAB expressions".
    """
    for field, given in zip(FIELDS, text.split(" "), strict=True):
        if not all(field.takes(part) for part in given.split(",")):
            raise ValueError(
                f"its {field.name} is {quoted(given)}; write *, or numbers from {field.least} to {field.most}, "
                "for example 0 0 3 * * *"
            )
    return text
