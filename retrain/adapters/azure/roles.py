"""Which built-in role allows what Azure refused: the advice of every refusal."""

from __future__ import annotations

BLOB_ROLE = "Storage Blob Data Contributor"
FALLBACK = "Contributor"
ROLES = {
    "Microsoft.App/": "Container Apps Contributor",
    "Microsoft.ContainerInstance/": "Azure Container Instances Contributor Role",
    "Microsoft.ContainerRegistry/registries/artifacts/": "AcrDelete",
    "Microsoft.ContainerRegistry/registries/pull/": "AcrPull",
    "Microsoft.ContainerRegistry/": "Container Registry Tasks Contributor",
    "Microsoft.EventGrid/": "EventGrid Contributor",
    "Microsoft.Insights/": "Monitoring Metrics Publisher",
    "Microsoft.KeyVault/": "Key Vault Secrets Officer",
    "Microsoft.MachineLearningServices/": "AzureML Data Scientist",
    "Microsoft.ManagedIdentity/": "Managed Identity Operator",
    "Microsoft.Network/": "Network Contributor",
    "Microsoft.Storage/storageAccounts/blobServices/": BLOB_ROLE,
    "Microsoft.Storage/storageAccounts/queueServices/": "Storage Queue Data Contributor",
    "Microsoft.Storage/storageAccounts/tableServices/": "Storage Table Data Contributor",
    "Microsoft.Web/": "Website Contributor",
}
"""The role by the beginning of the actions that it allows; of two beginnings that fit, the first holds."""


def role_for(text: str) -> str:
    """The role that allows an action, or what a text that names the resource's type is about."""
    return next((role for beginning, role in ROLES.items() if beginning in text), FALLBACK)


def missing_role(role: str, scope: str, action: str = "") -> str:
    """The sentence for a refusal.

    Args:
        scope: on what the role is to be given: an id, or words.
        action: what was refused; empty if Azure did not say.
    """
    return f"give this identity the role {role} on {scope}" + (f", which allows {action}" if action else "")
