"""Imports go one way, the core touches nothing, heavy libraries wait until they are used."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# A module may import from rows above its own, and from its own row not at all.
FLOORS = [
    ["scoring.calendar", "scoring.schema", "scoring.guard", "scoring.health", "retrain", "retrain.errors"],
    ["scoring.model"],
    ["scoring.app"],
    ["scoring.__main__"],
    ["retrain.series", "retrain.seen_ids", "retrain.formats", "retrain.trigger", "retrain.order", "retrain.unseen"],
    ["retrain.transactions", "retrain.stationary", "retrain.regressors", "retrain.traits"],
    ["retrain.data_tests", "retrain.css", "retrain.scores"],
    ["retrain.fit"],
    ["retrain.training", "retrain.evaluate"],
    ["retrain.search"],
    ["retrain.decide", "retrain.ports"],
    ["retrain.azure_settings"],
    ["retrain.settings", "retrain.history", "retrain.registry", "retrain.ledger"],
    ["retrain.report", "retrain.image", "retrain.client", "retrain.acquire", "retrain.catalog"],
    ["retrain.proof", "retrain.forecasting", "retrain.submission"],
    ["retrain.promotion", "retrain.supervision"],
    ["retrain.service", "retrain.pursuit", "retrain.page"],
    [
        "retrain.dispatch",
        "retrain.adapters.folder",
        "retrain.adapters.process",
        "retrain.adapters.arm",
        "retrain.adapters.records",
        "retrain.adapters.aci_group",
        "retrain.adapters.online_deployment",
    ],
    ["retrain.adapters.blob", "retrain.adapters.acr", "retrain.adapters.azureml"],
    ["retrain.adapters.aci", "retrain.adapters.online", "retrain.adapters.pipeline"],
    ["retrain.wiring"],
    ["retrain.doors"],
    ["retrain.__main__", "function_app"],
]
CORE = [
    "scoring.calendar", "scoring.model", "retrain.errors", "retrain.series", "retrain.seen_ids", "retrain.formats",
    "retrain.transactions", "retrain.data_tests",
    "retrain.order", "retrain.stationary", "retrain.regressors", "retrain.traits", "retrain.css", "retrain.fit",
    "retrain.training", "retrain.search", "retrain.scores", "retrain.unseen", "retrain.evaluate",
    "retrain.decide",
]  # fmt: skip
OUTSIDE_WORLD = {
    "os",
    "io",
    "sys",
    "time",
    "pathlib",
    "logging",
    "socket",
    "subprocess",
    "azure",
    "filelock",
    "pydantic",
}
ONLY_IN = {
    "statsmodels": {"retrain.fit"},
    "holidays": {"retrain.regressors"},
    "azure.storage": {"retrain.adapters.blob", "retrain.adapters.acr", "retrain.wiring"},
    "azure.identity": {"retrain.adapters.arm"},
    "azure.core": {"retrain.adapters.blob", "retrain.adapters.arm"},
    "azure.ai": {
        "retrain.adapters.azureml",
        "retrain.adapters.online",
        "retrain.adapters.online_deployment",
        "retrain.adapters.pipeline",
    },
    "azure.mgmt.containerregistrytasks": {"retrain.adapters.acr"},
    "azure.mgmt.containerinstance": {"retrain.adapters.aci", "retrain.adapters.aci_group"},
    "stamina": {"retrain.pursuit", "retrain.adapters.arm"},
    "azure.functions": {"function_app"},
    "filelock": {"retrain.adapters.folder"},
    "pydantic": {"retrain.azure_settings", "retrain.settings", "retrain.doors", "scoring.schema"},
    "requests": {"retrain.client"},
    "leather": {"retrain.page"},
    "psutil": {"retrain.adapters.process"},
    "fastapi": {"scoring.app"},
    "pickle": set[str](),
    "joblib": set[str](),
}
HEAVY = {"leather", "pandas", "statsmodels", "scipy", "holidays", "pyarrow", "azure", "requests"}


def path_of(module: str) -> Path:
    path = ROOT / module.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def modules() -> list[str]:
    files = [*ROOT.glob("retrain/**/*.py"), *ROOT.glob("scoring/*.py"), ROOT / "function_app.py"]
    names = (file.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".") for file in files)
    return sorted(name for name in names if not name.endswith("__init__"))


def imports(module: str, *, at_load: bool = False) -> set[str]:
    """Every module that this one names in an import; `at_load`: only those that loading it runs."""
    found: set[str] = set()
    waiting: list[ast.AST] = [ast.parse(path_of(module).read_text())]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
        skipped = at_load and (
            isinstance(node, ast.FunctionDef)
            or (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
        )
        if not skipped:
            waiting.extend(ast.iter_child_nodes(node))
    return found


def test_every_module_has_its_floor():
    """A new one has to be given a place."""
    placed = {module for floor in FLOORS for module in floor} - {"retrain"}

    assert placed == set(modules())


@pytest.mark.parametrize("module", modules())
def test_imports_go_one_way(module: str):
    """Down, never sideways or up."""
    floor = next(number for number, names in enumerate(FLOORS) if module in names)
    above = {name for names in FLOORS[floor:] for name in names} - {module, "retrain"}

    assert not imports(module) & above


@pytest.mark.parametrize("module", CORE)
def test_the_core_touches_nothing(module: str):
    """No file, no clock, no environment, no log, no service."""
    roots = {name.split(".")[0] for name in imports(module)}

    assert not roots & OUTSIDE_WORLD
    assert ".now(" not in path_of(module).read_text()


@pytest.mark.parametrize("module", modules())
def test_each_library_is_used_where_its_room_is(module: str):
    """Nothing but `fit` knows statsmodels, nothing but the adapters knows an SDK, nobody knows a pickle."""
    for library, rooms in ONLY_IN.items():
        if module not in rooms:
            assert not [name for name in imports(module) if f"{name}.".startswith(f"{library}.")]


@pytest.mark.parametrize("module", [name for name in modules() if name != "function_app"])
def test_heavy_libraries_are_imported_where_they_are_used(module: str):
    """Loading a module loads none of them."""
    assert not {name.split(".")[0] for name in imports(module, at_load=True)} & HEAVY


@pytest.mark.parametrize("module", ["scoring.model", "scoring.calendar"])
def test_the_scoring_model_needs_numpy_alone(module: str):
    """Beside the standard library."""
    roots = {name.split(".")[0] for name in imports(module)} - {"scoring"}

    assert roots <= {
        "numpy",
        "json",
        "math",
        "dataclasses",
        "datetime",
        "statistics",
        "typing",
        "collections",
        "__future__",
    }


def test_triggers_stay_small():
    """They hand over; they hold no logic."""
    assert len((ROOT / "function_app.py").read_text().splitlines()) < 100
