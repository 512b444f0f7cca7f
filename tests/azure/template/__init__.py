"""The Bicep template of `infra/`: read, evaluated for given parameters, and checked against Microsoft's types.

There is no Bicep compiler outside .NET. What a deployment of ours uses of the language is evaluated here; what is
not known raises TemplateError, so nothing in a template goes unread.
"""

from tests.azure.template.deployment import MAIN, Deployment, deploy
from tests.azure.template.errors import TemplateError
from tests.azure.template.references import Resource

__all__ = ["MAIN", "Deployment", "Resource", "TemplateError", "deploy"]
