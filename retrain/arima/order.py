"""The order of one ARIMA model: (p,d,q)(P,D,Q)m, with or without a mean, logarithms and regressors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    type Vector = NDArray[np.float64]
    type Matrix = NDArray[np.float64]


DAYS_PER_PARAMETER = 10


@dataclass(frozen=True, slots=True)
class Order:
    """(p,d,q)(P,D,Q)m with or without a mean.

    A mean is estimated only without differencing; with differencing it would be a drift.

    Attributes:
        log: True if the model describes the logarithms of the amounts.
        regressors: groups of columns, as `retrain.arima.regressors.names` takes them.
    """

    p: int
    d: int
    q: int
    seasonal_p: int = 0
    seasonal_d: int = 0
    seasonal_q: int = 0
    season_days: int = 0
    mean: bool = False
    log: bool = False
    regressors: tuple[str, ...] = ()

    def __str__(self) -> str:
        seasonal = ""
        if self.is_seasonal:
            seasonal = f"({self.seasonal_p},{self.seasonal_d},{self.seasonal_q}){self.season_days}"
        extras = [*(["mean"] if self.mean else []), *(group.replace("_", " ") for group in self.regressors)]
        return (
            f"({self.p},{self.d},{self.q}){seasonal}{' of logarithms' if self.log else ''}"
            f"{' with ' if extras else ''}{', '.join(extras)}"
        )

    @property
    def is_seasonal(self) -> bool:
        """True if the order has any seasonal term."""
        return self.seasonal_p + self.seasonal_d + self.seasonal_q > 0

    @property
    def coefficients(self) -> int:
        """Number of ARMA coefficients."""
        return self.p + self.q + self.seasonal_p + self.seasonal_q

    @property
    def lost_days(self) -> int:
        """Number of days that are lost by differencing."""
        return self.d + self.seasonal_d * self.season_days

    @property
    def conditioning_days(self) -> int:
        """Number of differenced days that serve as lags of the autoregression only."""
        return self.p + self.seasonal_p * self.season_days

    def is_estimable(self, days: int) -> bool:
        """True if a series of `days` has enough of them for every parameter, and no two describe one lag."""
        counted = days - self.lost_days - self.conditioning_days
        return counted >= (self.coefficients + self.mean + 1) * DAYS_PER_PARAMETER and not self.has_common_lags

    @property
    def has_common_lags(self) -> bool:
        """True if a seasonal lag is also a non-seasonal lag: then two coefficients describe one lag."""
        ar, ma = self.seasonal_p and self.p, self.seasonal_q and self.q
        return max(ar, ma) >= self.season_days > 0

    def polynomials(self, coefficients: Vector) -> tuple[Vector, Vector, Vector, Vector]:
        """The lag polynomials phi, theta, Phi and Theta, lowest power first, from their packed coefficients."""
        ar, ma, seasonal_ar, seasonal_ma = self.split(coefficients)
        return (
            _lag_polynomial(-ar, 1),
            _lag_polynomial(ma, 1),
            _lag_polynomial(-seasonal_ar, self.season_days),
            _lag_polynomial(seasonal_ma, self.season_days),
        )

    def split(self, coefficients: Vector) -> list[Vector]:
        """The packed coefficients in statsmodels' order: AR, MA, seasonal AR, seasonal MA."""
        ma, seasonal_ar = self.p, self.p + self.q
        seasonal_ma = seasonal_ar + self.seasonal_p
        return [
            coefficients[:ma],
            coefficients[ma:seasonal_ar],
            coefficients[seasonal_ar:seasonal_ma],
            coefficients[seasonal_ma:],
        ]

    @property
    def differencing(self) -> Vector:
        """The lag polynomial (1 - B)^d (1 - B^m)^D."""
        polynomial = np.ones(1)
        for _ in range(self.d):
            polynomial = np.convolve(polynomial, [1.0, -1.0])
        if self.seasonal_d:
            polynomial = np.convolve(polynomial, _lag_polynomial(np.array([-1.0]), self.season_days))
        return polynomial

    def difference(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """`values` differenced along their first axis, `lost_days` shorter."""
        for _ in range(self.d):
            values = values[1:] - values[:-1]
        if self.seasonal_d:
            values = values[self.season_days :] - values[: -self.season_days]
        return values


def _lag_polynomial(coefficients: Vector, step: int) -> Vector:
    """1 + c1 B^step + c2 B^(2 step) + ..."""
    polynomial = np.zeros(len(coefficients) * step + 1, dtype=coefficients.dtype)
    polynomial[0] = 1.0
    if len(coefficients):
        polynomial[step::step] = coefficients
    return polynomial
