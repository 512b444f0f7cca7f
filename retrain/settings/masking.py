"""Show a value without the secrets that may be in it."""

from __future__ import annotations

import re

HIDDEN = "***"
LONGEST_SHOWN = 20  # characters of a value that is refused; keys are longer
NAMED_SECRET = re.compile(r"(?i)(\w*(?:key|sig|signature|password|pwd|secret|token))\s*=\s*[^;&\s]+")


def masked(text: str) -> str:
    """Replace user and password, query and fragment of an address, and every `key=...` or `sig=...`, by `***`.

    It is applied to every value that is shown, because a secret may have been pasted into any setting.
    """
    if re.match(r"\w+://", text):
        text = _masked_address(text)
    return NAMED_SECRET.sub(rf"\1={HIDDEN}", text)


def may_be_a_secret(value: str) -> bool:
    """Whether a value that is refused looks like a secret that was pasted into the wrong setting."""
    return len(value) > LONGEST_SHOWN or (len(value) > 1 and any(sign in value for sign in "=;@?"))


def quoted(value: str) -> str:
    """A value that is refused, as a message shows it."""
    return "a text that is not shown" if may_be_a_secret(value) else repr(value)


def _masked_address(address: str) -> str:
    scheme, _, rest = address.partition("://")
    place, mark, query = re.fullmatch(r"([^?#]*)([?#]?)(.*)", rest, re.DOTALL).groups()  # type: ignore[union-attr]
    if "@" in query:  # either the password contains the mark or the query contains the @
        return f"{scheme}://{HIDDEN}"
    if "@" in place:
        place = f"{HIDDEN}@{place.rpartition('@')[2]}"
    return f"{scheme}://{place}{mark}{HIDDEN if mark else ''}"
