"""One ARIMA order -> its exact maximum likelihood fit by statsmodels. Nothing else imports statsmodels."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from retrain.errors import FlatSeries, NotConverged
from scoring.model import ForecastModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrain.series import DailySeries

MAX_ITERATIONS = 200
FLAT_GRADIENT = 1e-2  # of the mean log-likelihood, per unit of a parameter of the scaled series


@dataclass(frozen=True, slots=True)
class Order:
    """(p,d,q)(P,D,Q)m with or without a mean.

    A mean is estimated only where nothing is differenced; elsewhere it would be a drift.
    """

    p: int
    d: int
    q: int
    seasonal_p: int = 0
    seasonal_d: int = 0
    seasonal_q: int = 0
    season_days: int = 0
    mean: bool = False

    def __str__(self) -> str:
        seasonal = ""
        if self.is_seasonal:
            seasonal = f"({self.seasonal_p},{self.seasonal_d},{self.seasonal_q}){self.season_days}"
        return f"({self.p},{self.d},{self.q}){seasonal}{' with mean' if self.mean else ''}"

    @property
    def is_seasonal(self) -> bool:
        """True when any seasonal term is there."""
        return self.seasonal_p + self.seasonal_d + self.seasonal_q > 0

    @property
    def parameters(self) -> int:
        """How many numbers are estimated, the variance included."""
        return self.p + self.q + self.seasonal_p + self.seasonal_q + self.mean + 1

    @property
    def lost_days(self) -> int:
        """Days that differencing uses up."""
        return self.d + self.seasonal_d * self.season_days


@dataclass(frozen=True, slots=True, eq=False)
class FittedModel:
    """A fit and the state space it forecasts with.

    Attributes:
        parameters: by statsmodels' names; variance in currency squared.
        optimum: shape (k,), where the optimiser ended; a warm start for the next fit of the same order.
        aicc: corrected Akaike criterion of the scaled series; comparable between fits of one series only.
    """

    order: Order
    parameters: dict[str, float]
    optimum: NDArray[np.float64]
    aicc: float
    model: ForecastModel


def fit(order: Order, series: DailySeries, start: NDArray[np.float64] | None = None) -> FittedModel:
    """Fit one order to every day of the series.

    The series is divided by its standard deviation first, so that neither the optimiser nor the diffuse
    start depends on the currency.

    Args:
        start: shape (k,), where the optimiser begins, from an earlier fit of the same order.
    Raises: NotConverged if no optimum was found; FlatSeries if the series never changes.
    """
    from statsmodels.tools.sm_exceptions import ModelWarning
    from statsmodels.tsa.arima.model import ARIMA

    if series.is_flat:
        raise FlatSeries(f"all {len(series)} days are {series.values[0]:g}; there is nothing to fit")
    scale = float(series.values.std())
    try:
        with warnings.catch_warnings(), _blas().limit(limits=1, user_api="blas"):
            # Starting values that were replaced, and failures that are read off the result below.
            warnings.simplefilter("ignore", ModelWarning)
            warnings.simplefilter("ignore", RuntimeWarning)
            model = ARIMA(
                series.values / scale,
                order=(order.p, order.d, order.q),
                seasonal_order=(
                    (order.seasonal_p, order.seasonal_d, order.seasonal_q, order.season_days)
                    if order.is_seasonal
                    else (0, 0, 0, 0)
                ),
                trend="c" if order.mean else "n",
            )
            result = model.fit(
                start_params=start,
                cov_type="none",
                low_memory=False,
                method_kwargs={"maxiter": MAX_ITERATIONS, "disp": False},
            )
    except (np.linalg.LinAlgError, ValueError) as exc:
        raise NotConverged(f"{order} could not be fitted: {exc}") from exc
    if not _at_optimum(result.mle_retvals) or not np.isfinite([result.aicc, *result.params]).all():
        raise NotConverged(f"{order} did not converge in {MAX_ITERATIONS} iterations; pin a simpler RETRAIN_ORDER")
    return FittedModel(
        order=order,
        parameters=_in_currency(dict(zip(result.param_names, result.params.tolist(), strict=True)), scale),
        optimum=np.asarray(result.params),
        aicc=float(result.aicc),
        model=_state_space(result, series, scale),
    )


@cache
def _blas() -> Any:
    """The loaded BLAS libraries: on matrices this small their threads only wait for each other."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def refit(fitted: FittedModel, series: DailySeries) -> FittedModel:
    """The same order on more days: the likelier of a start where the last fit ended and a start from nothing.

    An ARMA likelihood has more than one peak; a warm start alone stays on the one it knows.

    Raises: NotConverged if neither start finds an optimum.
    """
    fits = []
    for start in (fitted.optimum, None):
        try:
            fits.append(fit(fitted.order, series, start))
        except NotConverged as exc:
            failure = exc
    if not fits:
        raise failure
    return min(fits, key=lambda candidate: candidate.aicc)


def _at_optimum(ending: dict[str, Any]) -> bool:
    """Converged, or started so near the optimum that the line search found nothing lower."""
    nothing_lower = ending["warnflag"] == 2 and float(np.abs(ending["gopt"]).max()) < FLAT_GRADIENT
    return bool(ending["converged"]) or nothing_lower


def _in_currency(parameters: dict[str, float], scale: float) -> dict[str, float]:
    unit = {"const": scale, "sigma2": scale**2}
    return {name: value * unit.get(name, 1.0) for name, value in parameters.items()}


def _state_space(result: Any, series: DailySeries, scale: float) -> ForecastModel:
    space, known = result.model.ssm, result.filter_results
    selection = space["selection"]
    const = dict(zip(result.param_names, result.params, strict=True)).get("const", 0.0)
    return ForecastModel(
        origin=series.last_day,
        intercept=float(const) * scale,
        # statsmodels keeps columns together, JSON rows: the order of memory decides the last bits of a product.
        design=np.ascontiguousarray(space["design"][0] * scale),
        transition=np.ascontiguousarray(space["transition"]),
        noise=np.ascontiguousarray(selection @ space["state_cov"] @ selection.T),
        state=np.ascontiguousarray(known.predicted_state[:, -1]),
        covariance=np.ascontiguousarray(known.predicted_state_cov[:, :, -1]),
        facts={"scale": scale},
    )


def seasonal_strength(values: NDArray[np.float64], season_days: int) -> float:
    """How much of what is left after the trend is season: 0 none, 1 all.

    Args: values: shape (n,), n >= 2 * season_days.
    Source: Wang, Smith & Hyndman (2006), Data Mining and Knowledge Discovery 13, 335-364, section 3.1.
    """
    from statsmodels.tsa.seasonal import STL

    parts = STL(values, period=season_days, robust=True).fit()
    detrended = parts.resid + parts.seasonal
    spread = float(np.var(detrended))
    return 0.0 if spread == 0 else max(0.0, 1 - float(np.var(parts.resid)) / spread)


def is_stationary(values: NDArray[np.float64]) -> bool:
    """True unless a KPSS test rejects a stationary level at 5 %.

    Source: Kwiatkowski, Phillips, Schmidt & Shin (1992), J. Econometrics 54, 159-178.
    """
    from statsmodels.tools.sm_exceptions import InterpolationWarning
    from statsmodels.tsa.stattools import kpss

    if np.ptp(values) == 0:
        return True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InterpolationWarning)  # the p-value is clipped to its table
        return float(kpss(values, regression="c", nlags="auto", result_object=True).pvalue) >= 0.05
