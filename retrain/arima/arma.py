"""The exact likelihood of an ARMA process, by linear filters, and its exact derivatives.

The process is a(B) u[t] = m(B) e[t]. A filter that takes everything before the first day as zero gives
e0 = e - L v: the errors e, and the response L to v, the r = max(p, q) combinations of the unknown days before that
reach the first days. With G = L'L, the covariance V of v, and the variance of e as 1,

    cov(e0) = I + L V L',    its inverse is I - L K L' with K = V (I + G V)^-1,    its determinant is |I + G V|.

So a quadratic form costs one filter and a few products of r rows, and so does each derivative.
Source: Box, Jenkins, Reinsel & Ljung (2015), Time Series Analysis, 5th ed., appendix A7.3; autocovariances in V:
Brockwell & Davis (1991), Time Series: Theory and Methods, 2nd ed., section 3.3, third method.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from retrain.arima.recursion import ONE, recursive

if TYPE_CHECKING:
    from numpy.typing import NDArray

    type Vector = NDArray[np.float64]
    type Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Arma:
    """One process over n days, its errors' variance 1.

    Attributes:
        ar, ma: the lag polynomials a and m, lowest power first, 1 at lag 0.
    """

    ar: Vector
    ma: Vector
    days: int

    @cached_property
    def lags(self) -> int:
        """r, the number of first days that the unknown days before reach."""
        return max(len(self.ar), len(self.ma)) - 1

    def errors(self, series: Matrix) -> Matrix:
        """e0 of each column, shape (n, c)."""
        return recursive(self.ar, self.ma, series)

    def products(self, left: Matrix, right: Matrix) -> Matrix:
        """left' cov(e0)^-1 right, shape (c, d), of columns that `errors` returned or of derivatives of them."""
        reached, also = self.response.T @ left, self.response.T @ right
        return np.asarray(left.T @ right - reached.T @ self.kernel @ also)

    @cached_property
    def response(self) -> Matrix:
        """L, shape (n, r)."""
        return _shifted(self._impulse, self.lags)

    @cached_property
    def log_determinant(self) -> float:
        """Of cov(e0)."""
        return float(np.linalg.slogdet(self._reached)[1])

    @cached_property
    def kernel(self) -> Matrix:
        """K, shape (r, r)."""
        return np.asarray(self._presample @ self._inverse)

    def derivative(self, ar: Vector, ma: Vector) -> Derivative:
        """The derivatives where those of the polynomials, of the same lengths, are `ar` and `ma`."""
        response = _shifted(-recursive(ma, self.ma, self._impulse), self.lags)
        half = response.T @ self.response
        gram, presample = half + half.T, self._presample_derivative(ar, ma)
        inner = self._inverse.T @ presample
        return Derivative(
            process=self,
            ar=ar,
            ma=ma,
            response=response,
            kernel=inner @ self._inverse - self.kernel @ gram @ self.kernel,
            log_determinant=float(np.sum(inner * self._gram) + np.sum(self.kernel * gram)),
        )

    @cached_property
    def _impulse(self) -> Vector:
        return recursive(ONE, self.ma, np.eye(1, self.days)[0])

    @cached_property
    def _gram(self) -> Matrix:
        return np.asarray(self.response.T @ self.response)

    @cached_property
    def _reached(self) -> Matrix:
        """I + G V."""
        return np.asarray(np.eye(self.lags) + self._gram @ self._presample)

    @cached_property
    def _inverse(self) -> Matrix:
        """(I + G V)^-1."""
        return np.linalg.inv(self._reached)

    @cached_property
    def _presample(self) -> Matrix:
        """V, shape (r, r): v[t] = sum of a[t+s] u[-s] - m[t+s] e[-s] over s = 0, 1, ..."""
        ar, ma = self._hankels
        by_ar, by_ma = self._before
        return ar @ by_ar + ma @ by_ma

    @cached_property
    def _hankels(self) -> tuple[Matrix, Matrix]:
        """The coefficients of u[-s] and, but for the sign, of e[-s] in v[t], shape (r, r) each."""
        return _hankel(self.ar, self.lags), _hankel(self.ma, self.lags)

    @cached_property
    def _before(self) -> tuple[Matrix, Matrix]:
        """The covariances of u[-s] with v, and of -e[-s] with v, shape (r, r) each."""
        ar, ma = self._hankels
        crossed = _upper(self._weights[:-1])
        return _toeplitz(self._autocovariances[:-1]) @ ar.T - crossed @ ma.T, ma.T - crossed.T @ ar.T

    @cached_property
    def _weights(self) -> Vector:
        """The first r + 1 coefficients of the process as a moving average: the covariances of u[t] and e[t-s]."""
        return recursive(self.ma, self.ar, np.eye(1, self.lags + 1)[0])

    @cached_property
    def _autocovariances(self) -> Vector:
        """Of lags 0 to r."""
        return np.linalg.solve(self._system, _correlated(self.ma, self._weights))

    @cached_property
    def _system(self) -> Matrix:
        """The equations of the autocovariances g: sum of a[i] g[|k-i|] over i, for k = 0 to r, shape (r+1, r+1)."""
        system = np.zeros((self.lags + 1, self.lags + 1))
        rows = np.arange(self.lags + 1)
        for lag, value in enumerate(self.ar):
            np.add.at(system, (rows, np.abs(rows - lag)), value)
        return system

    def _presample_derivative(self, d_ar: Vector, d_ma: Vector) -> Matrix:
        size = self.lags + 1
        weights, gammas = self._weights, self._autocovariances
        d_weights = recursive(ONE, self.ar, _padded(d_ma, size) - np.convolve(d_ar, weights)[:size])
        shifted = np.abs(np.arange(size)[:, None] - np.arange(len(d_ar))[None, :])
        right = _correlated(d_ma, weights) + _correlated(self.ma, d_weights) - gammas[shifted] @ d_ar
        d_gammas = np.linalg.solve(self._system, right)
        (ar, ma), (by_ar, by_ma) = self._hankels, self._before
        half = _hankel(d_ar, self.lags) @ by_ar + _hankel(d_ma, self.lags) @ by_ma
        half -= ar @ _upper(d_weights[:-1]) @ ma.T
        return half + half.T + ar @ _toeplitz(d_gammas[:-1]) @ ar.T


