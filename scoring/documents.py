"""The description of the routes: the OpenAPI document, and a page that shows it and sends requests.

Both are open: they hold what the source code says, and no figure of the model. The page loads nothing from
elsewhere; the key is typed into it.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from scoring.schema import Problem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.applications import Starlette
    from starlette.requests import Request

PAGE = {
    "/docs": ("docs.html", "text/html"),
    "/docs.css": ("docs.css", "text/css"),
    "/docs.js": ("docs.js", "text/javascript"),
}
DESCRIPTION = "/openapi.json"
OPEN_DOCUMENTS = frozenset({*PAGE, DESCRIPTION})
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def add_documents(app: Starlette, describe: Callable[[], dict[str, Any]]) -> None:
    """Add the routes of the description and of the page.

    The description is made for the first who asks, and kept: a service that starts has no time for it.
    """
    files = resources.files("scoring") / "page"
    for path, (name, kind) in PAGE.items():
        app.add_route(path, _answer(files.joinpath(name).read_bytes, kind), methods=["GET"])
    description = _answer(lambda: json.dumps(describe()).encode(), "application/json")
    app.add_route(DESCRIPTION, description, methods=["GET"])


def _answer(content: Callable[[], bytes], kind: str) -> Callable[[Request], Awaitable[Response]]:
    kept = cache(content)

    async def answer(_request: Request) -> Response:
        return Response(kept(), headers=HEADERS, media_type=kind)

    return answer


def with_key(api: dict[str, Any]) -> dict[str, Any]:
    """The OpenAPI document with what the guard asks for and refuses, which FastAPI does not know."""
    components = api["components"]
    components["schemas"]["Problem"] = Problem.model_json_schema()
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    }
    for path in ("/forecast", "/score"):
        api["paths"][path]["post"]["security"] = [{"bearer": []}, {"apiKey": []}]
    return api
