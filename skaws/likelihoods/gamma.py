"""Gamma noise: positive observations."""

import autograd.numpy as anp
import numpy as np
from autograd.scipy.special import gammaln
from sklearn.utils.metaestimators import available_if

from ..moments import column_moments
from ..supports import Interval, Positive, Real
from .base import Likelihood, refuse

__all__ = ["Gamma"]

TINY = 1e-300  # keeps logarithms finite
MOST_SHAPE = 1e6

# Name of the link: from the location to the mean, and back.
LINKS = {
    "identity": (lambda location: location, lambda mean: mean),
    "log": (anp.exp, np.log),
}


class Gamma(Likelihood):
    """Positive entries around their mean, with a standard deviation in proportion to it.

    ``p(x) = (shape / mean)^shape x^(shape - 1) exp(-shape x / mean) / Gamma(shape)``, of
    variance ``mean^2 / shape``: durations, powers, concentrations.  Shape 1 is the
    exponential distribution.  Not for entries that can be zero.

    Parameters
    ----------
    per_feature : bool, default=False
        Whether each feature has a shape of its own, or all share one.
    link : {"identity", "log"}, default="identity"
        What the location is: the mean, which must then be positive, or its logarithm.
    least_shape : float, default=0.0
        Shapes are learnt above it.  Where entries are latents themselves
        (:class:`~skaws.models.LayeredModel`), 0.2 keeps them from becoming spikes at zero
        that no posterior follows.

    Raises
    ------
    ValueError
        If the link is none of these, `least_shape` is below 0, or an entry of X is not
        positive.

    Examples
    --------
    >>> noise = Gamma(link="log")
    >>> noise.log_density({"shape": 1.0}, np.zeros(1), np.array([2.0])).tolist()
    [-2.0]
    """

    def __init__(self, per_feature=False, link="identity", least_shape=0.0):
        if least_shape < 0:
            raise ValueError(f"least_shape must be 0 or more; got {least_shape!r}.")
        if link not in LINKS:
            raise ValueError(f"link must be 'identity' or 'log'; got {link!r}.")
        self.per_feature = per_feature
        self.link = link
        self.least_shape = least_shape

    @property
    def location_support(self):
        return Real() if self.link == "log" else Positive()

    @property
    def constraints(self):
        if self.least_shape == 0:
            return {"shape": Positive()}
        return {"shape": Interval(self.least_shape, MOST_SHAPE, log=True)}

    def check_entries(self, X):
        refuse(self, X, (X <= 0) | np.isinf(X), "positive entries")

    def location_of(self, X):
        self.check_entries(X)
        return LINKS[self.link][1](X)

    def init_params(self, X, location, rng):
        mean, sd = column_moments(X)
        explained = np.var(self.mean(None, location), axis=0)
        unexplained = np.maximum(sd**2 - explained, 0.05 * sd**2)
        shape = mean**2 / np.maximum(unexplained, 1e-6 * mean**2)
        shape = shape if self.per_feature else 1 / np.mean(1 / shape)
        if self.least_shape == 0:
            return {"shape": shape}
        return {"shape": np.clip(shape, 1.5 * self.least_shape, 0.5 * MOST_SHAPE)}

    def mean(self, params, location):
        """E[x | location], shape of `location`."""
        return anp.maximum(LINKS[self.link][0](location), TINY)

    def sample(self, params, location, rng):
        shape, mean = params["shape"], self.mean(params, location)
        return np.maximum(rng.gamma(shape * np.ones(mean.shape), mean / shape), TINY)

    def log_density(self, params, location, X):
        (rate, power), normalizer = self._natural(params, location)
        return rate * X + power * anp.log(anp.maximum(X, TINY)) - normalizer

    @available_if(lambda self: self.link == "identity")
    def noise_variance(self, params, location):
        """Variance around the mean; the location of a log link is none."""
        return self.mean(params, location) ** 2 / params["shape"]

    def slopes(self, params, location, X):
        shape, mean = params["shape"], self.mean(params, location)
        rate = shape / mean if self.link == "identity" else shape * np.ones(mean.shape)
        return X / mean * rate, rate

    def information(self, params, location, X):
        shape, ratio = params["shape"], X / self.mean(params, location)
        if self.link == "log":
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
