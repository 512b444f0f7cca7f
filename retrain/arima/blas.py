"""Linear algebra on one thread: the matrices are so small that more threads only wait for each other."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """NumPy and SciPy each bring a BLAS of their own; neither starts threads within this."""
    with _every_blas().limit(limits=1, user_api="blas"):
        yield


@cache
def _every_blas() -> Any:
    import scipy.linalg  # noqa: F401 - the controller knows only what is loaded when it is made
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
