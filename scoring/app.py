"""The HTTP routes of the service of one model version."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException

from scoring.guard import PROBLEM, Guard, Metrics, problem
from scoring.identity import CHALLENGE, PATH, proof
from scoring.keys import Keys, keys
from scoring.model import FIRST_DAYS
from scoring.schema import (
    ForecastRequest,
    ForecastResponse,
    Health,
    Identity,
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

MAX_OBSERVATION_DAYS = 3660


@dataclass(frozen=True, slots=True)
class Served:
    """A model, and the version as which it is registered."""

    model: ForecastModel
    name: str
    version: str
    data_sha256: str

    @property
    def identity(self) -> dict[str, Any]:
        """The fields that identify the model in every response."""
        return {
            "model": self.name,
            "version": self.version,
            "data_sha256": self.data_sha256,
            "trained_through": self.model.origin,
        }


def create_app(served: Served, key: Keys | str | None) -> FastAPI:
    """Make the ASGI application; callers must send a key that is accepted, or none if `key` is None."""
    accepted = keys(key)
    app = FastAPI(
        title="Forecasts of one model version",
        version=served.version,
        openapi_url=None,
        redirect_slashes=False,  # a redirect would go to any host that the request names
    )
    metrics = Metrics(served.name, served.version)
    app.add_middleware(Guard, keys=accepted, metrics=metrics)
    app.add_exception_handler(HTTPException, _http_problem)
    app.add_exception_handler(RequestValidationError, _body_problem)
    _add_forecast_routes(app, served)
    _add_status_routes(app, served, metrics)
    _add_identity_route(app, served, accepted)
    return app


def _refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


def _add_forecast_routes(app: FastAPI, served: Served) -> None:
    refusals = _refusals(400, 401, 409, 413, 422)

    @app.post("/forecast", response_model=ForecastResponse, responses=refusals)
    async def forecast(body: ForecastRequest) -> Response:
        """Means and intervals of the days after the origin; observations move the origin forward."""
        model = _told(served.model, body)
        prediction = model.forecast(body.horizon_days)
        bounds = [(level, *prediction.interval(level)) for level in body.levels]
        rows = [
            Row(
                date=day,
                mean=prediction.mean[at],
                intervals=[Interval(level=level, lower=low[at], upper=high[at]) for level, low, high in bounds],
            )
            for at, day in enumerate(prediction.days)
        ]
        response = ForecastResponse(**served.identity, origin=model.origin, forecast=rows)
        # Serialised here, because FastAPI would validate the response a second time.
        return Response(response.model_dump_json(), media_type="application/json")

    @app.post("/score", responses=refusals)
    async def score(body: ScoreRequest) -> ScoreResponse:
        """The means of the next days, for clients of the previous service."""
        return ScoreResponse(result=served.model.forecast(body.data[0]).mean.tolist())


def _add_status_routes(app: FastAPI, served: Served, metrics: Metrics) -> None:
    @app.get("/healthz")
    async def healthz() -> Health:
        """The process answers."""
        return Health(status="alive")

    @app.get("/readyz")
    async def readyz() -> Readiness:
        """The model is loaded, and its version."""
        return Readiness(status="ready", **served.identity)

    @app.get("/metrics", include_in_schema=False)
    async def metrics_text() -> Response:
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi_document() -> dict[str, Any]:
        return document(app)

    @app.get("/docs", include_in_schema=False)
    async def docs_page() -> Response:
        # The page contains the document, because a browser would not send the key to fetch it.
        parameters = {"spec": document(app)}
        return get_swagger_ui_html(openapi_url="", title=app.title, swagger_ui_parameters=parameters)


def _add_identity_route(app: FastAPI, served: Served, keys: Keys | None) -> None:
    """Answer challenges; a service without a key has no proof."""

    @app.get(PATH, responses=_refusals(422))
    async def identity(request: Request, challenge: Annotated[str, Query(pattern=CHALLENGE)]) -> Identity:
        """Proof that this process knows its key, which is not sent."""
        port = request.scope["server"][1]
        known = keys.accepted() if keys else ()
        proofs = [proof(key, challenge, served.name, served.version, port) for key in known]
        return Identity(model=served.name, version=served.version, proofs=proofs)


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with the key and the problems of the guard, which FastAPI does not know."""
    if app.openapi_schema is None:
        api = get_openapi(title=app.title, version=app.version, routes=app.routes)
        components = api["components"]
        components["schemas"]["Problem"] = Problem.model_json_schema()
        components["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer"},
            "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
        }
        for path in ("/forecast", "/score"):
            api["paths"][path]["post"]["security"] = [{"bearer": []}, {"apiKey": []}]
        app.openapi_schema = api
    return app.openapi_schema


def _told(model: ForecastModel, body: ForecastRequest) -> ForecastModel:
    """The model after the observations. Raises: HTTPException 409 if they do not fit."""
    if not body.restart:
        return model.observe(_consecutive(body.observations, model.origin))
    for observation in body.observations:
        if abs((observation.date - model.origin).days) > MAX_OBSERVATION_DAYS:
            detail = (
                f"observation {observation.date}: it must be within {MAX_OBSERVATION_DAYS} days of the last day of "
                f"training, {model.origin}"
            )
            raise HTTPException(HTTPStatus.CONFLICT, detail)
    usable = sum(model.observes(observation.amount, observation.date) for observation in body.observations)
    if usable < FIRST_DAYS:
        kind = "on open days with amounts above zero" if model.log else "on open days"
        detail = f"{usable} observations {kind} are too few to restart; send at least {FIRST_DAYS}"
        raise HTTPException(HTTPStatus.CONFLICT, detail)
    first_day = min(observation.date for observation in body.observations)
    return model.restarted(first_day, np.array(_consecutive(body.observations, first_day - timedelta(days=1))))


def _consecutive(observations: list[Observation], origin: date) -> list[float]:
    """One amount per day from the day after the origin on; NaN for a missing day.

    Raises: HTTPException 409 for a day that is not after the origin, is too far ahead, or is given twice.
    """
    amounts: dict[int, float] = {}
    for observation in observations:
        ahead = (observation.date - origin).days
        if not 1 <= ahead <= MAX_OBSERVATION_DAYS:
            limit = f"it must be one of the {MAX_OBSERVATION_DAYS} days after the origin, {origin}"
            detail = f"observation {observation.date}: {limit}"
            raise HTTPException(HTTPStatus.CONFLICT, detail)
        if ahead in amounts:
            raise HTTPException(HTTPStatus.CONFLICT, f"observation {observation.date} is given twice")
        amounts[ahead] = observation.amount
    return [amounts.get(ahead, math.nan) for ahead in range(1, max(amounts, default=0) + 1)]


async def _http_problem(_request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)  # noqa: S101 - it is registered for this type
    return problem(exc.status_code, str(exc.detail), dict(exc.headers or {}))


async def _body_problem(_request: Request, exc: Exception) -> Response:
    assert isinstance(exc, RequestValidationError)  # noqa: S101 - it is registered for this type
    first = exc.errors()[0]
    path = [] if first["type"] == "json_invalid" else first["loc"][1:]
    place = ".".join(str(part) for part in path) or "the body"
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{place[:80]}: {first['msg']}")
