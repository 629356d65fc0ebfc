"""Negative binomial counts: more scattered than Poisson's."""

import autograd.numpy as anp
import numpy as np
from autograd.scipy.special import gammaln

from ..moments import column_moments
from ..supports import Interval, Positive
from .base import Likelihood, refuse
from .poisson import TINY, log_factorial, sparse_poisson

__all__ = ["NegativeBinomial"]


class NegativeBinomial(Likelihood):
    """Overdispersed counts with mean the location, ``variance = mean + mean^2 / size``.

    A Poisson count whose rate scatters by a Gamma variable of shape `size`, which is learnt
    between 0.001 and 10 000.

    See Also
    --------
    Poisson : Its limit for a large size.

    Examples
    --------
    >>> x = NegativeBinomial().log_density({"size": 1.0}, np.ones(1), np.zeros(1))
    >>> x.round(4).tolist()  # a geometric distribution, log(1/2)
    [-0.6931]
    """

    location_support = Positive()
    counts = True
    advice = "Use Linear(nonnegative=True) with a non-negative prior"

    @property
    def constraints(self):
        return {"size": Interval(1e-3, 1e4, log=True)}

    def check_entries(self, X):
        refuse(self, X, (X < 0) | np.isinf(X), "non-negative entries")

    def init_params(self, X, location, rng):
        """Start where Pearson's statistic of the rows about their mean is one half."""
        mean, deviation = column_moments(X)
        excess = deviation**2 - mean
        size = 2.0 * np.sum(mean**2) / max(np.sum(excess), 1e-3 * np.sum(mean) + TINY)
        return {"size": np.clip(size, 0.1, 100.0)}

    def sample(self, params, location, rng):
        size = params["size"]
        rate = location * rng.gamma(size, 1 / size, location.shape)
        return sparse_poisson(rate, rng)

    def log_density(self, params, location, X):
        size, mean = params["size"], anp.maximum(location, TINY)
        constant = gammaln(X + size) - gammaln(size) - log_factorial(X)
        return (
            constant + X * anp.log(mean) - (X + size) * anp.log(mean + size)
        ) + size * anp.log(size)

    def noise_variance(self, params, location):
        return np.maximum(location + location**2 / params["size"], TINY)

    def slopes(self, params, location, X):
        size, mean = params["size"], np.maximum(location, TINY)
        return X / mean, (X + size) / (mean + size)

    def information(self, params, location, X):
        size, mean = params["size"], np.maximum(location, TINY)
        return np.maximum(X / mean**2 - (X + size) / (mean + size) ** 2, 0.0)
