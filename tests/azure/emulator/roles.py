"""Azure's built-in roles, as far as the template gives them: what each allows.

Source: learn.microsoft.com/azure/role-based-access-control/built-in-roles, the page of each category; reads of
deployments and support tickets, which nothing here asks for, are left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

BLOBS = "Microsoft.Storage/storageAccounts/blobServices"
QUEUES = "Microsoft.Storage/storageAccounts/queueServices/queues"
TABLES = "Microsoft.Storage/storageAccounts/tableServices/tables"
ACR = "Microsoft.ContainerRegistry/registries"
ML = "Microsoft.MachineLearningServices/workspaces"
OTHER_ROLES = "Microsoft.Authorization/*/read"
SECRETS = "Microsoft.KeyVault/vaults/secrets"


@dataclass(frozen=True, slots=True)
class Role:
    """A built-in role; actions are of Azure Resource Manager, data actions of the services themselves."""

    name: str
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()

    def allows(self, action: str) -> bool:
        """Whether it allows an action or a data action."""
        granted = any(_matches(pattern, action) for pattern in (*self.actions, *self.data_actions))
        return granted and not any(_matches(pattern, action) for pattern in self.not_actions)


@cache
def _pattern(text: str) -> re.Pattern[str]:
    # `workspaces/*/read` is meant to allow `workspaces/read` too: its own exceptions name `workspaces/write`.
    expression = re.escape(text).replace(r"/\*/", "/(?:.*/)?").replace(r"\*", ".*")
    return re.compile(expression, re.IGNORECASE)


def _matches(pattern: str, action: str) -> bool:
    return _pattern(pattern).fullmatch(action) is not None


ROLES = {
    "c2f4ef07-c644-48eb-af81-4b1b4947fb11": Role("AcrDelete", (f"{ACR}/artifacts/delete",)),
    "7f951dda-4ed3-4680-a7ca-43fe172d538d": Role("AcrPull", (f"{ACR}/pull/read",)),
    "fb382eab-e894-4461-af04-94435c366c3f": Role(
        "Container Registry Tasks Contributor",
        (
            f"{ACR}/agentpools/*",
            f"{ACR}/listBuildSourceUploadUrl/action",
            f"{ACR}/read",
            f"{ACR}/runs/*",
            f"{ACR}/scheduleRun/action",
            f"{ACR}/taskruns/*",
            f"{ACR}/tasks/*",
        ),
    ),
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": Role(
        "Storage Blob Data Contributor",
        (
            f"{BLOBS}/containers/delete",
            f"{BLOBS}/containers/read",
            f"{BLOBS}/containers/write",
            f"{BLOBS}/generateUserDelegationKey/action",
        ),
        (),
        tuple(
            f"{BLOBS}/containers/blobs/{what}" for what in ("delete", "read", "write", "move/action", "add/action")
        ),
    ),
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": Role(
        "Storage Blob Data Owner",
        (f"{BLOBS}/containers/*", f"{BLOBS}/generateUserDelegationKey/action"),
        (),
        (f"{BLOBS}/containers/blobs/*",),
    ),
    "358470bc-b998-42bd-ab17-a7e34c199c0f": Role(
        "Container Apps Contributor",
        (
            *(f"Microsoft.App/containerApps/*/{what}" for what in ("read", "write", "delete", "action")),
            "Microsoft.App/managedEnvironments/*/read",
            "Microsoft.App/managedEnvironments/checknameavailability/action",
            "Microsoft.App/managedEnvironments/join/action",
        ),
    ),
    "5d977122-f97e-4b4d-a52f-6b43003ddb4d": Role(
        "Azure Container Instances Contributor Role",
        ("Microsoft.ContainerInstance/containerGroups/*", "Microsoft.Resources/subscriptions/resourceGroups/read"),
    ),
    "f6c7c914-8db3-469d-8ca1-694a8f32e121": Role(
        "AzureML Data Scientist",
        (f"{ML}/*/read", f"{ML}/*/action", f"{ML}/*/delete", f"{ML}/*/write"),
        (
            f"{ML}/delete",
            f"{ML}/write",
            f"{ML}/computes/*/write",
            f"{ML}/computes/*/delete",
            f"{ML}/computes/listKeys/action",
            f"{ML}/listKeys/action",
            *(f"{ML}/{hub}/{what}" for hub in ("hubs", "featurestores") for what in ("write", "delete")),
        ),
    ),
    "1e241071-0855-49ea-94dc-649edcd759de": Role("EventGrid Contributor", ("Microsoft.EventGrid/*", OTHER_ROLES)),
    "de139f84-1756-47ae-9be6-808fbbe84772": Role(
        "Website Contributor",
        (
            "Microsoft.Web/sites/*",
            OTHER_ROLES,
            "Microsoft.Web/serverFarms/read",
            "Microsoft.Web/serverFarms/join/action",
        ),
    ),
    "acdd72a7-3385-48ef-bd42-f606fba81ae7": Role("Reader", ("*/read",)),
    "f1a07417-d97a-45cb-824c-7a7467783830": Role(
        "Managed Identity Operator",
        tuple(f"Microsoft.ManagedIdentity/userAssignedIdentities/*/{what}" for what in ("read", "assign/action")),
    ),
    "3913510d-42f4-4e42-8a64-420c390055eb": Role(
        "Monitoring Metrics Publisher",
        ("Microsoft.Insights/Register/action",),
        (),
        ("Microsoft.Insights/Metrics/write", "Microsoft.Insights/Telemetry/write"),
    ),
    "4d97b98b-1d4f-4787-a291-c67834d212e7": Role("Network Contributor", ("Microsoft.Network/*",)),
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88": Role(
        "Storage Queue Data Contributor",
        tuple(f"{QUEUES}/{what}" for what in ("delete", "read", "write")),
        (),
        tuple(f"{QUEUES}/messages/{what}" for what in ("delete", "read", "write", "process/action")),
    ),
    "b86a8fe4-44ce-4948-aee5-eccb2c155cd7": Role(
        "Key Vault Secrets Officer", ("Microsoft.KeyVault/vaults/*/read",), (), (f"{SECRETS}/*",)
    ),
    "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": Role(
        "Storage Table Data Contributor",
        tuple(f"{TABLES}/{what}" for what in ("read", "write", "delete")),
        (),
        tuple(f"{TABLES}/entities/{what}" for what in ("read", "write", "delete", "add/action", "update/action")),
    ),
}
