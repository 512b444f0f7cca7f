"""`python -m tests.azure.template.check`: what is wrong with `infra/`, a line each.

Every file is parsed, the template is evaluated for parameters that together reach every declaration, and every
resource is checked against its type.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tests.azure.template import azd, types
from tests.azure.template.deployment import MAIN, Deployment, deploy
from tests.azure.template.errors import TemplateError
from tests.azure.template.syntax import read

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AZD = {"AZURE_ENV_NAME": "example", "AZURE_LOCATION": "westeurope", "AZURE_PRINCIPAL_ID": "a-person"}
EVERYTHING = {
    **AZD,
    "AZURE_PRIVATE_NETWORK": "true",
    "AZURE_ALLOWED_ADDRESS": "192.0.2.1",
    "AZURE_ALWAYS_READY": "1",
    "AZURE_ALERT_ADDRESS": "team@example.com",
}


CONTAINER_APPS = {**EVERYTHING, "AZURE_RETRAIN_TARGET": "container-apps"}


def deployments(main: Path = MAIN) -> list[Deployment]:
    """As a first user deploys it, and with all that is optional. Raises: TemplateError."""
    environments = (AZD, EVERYTHING, CONTAINER_APPS)
    return [deploy(azd.parameters(main, environment), main) for environment in environments]


def problems(main: Path = MAIN) -> list[str]:
    """What is wrong, a line each, without repetition."""
    try:
        files = [read(file) for file in sorted(main.parent.glob("*.bicep"))]
        done = deployments(main)
    except TemplateError as error:
        return [str(error)]
    found = [*_of_types(done)]
    reached = set().union(*(one.declared for one in done))
    used = set().union(*(one.used for one in done))
    for source in files:
        for one in (*source.declarations.values(), *source.outputs.values()):
            if one.place not in reached:
                found.append(f"{one.place}: {one.name} is reached by no deployment that is checked")
            if one.kind in ("parameter", "variable") and one.place not in used:
                found.append(f"{one.place}: {one.name} is never used")
    return list(dict.fromkeys(found))


def _of_types(done: list[Deployment]) -> Iterator[str]:
    if not types.FOLDER.exists():
        return
    for deployment in done:
        for resource in deployment.resources:
            wrong = types.problems(resource)
            if wrong is None:
                yield f"{resource.place}: nothing is known of {resource.type}; write its fields into shapes.py"
            yield from (f"{resource.place}: {one}" for one in wrong or [])


def main() -> int:
    """Print what is wrong; 1 if anything is."""
    found = problems()
    said = list(found)
    if not types.FOLDER.exists():
        said.append("infra: Microsoft's types are not beside the project, so names of properties were not checked")
    sys.stdout.write("".join(f"{line}\n" for line in said))
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
