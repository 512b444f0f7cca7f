"""Who this process is to Azure: the managed identity where Azure has given one, elsewhere whoever is signed in.

A client id says which identity an app or a job has. It does not say that this process is that app: the same
settings are used on a laptop and in a pipeline, by a person or a service principal with roles of their own.
"""

from __future__ import annotations

import base64
import json
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

GIVEN_BY_AZURE = (("IDENTITY_ENDPOINT",), ("MSI_ENDPOINT", "MSI_SECRET"))
"""A Function App has the first of these variables, a job of Azure ML the others. A Cloud Shell, in which a person
works, has MSI_ENDPOINT alone."""
FEDERATED = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE")
TOOL_SECONDS = 60  # `az` takes seconds on an idle machine
ATTEMPT = re.compile(r"^\t(\w+)Credential: (.+)$", re.MULTILINE)
TOOLS = {"WorkloadIdentity": "workload identity", "AzureCli": "az", "AzureDeveloperCli": "azd"}
LONGEST_REASON = 120


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom Azure takes this process for.

    Attributes:
        by: how it signed in: `managed identity`, `workload identity`, `az` or `azd`.
        object_id: of the principal, to which roles are given.
        name: of the person, or the client id of an app or an identity.
    """

    by: str
    object_id: str
    name: str


def in_azure() -> bool:
    """Whether Azure has given this process a managed identity."""
    return any(all(os.environ.get(name) for name in names) for names in GIVEN_BY_AZURE)


def sign_in(client_id: str | None) -> TokenCredential:
    """The credential of the identity `client_id`, or of the system-assigned one, where Azure has given one.

    Elsewhere it is that of the first that is signed in: workload identity, `az`, `azd`.
    """
    from azure.identity import ChainedTokenCredential

    (_, first), *others = _credentials(client_id)
    return ChainedTokenCredential(first, *(each for _, each in others)) if others else first


def identify(client_id: str | None, scope: str) -> Identity:
    """Whom Azure takes this process for. Raises: ClientAuthenticationError of azure-core if nobody is signed in."""
    from azure.core.exceptions import ClientAuthenticationError

    for by, credential in _credentials(client_id):
        try:
            return _identity(by, credential.get_token(scope).token)
        except ClientAuthenticationError:
            continue
    sign_in(client_id).get_token(scope)  # raises what each of them says
    raise AssertionError("a credential that has just refused has given a token")


def advice(error: Any, otherwise: str) -> str:
    """What was tried to sign in, and what to do. Args: otherwise: said if one credential alone was tried."""
    tried = ATTEMPT.findall(str(getattr(error, "message", error)))
    if not tried:
        return otherwise
    known = {
        TOOLS.get(name, name): reason.partition(". ")[0][:LONGEST_REASON].rstrip(".") for name, reason in tried
    }
    if "workload identity" not in known:
        known = {"workload identity": f"{FEDERATED[2]} is not set", **known}
    told = ", ".join(f"{name} ({reason})" for name, reason in known.items())
    return f"tried {told}; run `az login` or `azd auth login` with an account that has the roles"


def _credentials(client_id: str | None) -> list[tuple[str, TokenCredential]]:
    from azure.identity import (
        AzureCliCredential,
        AzureDeveloperCliCredential,
        ManagedIdentityCredential,
        WorkloadIdentityCredential,
    )

    if in_azure():
        return [("managed identity", ManagedIdentityCredential(client_id=client_id))]
    tools: list[tuple[str, TokenCredential]] = [
        ("az", AzureCliCredential(process_timeout=TOOL_SECONDS)),
        ("azd", AzureDeveloperCliCredential(process_timeout=TOOL_SECONDS)),
    ]
    if all(os.environ.get(name) for name in FEDERATED):
        return [("workload identity", WorkloadIdentityCredential()), *tools]
    return tools


def _first_sentence(reason: str) -> str:
    return reason.partition(". ")[0][:LONGEST_REASON].rstrip(".")


def _identity(by: str, token: str) -> Identity:
    """Read from the token's claims, which only Azure has to verify."""
    claims: dict[str, Any] = {}
    part = token.split(".")[1:2]
    if part:
        padded = part[0] + "=" * (-len(part[0]) % 4)
        claims = json.loads(base64.urlsafe_b64decode(padded))
    name = next((claims[key] for key in ("upn", "unique_name", "appid") if claims.get(key)), "unknown")
    return Identity(by, str(claims.get("oid", "")), str(name))
