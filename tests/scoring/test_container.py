"""The image, without a container engine: the files that the Dockerfile copies, and the process that it starts."""

from __future__ import annotations

import datetime as dt
import http.client
import ipaddress
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from retrain.adapters.local.process import free_port
from retrain.arima.ensemble import fit_pinned
from retrain.arima.order import Order
from retrain.poll import poll
from retrain.records.image import build_context
from retrain.records.registry import Lineage, RegisteredModel
from tests.builders import series, weekly

if TYPE_CHECKING:
    from collections.abc import Iterator

ARTIFACT = fit_pinned(Order(1, 0, 0, mean=True), series(weekly(60)), 7).model.to_json()
LINEAGE = Lineage("ab" * 32, "cd" * 32, date(2023, 1, 2), date(2023, 3, 2), "(1,0,0)", "0.1.0")
CONTEXT = build_context(RegisteredModel("daily-transactions", "3", "cd" * 32, LINEAGE, "run"), ARTIFACT)
DOCKERFILE = CONTEXT["Dockerfile"].decode()
PATIENCE_SECONDS = 100
COMMAND = json.loads(re.findall(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)[0])


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A folder laid out as the Dockerfile lays out /app: what it copies and nothing else."""
    for sources in re.findall(r"^COPY (.+)$", DOCKERFILE, re.MULTILINE):
        source, target = sources.split()
        for name, data in CONTEXT.items():
            if name == source or name.startswith(source):
                path = tmp_path / "app" / (target if name == source else name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
    return tmp_path / "app"


@contextmanager
def running(image: Path, **environment: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The Dockerfile's CMD as a process, ready."""
    port = free_port()
    command = [sys.executable, *COMMAND[1:]]
    variables = {"PATH": os.environ["PATH"], "SCORING_HOST": "127.0.0.1", "SCORING_PORT": str(port), **environment}
    process = subprocess.Popen(command, cwd=image, env=variables, stderr=subprocess.PIPE, text=True)
    try:
        for _ in poll(PATIENCE_SECONDS):
            if process.poll() is not None or (is_listening(port) and is_healthy(image, variables)):
                break
        yield process, port
    finally:
        process.kill()
        process.communicate()


def is_listening(port: int) -> bool:
    """A look that costs nothing, unlike the health check, which is a process."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def is_healthy(image: Path, variables: dict[str, str]) -> bool:
    """What the Dockerfile's HEALTHCHECK finds."""
    check = [sys.executable, "-m", "scoring.health"]
    return subprocess.run(check, cwd=image, env=variables, check=False, capture_output=True).returncode == 0


def test_every_copied_source_is_in_the_context():
    """And every file of the context is copied, except the Dockerfile."""
    sources = [line.split()[0] for line in re.findall(r"^COPY (.+)$", DOCKERFILE, re.MULTILINE)]

    for source in sources:
        assert any(name == source or name.startswith(source) for name in CONTEXT), source
    for name in CONTEXT.keys() - {"Dockerfile"}:
        assert any(name.startswith(source) for source in sources), name


def test_the_image_has_labels_a_user_a_health_check_and_pinned_packages():
    """And its base is an argument."""
    for part in (
        "ARG BASE=",
        "FROM ${BASE}",
        "MODEL_VERSION",
        "DATA_SHA256",
        "USER 10001",
        "HEALTHCHECK",
        "--require-hashes",
    ):
        assert part in DOCKERFILE


def test_the_same_version_gives_the_same_context():
    """Byte for byte, so that a build is repeatable."""
    again = build_context(RegisteredModel("daily-transactions", "3", "cd" * 32, LINEAGE, "run"), ARTIFACT)

    assert list(again.items()) == list(CONTEXT.items())


