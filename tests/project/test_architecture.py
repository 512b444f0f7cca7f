"""What may import what, in fifteen rules; which library belongs where; and what loading a module costs."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OPEN_TO_ALL = {"errors", "poll", "ports", "scoring", "retrain", "trace"}
"""`retrain` itself holds the version and nothing else."""
PURE = ("data", "reading", "plausible", "arima", "gate")
RULES = {
    "data": set[str](),
    "reading": {"data"},
    "plausible": {"data"},
    "arima": {"data"},
    "gate": {"arima", "data"},
    "settings": {"gate", "arima", "reading", "data"},
    "records": {"gate", "data"},
    "promotion": {"records", "settings"},
    "monitoring": {"records", "settings", "gate", "data"},
    "runs": {"monitoring", "promotion", "records", "settings", *PURE},
    "telemetry": {"promotion", "records"},
    "adapters": {"records", "settings"},
    "wiring": {"adapters", "telemetry", "records", "settings"},
    "doctor": {"wiring", "adapters", "promotion", "records", "settings"},
    "doors": {"doctor", "wiring", "telemetry", "runs", "monitoring", "promotion", "records", "settings", *PURE}
    - {"plausible"},
}
"""Each package with those that it may import besides itself and those that are open to all."""
ALONE = {"errors", "poll", "ports"}
"""They import nothing of ours but each other's types."""
READING = [
    "rules", "seen_ids", "weekdays", "widths", "days", "times", "amounts", "dates", "guess", "columns",
    "quotes", "unmarked", "text", "layout", "lines", "cut", "delimited", "parquet", "objects",
    "json_errors", "json_rows", "sheets", "formulas", "percent", "workbook", "archive", "formats",
    "day_reader", "cells", "styles", "repeats", "odd_rows", "splits", "ahead", "transactions",
]  # fmt: skip
ARIMA = [
    "order", "stationary", "regressors", "open_days", "traits", "scaling", "blas", "recursion", "css_filters",
    "css", "arma", "likelihood", "outliers", "filtering", "fit", "ensemble", "proof", "screening", "search",
    "procedure",
]  # fmt: skip
GATE = [
    "scores", "unseen", "slices", "significance", "evidence", "intervals", "rolling", "evaluate", "decide",
    "assess", "side_by_side", "remembering",
]  # fmt: skip
ORDER = {
    "data": ["open_enum", "holidays", "closures", "series", "landed", "findings", "totals"],
    "reading": READING,
    "plausible": ["judged", "robust", "calendar", "days", "level", "rows", "changes", "findings"],
    "arima": ARIMA,
    "gate": GATE,
}
"""Within the pure packages each module imports those before it alone."""
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
OF_PYDANTIC = {
    "settings": [
        "acquire", "azure", "forecasting", "notify", "platform", "policy", "storage", "telemetry", "triggers",
        "setting", "groups", "parsing", "watch",
    ],
    "records": [
        "base", "inbox_place", "landing_log", "leftovers", "outbox", "request", "run", "service_state",
    ],
}  # fmt: skip
INSIGHTS = "retrain.adapters.azure.insights"
ONLY_IN = {
    "statsmodels": {"retrain.arima.proof"},
    "holidays": {"retrain.data.holidays"},
    "azure.storage": {
        *(f"retrain.adapters.azure.{name}" for name in ("acr", "blob", "blob_reader", "lease", "transport")),
        "retrain.wiring",
    },
    "azure.identity": {"retrain.adapters.azure.credentials"},
    "azure.core": {
        *(f"retrain.adapters.azure.{name}" for name in ("arm", "blob", "blob_reader", "credentials", "insights")),
        *(f"retrain.adapters.azure.{name}" for name in ("lease", "log_stream", "rest", "transport")),
    },
    "azure.ai": {
        "retrain.adapters.azure.azureml",
        "retrain.adapters.azure.catalog",
        "retrain.adapters.azure.online",
        "retrain.adapters.azure.online_deployment",
        "retrain.adapters.azure.pipeline",
    },
    "azure.keyvault": {"retrain.adapters.azure.vault"},
    "azure.mgmt.appcontainers": {
        f"retrain.adapters.azure.{name}" for name in ("app_client", "container_apps", "log_stream", "revisions")
    },
    "azure.mgmt.containerregistrytasks": {"retrain.adapters.azure.acr"},
    "azure.mgmt.containerinstance": {"retrain.adapters.azure.aci", "retrain.adapters.azure.aci_group"},
    "cryptography": {"retrain.adapters.azure.aci_tls", "retrain.doors.service_commands"},
    "stamina": {"retrain.promotion.resume", "retrain.adapters.azure.arm"},
    "azure.functions": {"function_app"},
    "opentelemetry": {"retrain.telemetry.signals", "retrain.telemetry.export", "retrain.adapters.otlp", INSIGHTS},
    "azure.monitor": {INSIGHTS},
    "filelock": {"retrain.adapters.local.folder"},
    "pydantic": {
        *(f"retrain.settings.{name}" for name in OF_PYDANTIC["settings"]),
        *(f"retrain.records.{name}" for name in OF_PYDANTIC["records"]),
        "retrain.promotion.record",
        "retrain.doors.http",
        "retrain.doors.approval_routes",
        "scoring.schema",
    },
    "requests": {
        "retrain.adapters.azure.function_app",
        "retrain.adapters.notify.posting",
        *(f"retrain.{name}" for name in ("promotion.client", "promotion.connection", "doors.acquire")),
    },
    "leather": {"retrain.doors.charts"},
    "openpyxl": {"retrain.reading.percent", "retrain.reading.workbook"},
    "psutil": {"retrain.adapters.local.process"},
    "fastapi": {"scoring.app"},
    "pickle": set[str](),
    "joblib": set[str](),
}
HEAVY = {
    "leather",
    "pandas",
    "statsmodels",
    "scipy",
    "holidays",
    "pyarrow",
    "azure",
    "cryptography",
    "requests",
    "openpyxl",
}


