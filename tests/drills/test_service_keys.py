"""Hostile requests to a scoring service: no route, method or way of writing an address opens without its key.

Keys are compared in constant time by `hmac.compare_digest`, which is seen to be asked, not timed.
"""

from __future__ import annotations

import hmac
import json

import pytest

from tests.drills.hostile import ASKED, JSON, KEY, RIGHT, Service, see_it_refused
from tests.drills.table import tell

ROUTES = [
    ("POST", "/forecast"),
    ("POST", "/score"),
    ("GET", "/metrics"),
    ("GET", "/docs/"),
    ("GET", "/nowhere"),
    ("DELETE", "/forecast"),
    ("TRACE", "/score"),
]
WRONG_KEYS = {
    "none": (),
    "empty": (("x-api-key", ""),),
    "wrong": (("x-api-key", "wrong"),),
    "of the right length": (("x-api-key", "x" * len(KEY)),),
    "all but its last letter": (("x-api-key", KEY[:-1]),),
    "one letter more": (("x-api-key", KEY + "x"),),
    "in capitals": (("x-api-key", KEY.upper()),),
    "quoted": (("x-api-key", f'"{KEY}"'),),
    "beyond ASCII": (("x-api-key", "\xff\xfe"),),
    "very long": (("x-api-key", KEY * 1000),),
    "as Basic": (("Authorization", f"Basic {KEY}"),),
    "without a scheme": (("Authorization", KEY),),
    "a wrong bearer beside the right key": (("x-api-key", KEY), ("Authorization", "Bearer wrong")),
    "in a cookie": (("Cookie", f"x-api-key={KEY}"),),
    "in the function's header": (("x-functions-key", KEY),),
    "in the referrer": (("Referer", f"http://127.0.0.1/?x-api-key={KEY}"),),
    "under a name with underscores": (("x_api_key", KEY),),
}


def test_no_route_of_the_service_opens_without_its_key(service: Service):
    """401 for every wrong key on every route and method; the model is not asked."""
    for method, path in ROUTES:
        for headers in WRONG_KEYS.values():
            reply = service.request(method, path, (*headers, *JSON), ASKED if method == "POST" else b"")
            see_it_refused(reply, 401)
            assert reply.headers["www-authenticate"] == "Bearer"

    assert service.asked == []
    tell("hostile requests", "service", "routes and wrong keys", len(ROUTES) * len(WRONG_KEYS))


def test_the_key_anywhere_but_in_its_header_is_no_key(service: Service):
    """Neither in the address nor in the body; addresses end up in logs."""
    places = [
        service.request("POST", f"/forecast?x-api-key={KEY}&code={KEY}", JSON, ASKED),
        service.request("POST", f"/forecast/{KEY}", JSON, ASKED),
        service.request("POST", f"http://user:{KEY}@127.0.0.1/forecast", JSON, ASKED),
        service.request("POST", "/forecast", JSON, json.dumps({"horizon_days": 1, "x-api-key": KEY}).encode()),
    ]

    for reply in places:
        see_it_refused(reply, 401)
    assert service.asked == []
    tell("hostile requests", "service", "the key in the wrong place", len(places))


def test_all_wrong_keys_get_one_answer_from_a_comparison_in_constant_time(
    service: Service, monkeypatch: pytest.MonkeyPatch
):
    """Whatever the length and however many letters are right: `hmac.compare_digest` decides, nothing before it."""
    compared: list[bytes] = []
    compare = hmac.compare_digest

    def noted(shown: bytes, key: bytes) -> bool:
        compared.append(shown)
        assert key == KEY.encode()
        return compare(shown, key)

    monkeypatch.setattr(hmac, "compare_digest", noted)
    replies = [service.request("GET", "/metrics", headers) for headers in WRONG_KEYS.values()]
    let_in = service.request("GET", "/metrics", RIGHT)

    assert let_in.status == 200
    assert len(compared) == len(WRONG_KEYS) + 1
    answers = {(reply.status, reply.body, frozenset(reply.headers)) for reply in replies}
    assert len(answers) == 1
    tell("hostile requests", "service", "wrong keys compared in constant time", len(WRONG_KEYS))


@pytest.mark.parametrize(
    "path",
    [
        "/healthz/../metrics",
        "/healthz/%2e%2e/metrics",
        "/healthz/..%2fmetrics",
        "/healthz;/metrics",
        "/healthz%00/metrics",
        "/healthz%0d%0aX-Injected:%201",
        "//metrics",
        "/./metrics",
        "/../../../../etc/passwd",
        "/..%2f..%2fetc%2fpasswd",
        "/METRICS",
        "/metrics/",
        "http://127.0.0.1/metrics",
        "/" + "x" * 60_000,
    ],
    ids=lambda path: path[:30],
)
def test_no_way_of_writing_an_address_leads_past_the_key(service: Service, path: str):
    """Only the two addresses that are open are open, as they are written."""
    see_it_refused(service.request("GET", path))
    see_it_refused(service.request("POST", path, JSON, ASKED))

    assert service.asked == []
    tell("hostile requests", "service", "addresses that would lead past the key", 2)


def test_an_address_with_a_slash_too_many_is_not_found(service: Service):
    """A redirect would carry the caller, and the key, to whatever host the request named."""
    evil = (*RIGHT, *JSON, ("X-Forwarded-Host", "evil.example"))
    head = "".join(f"{name}: {value}\r\n" for name, value in evil)
    raw = f"POST /forecast/ HTTP/1.1\r\nHost: evil.example\r\n{head}Content-Length: {len(ASKED)}\r\n"

    see_it_refused(service.send(f"{raw}Connection: close\r\n\r\n".encode() + ASKED), 404)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/forecast", 405),
        ("PUT", "/forecast", 405),
        ("DELETE", "/score", 405),
        ("PATCH", "/metrics", 405),
        ("POST", "/metrics", 405),
        ("POST", "/healthz", 405),
        ("TRACE", "/readyz", 405),
        ("CONNECT", "127.0.0.1:22", 404),
        ("BREW", "/forecast", 400),
        ("OPTIONS", "*", 404),
    ],
)
def test_a_wrong_method_is_refused_with_the_key_too(service: Service, method: str, path: str, status: int):
    """405, or 404 where there is nothing; 400 where HTTP has no such method."""
    see_it_refused(service.request(method, path, RIGHT), status, 400, 404)

    assert service.asked == []
    tell("hostile requests", "service", "wrong methods", 1)