def test_the_image_serves_its_version(image: Path):
    """Also from a read-only file system."""
    for path in [*image.rglob("*"), image]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        with running(image, SCORING_KEY="k", PYTHONDONTWRITEBYTECODE="1") as (_, port):
            answer = requests.post(
                f"http://127.0.0.1:{port}/score",
                json={"data": [2]},
                headers={"x-api-key": "k"},
                timeout=PATIENCE_SECONDS,
            )
            ready = requests.get(f"http://127.0.0.1:{port}/readyz", timeout=PATIENCE_SECONDS).json()
    finally:
        for path in [image, *image.rglob("*")]:
            path.chmod(0o755)

    assert len(answer.json()["result"]) == 2
    assert (ready["version"], ready["data_sha256"]) == ("3", "ab" * 32)


@pytest.mark.parametrize(
    ("environment", "damage", "message"),
    [
        ({}, None, "SCORING_KEY is not set"),
        ({"SCORING_KEY": ""}, None, "SCORING_KEY is not set"),
        ({"SCORING_KEY": "k", "SCORING_PORT": "http"}, None, "http"),
        ({"SCORING_KEY": "k", "SCORING_TLS_KEY": "/dev/null"}, None, "SCORING_TLS_CERTIFICATE is ''"),
        ({"SCORING_KEY": "k", "SCORING_TLS_CERTIFICATE": "/nowhere"}, None, "which is not a file"),
        ({"SCORING_KEY": "k"}, ARTIFACT.replace(b'"mean":[', b'"mean":[9', 1), "golden"),
        ({"SCORING_KEY": "k"}, b"\x80\x04pickle", "cannot be read"),
    ],
)
def test_it_does_not_start_with_wrong_settings_or_a_bad_model(
    image: Path, environment: dict[str, str], damage: bytes | None, message: str
):
    """One line of explanation, no traceback."""
    if damage:
        (image / "model" / "artifact.json").write_bytes(damage)

    done = subprocess.run(
        [sys.executable, *COMMAND[1:]],
        cwd=image,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_callers_without_a_key_need_their_own_setting(image: Path):
    """SCORING_ALLOW_ANONYMOUS."""
    with running(image, SCORING_ALLOW_ANONYMOUS="1") as (_, port):
        assert requests.post(f"http://127.0.0.1:{port}/score", json={"data": [1]}, timeout=PATIENCE_SECONDS).ok


def test_current_requests_are_finished_before_it_ends(image: Path):
    """SIGTERM arrives before the body of a request."""
    body = json.dumps({"data": [2]}).encode()
    head = (
        "POST /score HTTP/1.1\r\nHost: 127.0.0.1\r\nx-api-key: k\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n"
    )
    with running(image, SCORING_KEY="k") as (process, port):
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as wire:
            wire.sendall(head.encode())
            wire.recv(len(b"HTTP/1.1 100 Continue\r\n\r\n"), socket.MSG_WAITALL)  # the service waits for the body
            process.send_signal(signal.SIGTERM)
            while is_listening(port):
                time.sleep(0.05)
            wire.sendall(body)
            answer = http.client.HTTPResponse(wire)
            answer.begin()
            result = json.loads(answer.read())
        process.wait(PATIENCE_SECONDS)

    assert (answer.status, len(result["result"])) == (200, 2)


def certificate(folder: Path) -> tuple[Path, Path]:
    """Self-signed, for 127.0.0.1."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "tls.crt", folder / "tls.key"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret: Any = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    private.write_bytes(key.private_bytes(*secret))
    return public, private


def test_it_uses_tls_with_certificate_and_key(image: Path, tmp_path: Path):
    """Also for its health check."""
    public, private = certificate(tmp_path)
    tls = {"SCORING_TLS_CERTIFICATE": str(public), "SCORING_TLS_KEY": str(private)}

    with running(image, SCORING_KEY="k", **tls) as (_, port):
        ready = requests.get(f"https://127.0.0.1:{port}/readyz", verify=str(public), timeout=PATIENCE_SECONDS)
        context = ssl.create_default_context(cafile=str(public))

    assert ready.json()["status"] == "ready"
    assert context.check_hostname
