"""The HTTP routes of the service of one model version."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException

from scoring.documents import add_documents, with_key
from scoring.guard import PROBLEM, Guard, Metrics, problem
from scoring.identity import CHALLENGE, PATH, proof
from scoring.keys import Keys, keys
from scoring.schema import (
    ForecastRequest,
    ForecastResponse,
    Health,
    Identity,
    Readiness,
    ScoreRequest,
    ScoreResponse,
    forecast_json,
)
from scoring.turns import Turns

if TYPE_CHECKING:
    from scoring.model import ForecastModel


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
    add_documents(app, lambda: with_key(get_openapi(title=app.title, version=app.version, routes=app.routes)))
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
    refusals, turns = _refusals(400, 401, 409, 413, 422), Turns()

    @app.post("/forecast", response_model=ForecastResponse, responses=refusals)
    async def forecast(body: ForecastRequest) -> Response:
        """Means and intervals of the days after the origin; observations move the origin forward."""
        async with turns.lock:
            model = await turns.told(served.model, body)
            answer = forecast_json(served.identity, model.origin, model.forecast(body.horizon_days), body.levels)
        return Response(answer, media_type="application/json")

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


def _add_identity_route(app: FastAPI, served: Served, keys: Keys | None) -> None:
    """Answer challenges; a service without a key has no proof."""

    @app.get(PATH, responses=_refusals(422))
    async def identity(request: Request, challenge: Annotated[str, Query(pattern=CHALLENGE)]) -> Identity:
        """Proof that this process knows its key, which is not sent."""
        port = request.scope["server"][1]
        known = keys.accepted() if keys else ()
        proofs = [proof(key, challenge, served.name, served.version, port) for key in known]
        return Identity(model=served.name, version=served.version, proofs=proofs)


async def _http_problem(_request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)  # noqa: S101 - it is registered for this type
    return problem(exc.status_code, str(exc.detail), dict(exc.headers or {}))


async def _body_problem(_request: Request, exc: Exception) -> Response:
    assert isinstance(exc, RequestValidationError)  # noqa: S101 - it is registered for this type
    first = exc.errors()[0]
    path = [] if first["type"] == "json_invalid" else first["loc"][1:]
    place = ".".join(str(part) for part in path) or "the body"
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{place[:80]}: {first['msg']}")
