"""Talks to a scoring service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrain.errors import ServiceError, ServiceTimeout, ServiceUnavailable

if TYPE_CHECKING:
    from retrain.ports import Service

CONNECT_SECONDS = 3
ANSWER_SECONDS = 20


def ask(service: Service, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """POST the body, or GET without one, and give the answer's object.

    Raises: ServiceTimeout if it takes too long; ServiceUnavailable if nobody answers or the service is in trouble;
        ServiceError if it refuses what is asked.
    """
    import requests

    url, method = f"{service.url}{path}", "GET" if body is None else "POST"
    try:
        answer = requests.request(
            method, url, json=body, headers={"x-api-key": service.key}, timeout=(CONNECT_SECONDS, ANSWER_SECONDS)
        )
        found: dict[str, Any] = answer.json()
    except requests.Timeout as exc:
        raise ServiceTimeout(f"{url} did not answer in time; `retrain services` tells its state") from exc
    except requests.RequestException as exc:
        reason = type(exc).__name__
        raise ServiceUnavailable(f"{url} does not answer ({reason}); `retrain services` tells its state") from exc
    if answer.status_code >= requests.codes.server_error:
        raise ServiceUnavailable(f"{url} answers {answer.status_code}; `retrain services` tells its state")
    if not answer.ok:
        raise ServiceError(f"{url} refuses ({answer.status_code}): {found.get('detail', '')}")
    return found
