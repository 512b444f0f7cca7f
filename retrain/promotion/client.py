"""Talks to a scoring service."""

from __future__ import annotations

import hashlib
import os
import ssl
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from retrain.errors import ServiceError, ServiceTimeout, ServiceUnavailable
from retrain.promotion.connection import needs_proof, proven
from retrain.trace import HEADER, traceparent

if TYPE_CHECKING:
    from requests.adapters import HTTPAdapter

    from retrain.ports import Platform, Service

BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
CERTIFICATES = "REQUESTS_CA_BUNDLE"
"""A file of certificate authorities to trust in place of the public ones, for a private domain of services."""
CONNECT_SECONDS = 3
ANSWER_SECONDS = 20
PROOF_SECONDS = 5


def ask(
    service: Service, path: str, body: dict[str, Any] | None = None, answer_seconds: float | None = None
) -> dict[str, Any]:
    """POST the body, or GET without one, and give the answer's object.

    The key is sent only to a process that has proven to be this service.

    Raises: ServiceTimeout if it takes too long; UnprovenService if another process answers there;
        ServiceUnavailable if nobody answers or the service is in trouble; ServiceError if it refuses what is asked.
    """
    import requests

    url, method = f"{service.url}{path}", "GET" if body is None else "POST"
    try:
        with requests.Session() as session:
            session.trust_env = False  # neither a proxy nor a netrc has business with the key
            session.verify = os.environ.get(CERTIFICATES) or True  # as the SDKs, which ask Azure itself
            seconds = answer_seconds or ANSWER_SECONDS
            limits = (min(CONNECT_SECONDS, seconds), seconds)
            if needs_proof(service):
                session.mount("http://", proven(service, min(PROOF_SECONDS, seconds)))
            if service.certificate:
                session.mount("https://", _pinned(service.certificate))
            answer = session.request(method, url, json=body, headers=_headers(service), timeout=limits)
        if answer.status_code == requests.codes.unauthorized and service.key_before and not needs_proof(service):
            # The certificate says who answers; its key is being rotated, and it does not know the new one yet.
            return ask(replace(service, key=service.key_before, key_before=""), path, body, answer_seconds)
        if answer.status_code >= requests.codes.server_error:
            raise ServiceUnavailable(f"{url} answers {answer.status_code}; run `retrain services` to see its state")
        found: Any = answer.json()
    except requests.Timeout as exc:
        raise ServiceTimeout(f"{url} did not answer in time; run `retrain services` to see its state") from exc
    except requests.RequestException as exc:
        reason = type(exc).__name__
        raise ServiceUnavailable(
            f"{url} does not answer ({reason}); run `retrain services` to see its state"
        ) from exc
    if not isinstance(found, dict):
        raise ServiceError(f"{url} answers {answer.status_code} with something else than a JSON object")
    if not answer.ok:
        raise ServiceError(f"{url} refuses ({answer.status_code}): {found.get('detail', '')}")
    return found


def current(service: Service, platform: Platform) -> Service:
    """A service by what its platform says now, which costs a call to a control plane."""
    return next((found for found in platform.services() if found.version == service.version), service)


def _headers(service: Service) -> dict[str, str]:
    chosen = {"azureml-model-deployment": service.deployment} if service.deployment else {}
    traced = {HEADER: traceparent()} if traceparent() else {}
    return {"Authorization": f"Bearer {service.key}", **chosen, **traced}


def _pinned(certificate: str) -> HTTPAdapter:
    """Trust this certificate (PEM, the first of a chain) and no other, whatever host shows it."""
    from requests.adapters import HTTPAdapter

    leaf = certificate[certificate.index(BEGIN) : certificate.index(END) + len(END)]
    fingerprint = hashlib.sha256(ssl.PEM_cert_to_DER_cert(leaf)).hexdigest()

    class Pinned(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **options: Any) -> None:
            super().init_poolmanager(*args, **options, assert_fingerprint=fingerprint)

        def cert_verify(self, conn: Any, _url: str, _verify: Any, _cert: Any) -> None:
            conn.cert_reqs = "CERT_NONE"  # the fingerprint says more than a chain

    return Pinned()
