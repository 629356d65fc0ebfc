"""Gamma noise: positive observations."""

import autograd.numpy as anp
import numpy as np
from autograd.scipy.special import gammaln

from ..bijectors import Positive
from ..moments import column_moments
from .base import Likelihood

__all__ = ["Gamma"]

TINY = 1e-300  # keeps logarithms finite

# Name of the link: from the location to the mean, and back.
LINKS = {
    "identity": (lambda location: location, lambda mean: mean),
    "log": (anp.exp, np.log),
}


class Gamma(Likelihood):
    """Positive entries around their mean, with a deviation in proportion to it.

    ``p(x) = (shape / mean)^shape x^(shape - 1) exp(-shape x / mean) / Gamma(shape)``, of
    variance ``mean^2 / shape``: durations, powers, concentrations.  Shape 1 is the
    exponential distribution.  Not for entries that can be zero.

    Parameters
    ----------
    per_feature : bool, default=False
        Whether each feature has a shape of its own, or all share one.
    link : {"identity", "log"}, default="identity"
        What the location is: the mean, which must then be non-negative, or its logarithm.

    Raises
    ------
    ValueError
        If the link is none of these, or an entry of X that params are started from is
        not positive.

    Examples
    --------
    >>> noise = Gamma(link="log")
    >>> noise.log_density({"shape": 1.0}, np.zeros(1), np.array([2.0])).tolist()
    [-2.0]
    """

    exponential_family = True

    def __init__(self, per_feature=False, link="identity"):
        if link not in LINKS:
            raise ValueError(f"link must be 'identity' or 'log'; got {link!r}.")
        self.per_feature = per_feature
        self.link = link

    @property
    def location_support(self):
        return "real" if self.link == "log" else "nonnegative"

    @property
    def mean_is_location(self):
        return self.link == "identity"

    @property
    def constraints(self):
        return {"shape": Positive()}

    def location_of(self, X):
        if np.nanmin(X) <= 0:
            raise ValueError(
                f"Gamma needs positive entries; X has {np.nanmin(X):.3g}. Leave the "
                "entries out (NaN), or choose a likelihood that takes them."
            )
        return LINKS[self.link][1](X)

    def init_params(self, X, location, rng):
        mean, deviation = column_moments(X)
        explained = np.var(self.mean(None, location), axis=0)
        unexplained = np.maximum(deviation**2 - explained, 0.05 * deviation**2)
        shape = mean**2 / np.maximum(unexplained, 1e-6 * mean**2)
        return {"shape": shape if self.per_feature else 1 / np.mean(1 / shape)}

    def mean(self, params, location):
        """E[x | location], shape of `location`."""
        return anp.maximum(LINKS[self.link][0](location), TINY)

    def sample(self, params, location, rng):
        shape, mean = params["shape"], self.mean(params, location)
        return np.maximum(rng.gamma(shape * np.ones(mean.shape), mean / shape), TINY)

    def log_density(self, params, location, X):
        (rate, power), normalizer = self._natural(params, location)
        return rate * X + power * np.log(np.maximum(X, TINY)) - normalizer

    def noise_variance(self, params, location):
        return self.mean(params, location) ** 2 / params["shape"]

    def slopes(self, params, location, X):
        shape, mean = params["shape"], self.mean(params, location)
        rate = shape / mean if self.mean_is_location else shape * np.ones(mean.shape)
        return X / mean * rate, rate

    def information(self, params, location, X):
        shape, ratio = params["shape"], X / self.mean(params, location)
        if not self.mean_is_location:
            return shape * ratio
        return np.maximum(shape * (2 * ratio - 1), 0.0) / self.mean(params, location) ** 2

    def scale(self, params):
        return 1 / np.sqrt(params["shape"])

    def natural_parameters(self, params, location):
        rate, power = self._natural(params, location)[0]
        return rate, power * anp.ones(location.shape)

    def log_normalizer(self, params, location):
        return self._natural(params, location)[1]

    def sufficient_statistics(self, X):
        return X, np.log(np.maximum(X, TINY))

    def log_base_measure(self, X):
        return np.zeros(X.shape)

    def _natural(self, params, location):
        """Natural parameters of (x, log x), and the log normaliser."""
        shape, mean = params["shape"], self.mean(params, location)
        normalizer = gammaln(shape) - shape * anp.log(shape / mean)
        return (-shape / mean, shape - 1), normalizer
