"""The identity that services have: it pulls their image and may do nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrain.adapters.azure.rest import arm
from retrain.errors import ConfigError, NotFound

if TYPE_CHECKING:
    from retrain.adapters.azure.rest import Rest
    from retrain.settings import Settings

IDENTITY_API = "2023-01-31"


def check_pull_identity(settings: Settings) -> None:
    """See that no service is given the identity of the app. Raises: ConfigError; as `Rest.get`.

    Managed Identity Operator, the role to assign an identity, is the role to look at it.
    """
    refuse_identity_of_app(pull_identity(settings, arm(settings)), settings)


def pull_identity(settings: Settings, rest: Rest) -> dict[str, Any]:
    """Its `clientId` and `principalId`. Raises: ConfigError if it does not exist; as `Rest.get`."""
    path = str(settings.azure.pull_identity)
    try:
        found = rest.get(path, f"looking at {path.lstrip('/')}", api_version=IDENTITY_API)
    except NotFound as error:
        raise ConfigError(f"RETRAIN_PULL_IDENTITY names an identity that does not exist: {path}") from error
    return dict(found.get("properties") or {})


def refuse_identity_of_app(found: dict[str, Any], settings: Settings) -> None:
    """Raises: ConfigError if the pulling identity is the app's own."""
    own = str(settings.storage.client_id or "").lower()  # Azure compares ids without regard to case
    if own and str(found.get("clientId")).lower() == own:
        raise ConfigError(
            "RETRAIN_PULL_IDENTITY is the identity of the app itself, and a service answers the Internet: whoever "
            "breaks into it would own data, keys and jobs; name an identity that has the role AcrPull only"
        )
