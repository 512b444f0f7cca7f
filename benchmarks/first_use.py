"""What the first use of Azure ML's client costs beside the bare import of its package, and what the triggers load.

    make bench-first-use

Each sample is a process of its own; the two sides take turns.
"""

from __future__ import annotations

import json
import statistics

from benchmarks.processes import in_new_process
from benchmarks.result import Result, Table, finish, parser, progress, spread

BARE = "import azure.ai.ml"
PARSED = """
from retrain.adapters.azure.azureml import Workspace
from retrain.settings import parse
settings = parse({
    "RETRAIN_PLATFORM": "azure", "RETRAIN_STORE": "blob", "RETRAIN_SUBSCRIPTION": "subscription",
    "RETRAIN_RESOURCE_GROUP": "group", "RETRAIN_WORKSPACE": "workspace", "RETRAIN_REGISTRY": "registry",
    "RETRAIN_LOCATION": "westeurope",
    "RETRAIN_PULL_IDENTITY": "/subscriptions/subscription/userAssignedIdentities/identity",
    "TRANSACTIONS_STORAGE__blobServiceUri": "https://account.blob.core.windows.net",
    "TRANSACTIONS_STORAGE__clientId": "client",
})
"""
OURS = "Workspace(settings).client.models"
TIMED = """
import time
{before}
began = time.perf_counter()
{body}
print(time.perf_counter() - began)
"""
HEAVY = ("azure.ai", "azure.mgmt", "statsmodels", "pandas")
TRIGGERS = f"""
import json, sys, time
began = time.perf_counter()
import function_app
spent = time.perf_counter() - began
print(json.dumps([spent, sorted(name for name in sys.modules if name.startswith({HEAVY}))]))
"""
SAMPLES, QUICK_SAMPLES = 7, 1


def seconds(body: str, before: str = "") -> float:
    """How long a body takes in a new process, after what runs before it."""
    return float(in_new_process("-c", TIMED.format(before=before, body=body)))


def main() -> None:
    """Measure both sides in turn, and the import of `function_app` once."""
    options = parser(__doc__)
    options.add_argument("--samples", type=int)
    asked = options.parse_args()
    samples = asked.samples or (QUICK_SAMPLES if asked.quick else SAMPLES)
    pairs = []
    for number in range(1, samples + 1):
        pairs.append((seconds(BARE), seconds(OURS, PARSED)))
        progress(f"pair {number} of {samples}: {pairs[-1][0]:.2f} s, {pairs[-1][1]:.2f} s")
    bare, ours = (statistics.median(side) for side in zip(*pairs, strict=True))
    triggers, loaded = json.loads(in_new_process("-c", TRIGGERS))
    tables = (
        Table(
            "in a fresh process",
            (
                {"what": "bare import of azure.ai.ml", "time, s": bare},
                {"what": "first use of its client by ours", "time, s": ours},
                {"what": "import of function_app", "time, s": triggers},
            ),
        ),
        Table("ours / bare import", (spread("time", [ours / bare for bare, ours in pairs]),)),
        Table(
            "heavy modules that function_app loads",
            ({"of": ", ".join(HEAVY), "modules": len(loaded), "names": ", ".join(loaded) or "none"},),
        ),
    )
    result = Result(
        "The first use of Azure ML's client by ours against the bare import of its package.",
        f"{samples} pair(s) of processes in turn; medians. The import of function_app is measured once.",
        tables,
        quick=asked.quick,
    )
    finish(result, asked.json)


if __name__ == "__main__":
    main()
