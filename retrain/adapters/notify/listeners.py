"""Settings -> listeners."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrain.adapters.notify.mail import Mail
from retrain.adapters.notify.webhook import Webhook
from retrain.errors import RetrainError, ServiceUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrain.records.outbox import Listener
    from retrain.settings import Settings
    from retrain.settings.notify import Target

SCOPE = "https://eventgrid.azure.net/.default"


def listeners(settings: Settings) -> tuple[Listener, ...]:
    """Everybody who is told; nobody is called yet."""
    return tuple(_listener(target, settings) for target in settings.notify.targets)


def _listener(target: Target, settings: Settings) -> Listener:
    notify, model = settings.notify, settings.platform.model_name
    kinds, amounts = notify.wanted, notify.amounts == "send"
    if target.form == "mail":
        server = notify.smtp.get_secret_value() if notify.smtp else ""
        return Mail(target.address, notify.sender, server, model, kinds, amounts)
    token = _token_of(settings) if target.form == "eventgrid" else None
    return Webhook(target.form, target.address, model, kinds, notify.key, amounts, token)


def _token_of(settings: Settings) -> Callable[[], str]:
    def token() -> str:
        from retrain.adapters.azure.arm import translated
        from retrain.adapters.azure.credentials import sign_in

        try:
            with translated("signing in to Event Grid"):
                return sign_in(settings.storage.client_id).get_token(SCOPE).token
        except RetrainError as error:  # it concerns every event alike, so none of them is refused
            raise ServiceUnavailable(str(error)) from error

    return token