@dataclass(frozen=True, slots=True, eq=False)
class Derivative:
    """Of a process, in one direction of its polynomials.

    Attributes:
        response, kernel: of L and K.
        log_determinant: of that of cov(e0).
    """

    process: Arma
    ar: Vector
    ma: Vector
    response: Matrix
    kernel: Matrix
    log_determinant: float

    def errors(self, series: Vector, errors: Vector) -> Vector:
        """Of e0, shape (n,), for a series and its e0."""
        driving = np.convolve(self.ar, series)[: len(series)] - np.convolve(self.ma, errors)[: len(series)]
        return recursive(ONE, self.process.ma, driving)

    def square(self, errors: Vector, moved: Vector) -> float:
        """Of e0' cov(e0)^-1 e0, for e0 and its derivative `moved`."""
        process = self.process
        reached = process.response.T @ errors
        moved_reached = process.response.T @ moved + self.response.T @ errors
        direct = 2 * float(errors @ moved) - 2 * float(reached @ process.kernel @ moved_reached)
        return direct - float(reached @ self.kernel @ reached)


def _shifted(impulse: Vector, columns: int) -> Matrix:
    """Column i is the impulse response i days later, shape (n, columns)."""
    padded = np.concatenate([np.zeros(columns), impulse])
    windows = np.lib.stride_tricks.sliding_window_view(padded, len(impulse))
    return np.ascontiguousarray(windows[columns:0:-1].T)


def _padded(values: Vector, size: int) -> Vector:
    return np.concatenate([values, np.zeros(max(size - len(values), 0))])[:size]


def _hankel(polynomial: Vector, size: int) -> Matrix:
    """Entry (t, s), t from 1 and s from 0, is the coefficient of lag t + s."""
    padded = _padded(polynomial, 2 * size + 1)
    return np.asarray(padded[np.arange(1, size + 1)[:, None] + np.arange(size)[None, :]])


def _toeplitz(values: Vector) -> Matrix:
    """Symmetric; entry (i, j) is the value of lag |i - j|."""
    at = np.arange(len(values))
    return np.asarray(values[np.abs(at[:, None] - at[None, :])])


def _upper(values: Vector) -> Matrix:
    """Entry (i, j) is the value of lag j - i, zero below the diagonal."""
    at = np.arange(len(values))
    lag = at[None, :] - at[:, None]
    return np.where(lag >= 0, values[np.abs(lag)], 0.0)


def _correlated(polynomial: Vector, weights: Vector) -> Vector:
    """Entry k is the sum of polynomial[j] weights[j-k] over j >= k; as long as `weights`."""
    size = len(weights)
    return np.asarray(_upper(weights) @ _padded(polynomial, size))
