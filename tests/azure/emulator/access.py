"""Who may do what: the role assignments of the template, enforced call by call."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import jwt

from tests.azure.emulator import world as names
from tests.azure.emulator.identity import PERSON
from tests.azure.emulator.roles import ROLES
from tests.azure.emulator.routes import ArmError
from tests.azure.emulator.standing import APP, PULLER
from tests.azurite import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.azure.template import Deployment

DEPLOYER, TOPIC = PERSON, "44444444-4444-4444-4444-444444444444"
"""Object ids: of whoever deploys, and is signed in by `az`; of the Event Grid topic."""

IDENTITIES = "Microsoft.ManagedIdentity/userAssignedIdentities"
EMULATED = {
    "Microsoft.ContainerRegistry/registries": names.REGISTRY,
    "Microsoft.Insights/components": "insights",
    "Microsoft.KeyVault/vaults": "vault",
    "Microsoft.MachineLearningServices/workspaces": names.WORKSPACE,
    "Microsoft.Network/virtualNetworks": names.NETWORK,
    "Microsoft.Storage/storageAccounts": ACCOUNT,
    IDENTITIES: names.PULL_IDENTITY,
}
"""What stands in the emulated subscription for the one resource of each type that roles are given on."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A role that an identity has on a resource and on everything below it."""

    who: str
    role: str
    scope: str

    @property
    def role_name(self) -> str:
        """As people call the role."""
        return ROLES[self.role].name

    def allows(self, who: str, action: str, scope: str) -> bool:
        """Whether it lets somebody do something to a resource."""
        mine, asked = self.scope.lower(), scope.lower()
        return (
            who == self.who and (asked == mine or asked.startswith(f"{mine}/")) and ROLES[self.role].allows(action)
        )


def operator_of(identity: str) -> Assignment:
    """The app may look at an identity and assign it."""
    return Assignment(APP, "f1a07417-d97a-45cb-824c-7a7467783830", identity)


@dataclass(frozen=True, slots=True)
class Access:
    """The assignments that are in force."""

    assignments: frozenset[Assignment]

    def allows(self, who: str, action: str, scope: str) -> bool:
        """Whether any assignment lets somebody do something to a resource."""
        return any(one.allows(who, action, scope) for one in self.assignments)

    def demand(self, who: str, action: str, scope: str) -> None:
        """Raises: ArmError as Azure Resource Manager refuses."""
        if not self.allows(who, action, scope):
            raise ArmError(
                403,
                "AuthorizationFailed",
                f"The client '{who}' with object id '{who}' does not have authorization to perform action "
                f"'{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please "
                "refresh your credentials.",
            )

    def demand_linked(self, who: str, action: str, linked: str, scope: str) -> None:
        """Raises: ArmError as Azure Resource Manager refuses what a body refers to."""
        if not self.allows(who, linked, scope):
            raise ArmError(
                403,
                "LinkedAuthorizationFailed",
                f"The client with object id '{who}' has permission to perform action '{action}'; however, it does "
                f"not have permission to perform action '{linked}' on the linked scope(s) '{scope}' or the linked "
                "scope(s) are invalid.",
            )


def who_asks(headers: Mapping[str, str]) -> str:
    """The object id in a call's token; `` without one that can be read."""
    bearer = {name.lower(): value for name, value in headers.items()}.get("authorization", "")
    try:
        claims = jwt.decode(bearer.removeprefix("Bearer "), options={"verify_signature": False})
    except jwt.PyJWTError:
        return ""
    return str(claims.get("oid", ""))


@cache
def of_the_template() -> frozenset[Assignment]:
    """Every assignment of the template for any target, with everything optional, on the emulated resources."""
    from tests.azure.template import MAIN, azd, deploy
    from tests.azure.template.check import CONTAINER_APPS, EVERYTHING

    environments = ({**one, "AZURE_PRINCIPAL_ID": DEPLOYER} for one in (EVERYTHING, CONTAINER_APPS))
    deployments = [deploy(azd.parameters(MAIN, environment)) for environment in environments]
    return frozenset().union(*(assignments(one) for one in deployments))


def assignments(deployment: Deployment) -> frozenset[Assignment]:
    """The role assignments of a deployment. Raises: KeyError for an identity or a type that is not emulated."""
    identities = {one.name.split("-")[1]: one for one in deployment.of_type(IDENTITIES)}
    topic = deployment.one("Microsoft.EventGrid/systemTopics")
    people = {
        _principal(identities["retrain"].id): APP,
        _principal(identities["pull"].id): PULLER,
        _principal(topic.id): TOPIC,
        DEPLOYER: DEPLOYER,
    }
    return frozenset(
        Assignment(
            people[one.body["properties"]["principalId"]],
            one.body["properties"]["roleDefinitionId"].rpartition("/")[2],
            emulated(one.scope),
        )
        for one in deployment.of_type("Microsoft.Authorization/roleAssignments")
    )


def emulated(scope: str) -> str:
    """The resource of the emulated subscription that stands for one of a deployment."""
    below = scope.partition("/providers/")[2]
    if not below:
        return names.PROVIDERS.removesuffix("/providers/")
    provider, kind, _, *rest = below.split("/")
    return "/".join([f"{names.PROVIDERS}{provider}", kind, EMULATED[f"{provider}/{kind}"], *rest])


def _principal(resource: str) -> str:
    from tests.azure.template.references import identifier

    return identifier("principal", resource)
