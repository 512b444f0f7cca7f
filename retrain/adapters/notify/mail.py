"""Sends each event as a mail, over TLS alone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from retrain.adapters.notify.message import facts, sentence
from retrain.errors import ServiceError, ServiceUnavailable

if TYPE_CHECKING:
    from email.message import EmailMessage
    from smtplib import SMTP

    from retrain.records.outbox import Event
    from retrain.records.run import Run

SECONDS = 10
PERMANENT = 500  # replies below it are for now; RFC 5321, section 4.2.1
PORTS = {"smtps": 465, "smtp": 587}


@dataclass(frozen=True, slots=True)
class Mail:
    """A listener of the outbox. `server`: smtps://USER:PASSWORD@HOST:PORT; smtp://, which must offer STARTTLS."""

    to: str
    sender: str
    server: str
    model: str
    kinds: frozenset[str]
    amounts: bool = False

    @property
    def name(self) -> str:
        """See Listener."""
        return f"mail-{hashlib.sha256(self.to.encode()).hexdigest()[:12]}"

    def receive(self, event: Event, run: Run) -> None:
        """See Listener."""
        import smtplib

        if event.kind not in self.kinds:
            return
        host = urlsplit(self.server).hostname
        try:
            with self._connected() as connection:
                self._signed_in(connection)
                connection.send_message(self._mail(event, run))
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPResponseException) as exc:
            if _code(exc) < PERMANENT:
                raise ServiceUnavailable(f"{host} takes no mail now") from None
            if isinstance(exc, smtplib.SMTPAuthenticationError):
                raise ServiceError(f"{host} does not accept the user or password of RETRAIN_SMTP_URL") from None
            raise ServiceError(f"{host} refuses the mail ({type(exc).__name__}); see RETRAIN_NOTIFY_FROM") from None
        except smtplib.SMTPNotSupportedError as exc:
            what = "TLS; use smtps:// in RETRAIN_SMTP_URL" if "STARTTLS" in str(exc) else "what the mail needs"
            raise ServiceError(f"{host} does not offer {what}") from None
        except (smtplib.SMTPException, OSError) as exc:
            raise ServiceUnavailable(f"{host} does not answer ({type(exc).__name__})") from None

    def _connected(self) -> SMTP:
        import smtplib
        import ssl

        parts = urlsplit(self.server)
        host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
        trusted = ssl.create_default_context()
        if parts.scheme == "smtps":
            return smtplib.SMTP_SSL(host, port, timeout=SECONDS, context=trusted)
        return smtplib.SMTP(host, port, timeout=SECONDS)

    def _signed_in(self, connection: SMTP) -> None:
        """Encrypt the connection, if it is not yet, and only then tell who sends."""
        import ssl

        parts = urlsplit(self.server)
        if parts.scheme == "smtp":
            connection.starttls(context=ssl.create_default_context())
        if parts.username:
            connection.login(unquote(parts.username), unquote(parts.password or ""))

    def _mail(self, event: Event, run: Run) -> EmailMessage:
        from email.message import EmailMessage

        mail = EmailMessage()
        text = sentence(event, run, self.model)
        mail["Subject"], mail["From"], mail["To"] = text.split("`", 1)[0].strip(), self.sender, self.to
        mail["Message-ID"] = f"<{event.id}@retrain>"  # what comes again is the same message
        mail["Date"] = event.at
        lines = [f"{name}: {value}" for name, value in facts(event, run).items() if value not in (None, [])]
        reason = [run.reason] if self.amounts else []
        mail.set_content("\n".join([text, "", *reason, *lines]))
        return mail


def _code(refusal: Any) -> int:
    """The code of a refusal; of several recipients, the one that is most for good."""
    recipients: dict[str, tuple[int, bytes]] = getattr(refusal, "recipients", {})
    return max((code for code, _ in recipients.values()), default=getattr(refusal, "smtp_code", PERMANENT))
