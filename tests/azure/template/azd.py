"""What azd makes of `azure.yaml`'s folder before it deploys: the parameters."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from tests.azure.template.syntax import read

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

KINDS: dict[str, Callable[[str], Any]] = {"int": int, "bool": {"true": True, "false": False}.__getitem__}


def parameters(main: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    """The parameters of a deployment: `${NAME}` and `${NAME=default}` are replaced from azd's environment.

    azd puts texts everywhere, and converts them to what the template declares.

    Raises: KeyError for a name without value and default.
    """

    def put(found: re.Match[str]) -> str:
        name, sign, default = found.groups()
        return environment.get(name) or (default if sign else environment[name])

    text = main.with_suffix(".parameters.json").read_text(encoding="utf-8")
    given = json.loads(re.sub(r"\$\{(\w+)(=)?([^}]*)\}", put, text))["parameters"]
    kinds = {name: one.given for name, one in read(main).declarations.items() if one.kind == "parameter"}
    return {name: KINDS.get(kinds.get(name, ""), str)(one["value"]) for name, one in given.items()}
