"""Plain statistics of series, for posterior predictive checks."""

from typing import NamedTuple

import numpy as np

__all__ = ["PredictiveCheck", "predictive_checks"]


class PredictiveCheck(NamedTuple):
    """One statistic of the real series beside those of simulated ones.

    Attributes
    ----------
    statistic : str
        Its name.
    observed : float
        Of real series, their mean.
    low, median, high : float
        5%, 50% and 95% quantiles of simulations at draws of the parameters.
    tail : float
        Probability that a simulation lies as far out or further, two-sided.
    """

    statistic: str
    observed: float
    low: float
    median: float
    high: float
    tail: float


def predictive_checks(real, drawn):
    """Each statistic of real series beside those of simulated ones.

    Parameters
    ----------
    real, drawn : arrays of shape (n, n_times, n_channels)
        NaN where missing.

    Returns
    -------
    checks : list of PredictiveCheck

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> drawn = rng.standard_normal((300, 50, 1))
    >>> checks = predictive_checks(3.0 + rng.standard_normal((1, 50, 1)), drawn)
    >>> checks[0].statistic, checks[0].tail
    ('mean', 0.0)
    """
    found = []
    for name, statistic in STATISTICS.items():
        observed, simulated = float(np.mean(statistic(real))), statistic(drawn)
        below = np.mean(simulated < observed) + 0.5 * np.mean(simulated == observed)
        quantiles = np.quantile(simulated, (0.05, 0.5, 0.95))
        tail = float(2 * min(below, 1 - below))
        found.append(PredictiveCheck(name, observed, *map(float, quantiles), tail))
    return found


def lag_one(series):
    """Autocorrelation of the first channel at lag one."""
    y = series[..., 0] - np.nanmean(series[..., 0], axis=1, keepdims=True)
    return np.nanmean(y[:, 1:] * y[:, :-1], axis=1) / (np.nanmean(y**2, axis=1) + 1e-12)


STATISTICS = {
    "mean": lambda series: np.nanmean(series, axis=(1, 2)),
    "standard deviation": lambda series: np.nanmean(np.nanstd(series, axis=1), axis=1),
    "minimum": lambda series: np.nanmin(series, axis=(1, 2)),
    "maximum": lambda series: np.nanmax(series, axis=(1, 2)),
    "autocorrelation": lag_one,
}
