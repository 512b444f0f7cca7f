"""Who is told of what happened, and how."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr

from retrain.errors import ConfigError
from retrain.settings.setting import Group, Optional, setting

KINDS = ("verdict", "promotion", "rollback", "failure", "held", "service", "alarm", "recovery", "stale", "approval")
HOST_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
PREFIX = "whsec_"
SCHEMES = ("slack", "teams", "eventgrid")


def _kinds(text: str) -> str:
    if not set(text.split()) <= set(KINDS):
        raise ValueError(
            f"write some of {' '.join(KINDS)}, separated by spaces; leave it empty for all but verdict"
        )
    return text


@dataclass(frozen=True, slots=True)
class Target:
    """Somebody who is told.

    Attributes:
        form: `cloudevents`, `slack`, `teams`, `eventgrid` or `mail`.
        address: a URL; of a mail the address.
    """

    form: str
    address: str


class NotifySettings(Group):
    """Notifications of the events of the outbox."""

    urls: Optional[SecretStr] = setting(
        None,
        "RETRAIN_NOTIFY_URL",
        "who is told of events, separated by spaces: `https://...` gets CloudEvents; `slack:https://...` and "
        "`teams:https://...` a card; `eventgrid:https://...` is a custom topic; `mailto:ADDRESS`",
        secret=True,
    )
    kinds: Annotated[str, AfterValidator(_kinds)] = setting(
        "",
        "RETRAIN_NOTIFY_KINDS",
        "kinds of events that they are told of, separated by spaces: `verdict`, `promotion`, `rollback`, "
        "`failure`, `held`, `service`, `alarm`, `recovery`, `stale`, `approval`; empty for all but `verdict`",
    )
    amounts: Literal["omit", "send"] = setting(
        "omit",
        "RETRAIN_NOTIFY_AMOUNTS",
        "what is done with the reason and the scores of a run, which contain amounts: `omit` or `send` them",
    )
    secret: Optional[SecretStr] = setting(
        None,
        "RETRAIN_NOTIFY_SECRET",
        "key with which each webhook is signed, as text or as `whsec_` and base64; empty for no signature",
        secret=True,
    )
    smtp: Optional[SecretStr] = setting(
        None,
        "RETRAIN_SMTP_URL",
        "the mail server: `smtps://USER:PASSWORD@HOST:465`, or `smtp://...:587`, which must offer STARTTLS",
        secret=True,
    )
    sender: str = setting("", "RETRAIN_NOTIFY_FROM", "address of the sender of mails")

    @property
    def wanted(self) -> frozenset[str]:
        """The kinds of events that they are told of."""
        return frozenset(self.kinds.split()) or frozenset(KINDS) - {"verdict"}

    @property
    def targets(self) -> tuple[Target, ...]:
        """Everybody who is told. Raises: ConfigError for what is no address, without repeating it."""
        return tuple(map(_target, dict.fromkeys((self.urls.get_secret_value() if self.urls else "").split())))

    @property
    def key(self) -> bytes:
        """With which webhooks are signed; empty for no signature. Raises: ConfigError for what is no key."""
        secret = self.secret.get_secret_value() if self.secret else ""
        if not secret.startswith(PREFIX):
            return secret.encode()
        try:
            key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        except ValueError:
            key = b""
        if not key:
            raise ConfigError(
                f"RETRAIN_NOTIFY_SECRET begins with {PREFIX}, and base64 of a key does not follow; copy it again"
            )
        return key

    def check(self) -> None:
        """See that each target can be reached in principle. Raises: ConfigError naming the setting."""
        _ = self.key
        needs_mail = any(target.form == "mail" for target in self.targets)
        if needs_mail and not self.smtp:
            raise ConfigError(
                "RETRAIN_NOTIFY_URL has a mailto: address, and RETRAIN_SMTP_URL is not set; write "
                "RETRAIN_SMTP_URL=smtps://USER:PASSWORD@HOST:465"
            )
        if needs_mail and not _is_mail(self.sender):
            raise ConfigError(
                "RETRAIN_NOTIFY_FROM must be the address of the sender of mails, in ASCII; write NAME@HOST"
            )
        server = self.smtp.get_secret_value() if self.smtp else ""
        if server and not (re.match(r"smtps?://[^/]+$", server) and _place(server)[1]):
            raise ConfigError(
                "RETRAIN_SMTP_URL is no mail server in ASCII; write smtps://USER:PASSWORD@HOST:465 or smtp://HOST:587"
            )


def _target(text: str) -> Target:
    form, _, address = text.partition(":")
    if form == "mailto" and _is_mail(address):
        return Target("mail", address)
    if form not in SCHEMES:
        form, address = "cloudevents", text
    scheme, host = _place(address)
    if (scheme == "https" and host) or (scheme == "http" and host in LOOPBACK):
        return Target(form, address)
    raise ConfigError(
        "RETRAIN_NOTIFY_URL has an entry that cannot be read; write https://..., slack:https://..., "
        "teams:https://..., eventgrid:https://... or mailto:NAME@HOST; plain http:// is for this machine alone"
    )


def _is_mail(text: str) -> bool:
    return "@" in parseaddr(text)[1] and text.isascii() and text.isprintable()


def _place(address: str) -> tuple[str, str]:
    """The scheme and the host of an address; empty for what is none, whose text may be secret."""
    try:
        parts = urlsplit(address)
        _ = parts.port  # which is only now looked at
        host = (parts.hostname or "").encode("idna").decode()
    except ValueError:
        return "", ""
    is_name = all(HOST_LABEL.fullmatch(label) for label in host.rstrip(".").split(".")) or ":" in host
    return (parts.scheme, host) if is_name and address.isascii() and address.isprintable() else ("", "")
