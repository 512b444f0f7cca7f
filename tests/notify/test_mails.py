"""Mails: over TLS alone, and what becomes of an event that the server does not take."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult

from retrain.adapters.notify.listeners import listeners
from retrain.records.request import Trigger
from tests.azure.emulator.tls import self_signed
from tests.builders import ONE, World, ask, made

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message
    from pathlib import Path

PASSWORD = "p@ss"


class Kept:
    """A mailbox. `refusal` is answered instead of taking a mail."""

    def __init__(self) -> None:
        self.mails: list[Message] = []
        self.refusal = ""
        self.refusal_of_recipients = ""

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        if self.refusal_of_recipients:
            return self.refusal_of_recipients
        envelope.rcpt_tos.append(address)
        return "250 known"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        if self.refusal:
            return self.refusal
        from email import message_from_bytes

        self.mails.append(message_from_bytes(envelope.content))
        return "250 taken"


def authenticated(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    return AuthResult(success=data.password == PASSWORD.encode(), handled=False)


@contextmanager
def serving(kept: Kept, tls: ssl.SSLContext, *, starttls: bool) -> Iterator[int]:
    """The port of a mail server that listens."""
    loop = asyncio.new_event_loop()

    def protocol() -> SMTP:
        upgrade: dict[str, Any] = {"tls_context": tls, "require_starttls": True} if starttls else {}
        return SMTP(kept, authenticator=authenticated, auth_require_tls=starttls, loop=loop, **upgrade)

    listening = socket.create_server(("127.0.0.1", 0))
    server = loop.run_until_complete(loop.create_server(protocol, sock=listening, ssl=None if starttls else tls))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(server.wait_closed())
        loop.close()


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """The server's certificate, which this process trusts."""
    files = self_signed(tmp_path / "tls")
    monkeypatch.setenv("SSL_CERT_FILE", str(files.certificate))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files.certificate, files.key)
    return context


def told_by(world: World, scheme: str, port: int, user: str = "user:p%40ss") -> dict[str, Any]:
    world.overrides |= {
        "RETRAIN_NOTIFY_URL": "mailto:team@example.com",
        "RETRAIN_NOTIFY_FROM": "retrain@example.com",
        "RETRAIN_SMTP_URL": f"{scheme}://{user}@127.0.0.1:{port}",
    }
    context = replace(world.context, listeners=listeners(world.settings))
    world.put("one.csv", ONE)
    return made(ask(Trigger.BLOB, context, file="one.csv"), world.settings, context)


@pytest.mark.parametrize("scheme", ["smtps", "smtp"])
def test_a_promotion_is_a_mail(world: World, tls: ssl.SSLContext, scheme: str):
    """Encrypted from the first byte, or after STARTTLS; the same event is the same message."""
    kept = Kept()
    with serving(kept, tls, starttls=scheme == "smtp") as port:
        report = told_by(world, scheme, port)

    [mail] = kept.mails
    assert mail["Subject"] == "daily-transactions: version 1 is champion."
    assert (mail["To"], mail["From"]) == ("team@example.com", "retrain@example.com")
    assert mail["Message-ID"] == f"<{report['run_id']}-1@retrain>"
    assert report["reason"] not in str(mail.get_payload())


def test_a_wrong_password_is_said_without_showing_it(world: World, tls: ssl.SSLContext):
    """The event waits."""
    with serving(Kept(), tls, starttls=False) as port:
        told_by(world, "smtps", port, user="user:wrong")

    [event] = world.ledger.outbox.waiting()
    assert "does not accept the user or password of RETRAIN_SMTP_URL" in event.trouble
    assert "wrong" not in event.trouble


@pytest.mark.parametrize(
    ("refusal", "says"),
    [("451 later", "127.0.0.1 takes no mail now"), ("554 no", "127.0.0.1 refuses the mail (SMTPDataError)")],
    ids=["for now", "for good"],
)
def test_a_mail_that_is_refused_waits_and_only_for_good_counts(
    world: World, tls: ssl.SSLContext, refusal: str, says: str
):
    """What is refused for good again and again is set aside."""
    kept = Kept()
    kept.refusal = refusal
    with serving(kept, tls, starttls=False) as port:
        told_by(world, "smtps", port)

    [event] = world.ledger.outbox.waiting()
    assert says in event.trouble
    assert bool(event.refusals) == ("no" in refusal)


def test_a_server_that_takes_no_stranger_at_first_is_asked_again(world: World, tls: ssl.SSLContext):
    """Greylisting: the recipient is refused for now, which does not count."""
    kept = Kept()
    kept.refusal_of_recipients = "450 try again"
    with serving(kept, tls, starttls=False) as port:
        told_by(world, "smtps", port)

    [event] = world.ledger.outbox.waiting()
    assert "127.0.0.1 takes no mail now" in event.trouble
    assert event.refusals == {}


def test_a_certificate_that_nobody_trusts_gets_no_password(
    world: World, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
):
    """Nor a mail."""
    monkeypatch.delenv("SSL_CERT_FILE")
    kept = Kept()
    with serving(kept, tls, starttls=False) as port:
        told_by(world, "smtps", port)

    [event] = world.ledger.outbox.waiting()
    assert "127.0.0.1 does not answer (SSLCertVerificationError)" in event.trouble
    assert kept.mails == []
