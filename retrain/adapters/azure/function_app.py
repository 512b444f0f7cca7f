"""The Function App as Azure Resource Manager knows it: its address, its functions, its keys."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from retrain.adapters.azure.rest import resource_group
from retrain.errors import ConfigError, NotFound, ServiceError, ServiceUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrain.adapters.azure.rest import Rest
    from retrain.settings import Settings

API = "2024-11-01"
WAKE_SECONDS = 60
STARTING = "host runtime"
"""Part of what Azure Resource Manager answers for a host that has not started: it is an error of the kind 400."""


class FunctionApp:
    """One app.

    Args: arm: Azure Resource Manager, signed in to.
    Raises: ConfigError if `RETRAIN_FUNCTION_APP` is not set.
    """

    def __init__(self, arm: Rest, settings: Settings) -> None:
        if not settings.triggers.function_app:
            raise ConfigError(
                "RETRAIN_FUNCTION_APP is not set; write the name of the Function App, for example "
                "--set RETRAIN_FUNCTION_APP=NAME"
            )
        self._arm, self.name = arm, settings.triggers.function_app
        self._path = f"{resource_group(settings)}/providers/Microsoft.Web/sites/{self.name}"

    @property
    def where(self) -> str:
        """The app, for messages."""
        return self._path.lstrip("/")

    def address(self) -> str:
        """`https://` and the host's name. Raises: NotFound if there is no such app, or if it has no address."""
        site = self._arm.get(self._path, f"looking for {self.where}", api_version=API)
        host = (site.get("properties") or {}).get("defaultHostName")
        if not host:
            raise NotFound(f"{self.where} has no address yet; run `azd provision`, and repeat")
        return f"https://{host}"

    def wake(self) -> None:
        """Call the host, whatever it answers: an app that nobody calls has no instance, and makes no keys."""
        import requests

        with suppress(requests.RequestException):
            requests.get(self.address(), timeout=WAKE_SECONDS)

    def has(self, function: str) -> bool:
        """Whether the deployed code has a function of this name; False also while its host starts."""
        what = f"looking for the function {function} of {self.where}"
        found = _unless_starting(lambda: self._arm.get(f"{self._path}/functions/{function}", what, api_version=API))
        return found is not None

    def system_key(self, extension: str) -> str:
        """The key with which an extension of the host is called; empty until the host has made it."""
        return str((self._keys().get("systemKeys") or {}).get(extension, ""))

    def key(self) -> str:
        """The key with which every function is called; empty until the host has made it."""
        return str((self._keys().get("functionKeys") or {}).get("default", ""))

    def _keys(self) -> dict[str, Any]:
        what = f"asking for the keys of {self.where}"
        path = f"{self._path}/host/default/listkeys"
        return _unless_starting(lambda: self._arm.post(path, what, api_version=API)) or {}


def _unless_starting[T](ask: Callable[[], T]) -> T | None:
    """The answer of an app's host; None if it has not started. Raises: every other error."""
    try:
        return ask()
    except (NotFound, ServiceUnavailable):
        return None
    except ServiceError as error:
        if STARTING not in str(error):
            raise
        return None
