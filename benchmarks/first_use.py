"""What the first use of Azure ML's client costs beside the bare import of its package, and what the triggers load.

Each sample is a process of its own; the two sides take turns. `make bench-first-use` prints the ratio.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys

BARE = "import azure.ai.ml"
PARSED = """
from retrain.adapters.azure.azureml import Workspace
from retrain.settings import parse
settings = parse({
    "RETRAIN_PLATFORM": "azure", "RETRAIN_STORE": "blob", "RETRAIN_SUBSCRIPTION": "s",
    "RETRAIN_RESOURCE_GROUP": "g", "RETRAIN_WORKSPACE": "w", "RETRAIN_REGISTRY": "r", "RETRAIN_LOCATION": "w",
    "RETRAIN_IDENTITY": "/subscriptions/s/userAssignedIdentities/i",
    "TRANSACTIONS_STORAGE__blobServiceUri": "https://a.blob.core.windows.net",
    "TRANSACTIONS_STORAGE__clientId": "c",
})
"""
OURS = "Workspace(settings).client.models"
TRIGGERS = "import function_app"
TIMED = """
import time
{before}
began = time.perf_counter()
{body}
print(time.perf_counter() - began)
"""
SDKS = """
import sys
import function_app
print(sorted(name for name in sys.modules if name.startswith(("azure.ai", "azure.mgmt", "statsmodels", "pandas"))))
"""


def seconds(body: str, before: str = "") -> float:
    """How long a body takes in a new process, after what runs before it."""
    return float(run(TIMED.format(before=before, body=body)))


def run(script: str) -> str:
    """What a script prints."""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603
    return done.stdout.strip()


def main() -> int:
    """Print medians, their ratio, and the SDKs that `function_app` loads."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=7)
    samples = parser.parse_args().samples
    pairs = [(seconds(BARE), seconds(OURS, PARSED)) for _ in range(samples)]
    bare, ours = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(ours / bare for bare, ours in pairs)
    print(f"bare import of azure.ai.ml       {bare:6.2f} s")
    print(f"first use of its client by ours  {ours:6.2f} s")
    print(f"ours / bare                      {ratio:6.2f}   (median of {samples} pairs)")
    print(
        f"import of function_app           {seconds(TRIGGERS):6.2f} s, of the SDKs and pandas it loads {run(SDKS)}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