LONGEST_FILE = 300
SOURCES = ("retrain", "scoring", "tests", "benchmarks", "samples", "infra")


def path_of(module: str) -> Path:
    path = ROOT / module.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@cache
def modules() -> tuple[str, ...]:
    files = [*ROOT.glob("retrain/**/*.py"), *ROOT.glob("scoring/*.py"), ROOT / "function_app.py"]
    names = (file.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".") for file in files)
    return tuple(sorted(name.removesuffix(".__init__") for name in names))


def room(module: str) -> str:
    """The package of a module, or the module itself where it stands alone."""
    top, _, rest = module.partition(".")
    return rest.split(".")[0] if top == "retrain" and rest else top


@cache
def imports(module: str, *, at_load: bool = False) -> frozenset[str]:
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
    return frozenset(found)


def ours(module: str) -> frozenset[str]:
    """The modules of this project that it imports."""
    return imports(module) & set(modules()) - {module}


def test_every_module_stands_in_a_room():
    """A new package has to be given its rule."""
    rooms = {room(module) for module in modules()}

    assert rooms == {*RULES, *OPEN_TO_ALL, "function_app", "__main__"}


@pytest.mark.parametrize("package", RULES)
def test_a_package_imports_what_its_rule_allows(package: str):
    """And nothing else of ours."""
    allowed = RULES[package] | OPEN_TO_ALL | {package}
    wrong = {
        f"{module} imports {found}"
        for module in modules()
        if room(module) == package
        for found in ours(module)
        if room(found) not in allowed
    }

    assert wrong == set()


@pytest.mark.parametrize("name", sorted(ALONE))
def test_what_is_open_to_all_imports_nothing(name: str):
    """Of ours."""
    assert ours(f"retrain.{name}") <= {"retrain"}


@pytest.mark.parametrize("package", ORDER)
def test_a_pure_package_reads_from_its_first_module_to_its_last(package: str):
    """None imports a later one."""
    order = [f"retrain.{package}.{name}" for name in ORDER[package]]

    assert set(order) == {module for module in modules() if module.startswith(f"retrain.{package}.")}
    for at, module in enumerate(order):
        assert not ours(module) & set(order[at:]), module


@pytest.mark.parametrize("module", [name for name in modules() if room(name) in PURE])
def test_the_core_touches_nothing(module: str):
    """No file, no clock, no environment, no log, no service."""
    roots = {name.split(".")[0] for name in imports(module)}

    assert not roots & OUTSIDE_WORLD
    assert ".now(" not in path_of(module).read_text()


@pytest.mark.parametrize("module", modules())
def test_each_library_is_used_where_it_belongs(module: str):
    """Nothing but `proof` knows statsmodels, nothing but the adapters knows an SDK, nobody knows a pickle."""
    for library, rooms in ONLY_IN.items():
        if module not in rooms:
            assert not [name for name in imports(module) if f"{name}.".startswith(f"{library}.")]


@pytest.mark.parametrize("module", [name for name in modules() if name != "function_app"])
def test_heavy_libraries_are_imported_where_they_are_used(module: str):
    """Loading a module loads none of them."""
    assert not {name.split(".")[0] for name in imports(module, at_load=True)} & HEAVY


def test_the_command_line_begins_without_the_engine():
    """Each command loads what it needs: neither the search, nor the readers of files, nor the loop of work."""
    engine = ("retrain.arima.search", "retrain.reading.transactions", "retrain.runs.dispatch")
    seen, left = set[str](), ["retrain.doors.cli"]
    while left:
        module = left.pop()
        if module not in seen and path_of(module).exists():
            seen.add(module)
            left += [name for name in imports(module, at_load=True) if name.startswith("retrain.")]

    assert "retrain.doors.service_commands" in seen
    assert not seen & {*engine}


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
    assert len((ROOT / "function_app.py").read_text().splitlines()) < 135


def test_no_file_is_long():
    """One idea each, that a reader takes in at a sitting."""
    lengths = {
        path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines())
        for folder in SOURCES
        for path in (ROOT / folder).rglob("*.py")
    }

    assert {path: lines for path, lines in lengths.items() if lines > LONGEST_FILE} == {}
