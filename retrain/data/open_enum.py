"""Named values of which newer code may know more."""

from __future__ import annotations

from enum import StrEnum


class OpenEnum(StrEnum):
    """A StrEnum that also holds a text that it does not know, so that a record of newer code can be read and shown.

    Such a value is equal to its text alone; it is not among the members.
    """

    @classmethod
    def _missing_(cls, value: object) -> OpenEnum | None:
        if not isinstance(value, str):
            return None
        unknown = str.__new__(cls, value)
        unknown._name_, unknown._value_ = value, value
        return unknown

    @property
    def is_known(self) -> bool:
        """Whether this code knows what the value means."""
        return self.value in type(self)._value2member_map_
