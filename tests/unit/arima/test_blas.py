"""No library of linear algebra starts threads for a fit."""

from __future__ import annotations

import json
import subprocess
import sys

ASKED = """
import json
import numpy
from threadpoolctl import threadpool_info, threadpool_limits
from retrain.arima.blas import one_blas_thread

with one_blas_thread():
    import scipy.linalg
    print(json.dumps([[each["filepath"], each["num_threads"]] for each in threadpool_info()]))
"""


def test_the_blas_of_scipy_is_on_one_thread_as_that_of_numpy_is():
    """Also in a process that had not loaded SciPy before: its threads took ten times the time of a proof."""
    asked = subprocess.run([sys.executable, "-c", ASKED], capture_output=True, text=True, check=True)

    threads = dict(json.loads(asked.stdout))
    assert sum("numpy.libs" in library for library in threads) == 1
    assert sum("scipy.libs" in library for library in threads) == 1
    assert set(threads.values()) == {1}
