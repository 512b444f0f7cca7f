"""The functions of Bicep that a template of ours calls."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from tests.azure.template.references import identifier

if TYPE_CHECKING:
    from collections.abc import Callable

ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
NOW = "2026-01-01"


def unique_string(*parts: str) -> str:
    """13 letters and digits that depend on the parts alone; not those that Azure makes."""
    digest = hashlib.sha256("/".join(parts).encode()).digest()
    return "".join(ALPHABET[byte % 32] for byte in digest[:13])


def _union(*parts: Any) -> Any:
    if isinstance(parts[0], dict):
        return {name: value for part in parts for name, value in part.items()}
    return list(dict.fromkeys(item for part in parts for item in part))


def _concat(*parts: Any) -> Any:
    return [item for part in parts for item in part] if isinstance(parts[0], list) else "".join(parts)


def _to_object(items: list[Any], key: Callable[..., str], value: Callable[..., Any] = lambda item: item) -> Any:
    return {key(item): value(item) for item in items}


def _format(text: str, *values: Any) -> str:
    return text.format(*values)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "array": lambda value: value if isinstance(value, list) else [value],
    "bool": lambda value: value in (True, "true", 1),
    "concat": _concat,
    "contains": lambda whole, part: part in whole,
    "empty": lambda value: not value,
    "endsWith": lambda text, end: text.lower().endswith(end.lower()),
    "filter": lambda items, keep: [item for item in items if keep(item)],
    "first": lambda items: items[0] if items else None,
    "flatten": lambda items: [item for part in items for item in part],
    "format": _format,
    "guid": lambda *parts: identifier(*parts),
    "indexOf": lambda text, part: text.lower().find(part.lower()),
    "int": int,
    "items": lambda given: [{"key": name, "value": given[name]} for name in sorted(given)],
    "join": lambda items, between: between.join(items),
    "json": json.loads,
    "length": len,
    "map": lambda items, change: [change(item) for item in items],
    "range": lambda start, count: list(range(start, start + count)),
    "replace": lambda text, old, new: text.replace(old, new),
    "split": lambda text, at: text.split(at),
    "startsWith": lambda text, start: text.lower().startswith(start.lower()),
    "string": lambda value: value if isinstance(value, str) else json.dumps(value, separators=(",", ":")),
    "substring": lambda text, start, count=None: text[start:][:count],
    "take": lambda items, count: items[:count],
    "toLower": str.lower,
    "toObject": _to_object,
    "toUpper": str.upper,
    "trim": str.strip,
    "union": _union,
    "uniqueString": unique_string,
    "utcNow": lambda pattern="": NOW if pattern.endswith("-01") else f"{NOW}T00:00:00Z",
}


SUFFIXES = {"storage": "core.windows.net", "keyvaultDns": ".vault.azure.net", "acrLoginServer": ".azurecr.io"}
ENVIRONMENT = {
    "name": "AzureCloud",
    "resourceManager": "https://management.azure.com/",
    "suffixes": SUFFIXES,
    "authentication": {"loginEndpoint": "https://login.microsoftonline.com/"},
}
