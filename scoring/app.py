"""The service of one model version: what it answers on which route."""

from __future__ import annotations

import math
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException

from scoring.guard import PROBLEM, Guard, Metrics, problem
from scoring.schema import (
    ForecastRequest,
    ForecastResponse,
    Health,
    Interval,
    Observation,
    Problem,
    Readiness,
    Row,
    ScoreRequest,
    ScoreResponse,
)

if TYPE_CHECKING:
    from datetime import date

    from scoring.model import ForecastModel

FARTHEST_OBSERVATION_DAYS = 3660


@dataclass(frozen=True, slots=True)
class Served:
    """A model, and the version under which it is registered."""

    model: ForecastModel
    name: str
    version: str
    data_sha256: str

    @property
    def identity(self) -> dict[str, Any]:
        """What every answer says of its maker."""
        return {
            "model": self.name,
            "version": self.version,
            "data_sha256": self.data_sha256,
            "trained_through": self.model.origin,
        }


def create_app(served: Served, key: str | None) -> FastAPI:
    """Make the ASGI application; `key` is what callers must present, None lets anybody in."""
    app = FastAPI(
        title="Forecasts of one model version",
        version=served.version,
        openapi_url=None,
        redirect_slashes=False,  # a redirect goes to whatever host the request names
    )
    metrics = Metrics(served.name, served.version)
    app.add_middleware(Guard, key=key, metrics=metrics)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _refused_body)
    _add_forecasts(app, served)
    _add_looks(app, served, metrics)
    return app


def _add_forecasts(app: FastAPI, served: Served) -> None:
    refusals: dict[int | str, dict[str, Any]] = {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in (400, 401, 409, 413, 422)
    }

    @app.post("/forecast", response_model=ForecastResponse, responses=refusals)
    async def forecast(asked: ForecastRequest) -> Response:
        """Dated means and intervals of the days after the origin, which observations move on."""
        model = served.model.observe(_consecutive(asked.observations, served.model.origin))
        made = model.forecast(asked.horizon_days)
        bounds = [(level, *made.interval(level)) for level in asked.levels]
        rows = [
            Row(
                date=day,
                mean=made.mean[at],
                intervals=[Interval(level=level, lower=low[at], upper=high[at]) for level, low, high in bounds],
            )
            for at, day in enumerate(made.days)
        ]
        answer = ForecastResponse(**served.identity, origin=model.origin, forecast=rows)
        # Written out here: it is valid by its making, and FastAPI would take it apart and check it again.
        return Response(answer.model_dump_json(), media_type="application/json")

    @app.post("/score", responses=refusals)
    async def score(asked: ScoreRequest) -> ScoreResponse:
        """The means of the next days, for clients of the predecessor."""
        return ScoreResponse(result=served.model.forecast(asked.data[0]).mean.tolist())


def _add_looks(app: FastAPI, served: Served, metrics: Metrics) -> None:
    @app.get("/healthz")
    async def healthz() -> Health:
        """Alive."""
        return Health(status="alive")

    @app.get("/readyz")
    async def readyz() -> Readiness:
        """Ready to forecast, and which version."""
        return Readiness(status="ready", **served.identity)

    @app.get("/metrics", include_in_schema=False)
    async def tell_metrics() -> Response:
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    @app.get("/openapi.json", include_in_schema=False)
    async def tell_document() -> dict[str, Any]:
        return document(app)

    @app.get("/docs", include_in_schema=False)
    async def tell_people() -> Response:
        # The document stands in the page: a browser would not send the key to fetch it.
        parameters = {"spec": document(app)}
        return get_swagger_ui_html(openapi_url="", title=app.title, swagger_ui_parameters=parameters)


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with what FastAPI cannot know: the guard's key and its refusals."""
    if app.openapi_schema is None:
        made = get_openapi(title=app.title, version=app.version, routes=app.routes)
        components = made["components"]
        components["schemas"]["Problem"] = Problem.model_json_schema()
        components["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer"},
            "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
        }
        for path in ("/forecast", "/score"):
            made["paths"][path]["post"]["security"] = [{"bearer": []}, {"apiKey": []}]
        app.openapi_schema = made
    return app.openapi_schema


def _consecutive(observations: list[Observation], origin: date) -> list[float]:
    """One amount a day from the day after the origin on; NaN where a day is missing.

    Raises: HTTPException 409 for a day that the model knows already, is told twice, or lies too far ahead.
    """
    amounts: dict[int, float] = {}
    for observation in observations:
        ahead = (observation.date - origin).days
        if not 1 <= ahead <= FARTHEST_OBSERVATION_DAYS:
            detail = (
                f"observation {observation.date}: only the {FARTHEST_OBSERVATION_DAYS} days after {origin} count"
            )
            raise HTTPException(HTTPStatus.CONFLICT, detail)
        if ahead in amounts:
            raise HTTPException(HTTPStatus.CONFLICT, f"observation {observation.date} is told twice")
        amounts[ahead] = observation.amount
    return [amounts.get(ahead, math.nan) for ahead in range(1, max(amounts, default=0) + 1)]


async def _refused(_request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)  # noqa: S101 - what it is registered for
    return problem(exc.status_code, str(exc.detail), dict(exc.headers or {}))


async def _refused_body(_request: Request, exc: Exception) -> Response:
    assert isinstance(exc, RequestValidationError)  # noqa: S101 - what it is registered for
    first = exc.errors()[0]
    path = [] if first["type"] == "json_invalid" else first["loc"][1:]
    place = ".".join(str(part) for part in path) or "the body"
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{place[:80]}: {first['msg']}")
