"""Settings -> listeners."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrain.adapters.notify.mail import Mail
from retrain.adapters.notify.webhook import Webhook, key_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrain.records.outbox import Listener
    from retrain.settings import Settings
    from retrain.settings.notify import Target


def listeners(settings: Settings) -> tuple[Listener, ...]:
    """Everybody who is told; nobody is called yet."""
    return tuple(_listener(target, settings) for target in settings.notify.targets)


def _listener(target: Target, settings: Settings) -> Listener:
    notify, model = settings.notify, settings.platform.model_name
    kinds, amounts = notify.wanted, notify.amounts == "send"
    if target.form == "mail":
        server = notify.smtp.get_secret_value() if notify.smtp else ""
        return Mail(target.address, notify.sender, server, model, kinds, amounts)
    key = key_of(notify.secret.get_secret_value()) if notify.secret else b""
    token = _token_of(settings) if target.form == "eventgrid" else None
    return Webhook(target.form, target.address, model, kinds, key, amounts, token)


def _token_of(settings: Settings) -> Callable[[], str]:
    def token() -> str:
        from retrain.adapters.azure.credentials import sign_in

        credential = sign_in(settings.storage.client_id)
        return credential.get_token("https://eventgrid.azure.net/.default").token

    return token
