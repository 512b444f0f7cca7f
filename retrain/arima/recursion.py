"""Recursive linear filters: what scipy.signal.lfilter does, by a triangular system of BLAS.

Importing scipy.signal loads statistics, optimisers and splines, which takes as long as a fit of every candidate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    type Vector = NDArray[np.float64]
    type Array = NDArray[np.float64]

ONE = np.ones(1)


def recursive(numerator: Vector, denominator: Vector, series: Array) -> Array:
    """y with denominator(B) y[t] = numerator(B) x[t], everything before the first day zero.

    Args:
        numerator, denominator: lag polynomials, lowest power first; the denominator is 1 at lag 0.
        series: x, shape (n,), or (n, c) for c columns.
    """
    driving = series if len(numerator) == 1 and numerator[0] == 1.0 else _convolved(numerator, series)
    lags = min(len(denominator), len(driving)) - 1
    if lags < 1:
        return np.array(driving)
    return _solved(denominator[: lags + 1], driving)


def _convolved(polynomial: Vector, series: Array) -> Array:
    if series.ndim == 1:
        return np.convolve(polynomial, series)[: len(series)]
    return np.column_stack([np.convolve(polynomial, column)[: len(series)] for column in series.T])


def _solved(denominator: Vector, driving: Array) -> Array:
    """The solution of the triangular system whose every column is the denominator."""
    from scipy.linalg.blas import dtbsv
    from scipy.linalg.lapack import dtbtrs

    lags = len(denominator) - 1
    band = np.empty((lags + 1, len(driving)), order="F")
    band[:] = denominator[:, None]
    if driving.ndim == 1:
        return np.asarray(dtbsv(lags, band, driving, lower=1, diag=1))
    return np.asarray(dtbtrs(band, driving, uplo="L", diag="U")[0])
