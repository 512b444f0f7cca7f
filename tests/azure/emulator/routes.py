"""Which handler answers which path, and how ARM says no."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.azure.emulator.web import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.azure.emulator.web import Request

    Handler = Callable[..., Response]


class ArmError(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, dict(headers or {})

    @property
    def body(self) -> dict[str, dict[str, str]]:
        """As ARM writes it."""
        return {"error": {"code": self.code, "message": self.message}}

    @property
    def response(self) -> Response:
        """As an answer."""
        return Response(self.status, self.body, self.headers)


def not_found(path: str) -> ArmError:
    """The answer for a resource that is not there."""
    kind, _, name = path.partition("/providers/")[2].rpartition("/")
    return ArmError(404, "ResourceNotFound", f"The Resource '{kind}/{name}' was not found.")


class Routes:
    """Patterns below one prefix; named groups become the handler's arguments."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = []

    def add(self, method: str, pattern: str, handler: Handler, anywhere: bool = False) -> None:
        """Answer a method on a path; `anywhere`: the pattern is the whole path."""
        # "{name}" stands for one segment of the path.
        expression = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern.replace(".", r"\."))
        whole = expression if anywhere else re.escape(self._prefix) + expression
        self._routes.append((method, re.compile(whole + "/?", re.IGNORECASE), handler))

    def answer(self, request: Request) -> Response:
        """The answer of whoever is responsible.

        Raises: ArmError if nobody is: it is not there, or not emulated.
        """
        for method, pattern, handler in self._routes:
            if method == request.method and (match := pattern.fullmatch(request.path)):
                return handler(request, **match.groupdict())
        raise not_found(request.path)
