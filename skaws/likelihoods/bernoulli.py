"""Yes or no."""

import autograd.numpy as anp
import numpy as np
from autograd.extend import defvjp, primitive
from scipy.special import expit

from .base import Likelihood, refuse

__all__ = ["Bernoulli"]


class Bernoulli(Likelihood):
    """Binary entries; the location is the log odds, ``log P(x = 1) / P(x = 0)``.

    Entries between 0 and 1 are taken for shares of ones.

    Examples
    --------
    >>> x = Bernoulli().log_density({}, np.zeros(2), np.array([0.0, 1.0]))
    >>> x.round(4).tolist()  # -log(2)
    [-0.6931, -0.6931]
    """

    def check_entries(self, X):
        refuse(self, X, (X < 0) | (X > 1), "entries between 0 and 1")

    def mean(self, params, location):
        return expit(location)

    def sample(self, params, location, rng):
        return (rng.random(location.shape) < expit(location)).astype(float)

    def log_density(self, params, location, X):
        return bernoulli_log_density(location, X)

    def information(self, params, location, X):
        probability = expit(location)
        return probability * (1.0 - probability)

    def natural_parameters(self, params, location):
        return (location,)

    def log_normalizer(self, params, location):
        return anp.logaddexp(0.0, location)

    def sufficient_statistics(self, X):
        return (X,)

    def log_base_measure(self, X):
        return np.zeros(X.shape)


@primitive
def bernoulli_log_density(location, X):
    """log P(x | log odds), entry by entry: one node on the tape."""
    log_density = X * location
    log_density -= np.maximum(location, 0.0)
    log_density -= np.log1p(np.exp(-np.abs(location)))
    return log_density


def location_vjp(answer, location, X):
    return lambda g: g * (X - expit(location))


defvjp(bernoulli_log_density, location_vjp, argnums=(0,))
