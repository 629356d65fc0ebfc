"""Poisson counts."""

import autograd.numpy as anp
import numpy as np
from autograd.extend import defvjp, primitive
from scipy.special import gammaln
from sklearn.utils.metaestimators import available_if

from ..supports import Positive, Real
from .base import Likelihood, refuse

__all__ = ["Poisson"]

TINY = 1e-10  # keeps the logarithm of a rate finite
TOO_LARGE = 1e15  # counts beyond are no whole numbers in double precision
LOG_FACTORIALS = gammaln(np.arange(1024) + 1.0)


class Poisson(Likelihood):
    """Counts, ``x ~ Poisson(rate)``.

    Parameters
    ----------
    link : {"identity", "log"}, default="identity"
        What the location is: the rate, which must be positive, or its logarithm.

    Raises
    ------
    ValueError
        If "link must be 'identity' or 'log'".
    FloatingPointError
        In ``sample``, if "params have run away": counts beyond 1e15.

    See Also
    --------
    NegativeBinomial : For counts that scatter more than ``variance = mean``.

    Examples
    --------
    >>> x = Poisson().log_density({}, np.array([2.0]), np.array([0.0]))
    >>> x.tolist()
    [-2.0]
    """

    counts = True

    def __init__(self, link="identity"):
        if link not in ("identity", "log"):
            raise ValueError(f"link must be 'identity' or 'log'; got {link!r}.")
        self.link = link

    @property
    def location_support(self):
        return Positive() if self.link == "identity" else Real()

    @property
    def advice(self):
        return (
            "Use Linear(nonnegative=True) with a non-negative prior, or Poisson(link='log')"
        )

    def check_entries(self, X):
        refuse(self, X, (X < 0) | np.isinf(X), "non-negative entries")

    def mean(self, params, location):
        return location if self.link == "identity" else np.exp(location)

    def location_of(self, X):
        # Half a count more, so that none has a logarithm, too.
        return X if self.link == "identity" else np.log(X + 0.5)

    def sample(self, params, location, rng):
        return sparse_poisson(self.mean(params, location), rng)

    def log_density(self, params, location, X):
        if self.link == "identity":
            return poisson_log_density(location, X)
        return X * location - anp.exp(location) - log_factorial(X)

    @available_if(lambda self: self.link == "identity")
    def noise_variance(self, params, location):
        """Variance around the rate; the location of a log link is none."""
        return np.maximum(location, TINY)

    def slopes(self, params, location, X):
        if self.link == "log":
            return X, np.exp(location)
        return X / np.maximum(location, TINY), np.ones((1, location.shape[1]))

    def information(self, params, location, X):
        if self.link == "log":
            return np.exp(location)
        return X / np.maximum(location, TINY) ** 2

    def natural_parameters(self, params, location):
        if self.link == "log":
            return (location,)
        return (anp.log(anp.maximum(location, TINY)),)

    def log_normalizer(self, params, location):
        return location if self.link == "identity" else anp.exp(location)

    def sufficient_statistics(self, X):
        return (X,)

    def log_base_measure(self, X):
        return -log_factorial(X)


def sparse_poisson(rate, rng):
    """Poisson counts, fast where most are zero.

    All entries together are one Poisson process on a line: its points fall on the entries
    in proportion to their rates.
    """
    if not np.max(rate, initial=0.0) < TOO_LARGE:
        raise FloatingPointError(
            f"Counts were to be drawn at rates up to {np.max(rate):.3g}: params have run "
            "away. Lower learning_rate, or, if it was so from the start, give columns of "
            "large counts an identity link, or Gaussian noise after a logarithm."
        )
    if rate.mean() > 0.5:
        return rng.poisson(rate).astype(float)
    edges = np.cumsum(rate)
    points = np.sort(rng.random(rng.poisson(edges[-1]))) * edges[-1]
    entries = np.searchsorted(edges, points, side="right")
    counts = np.bincount(np.minimum(entries, rate.size - 1), minlength=rate.size)
    return counts.reshape(rate.shape).astype(float)


def log_factorial(X):
    """log x!, or of the gamma function in its place, from a table for small counts."""
    whole = X.astype(int)
    if X.size and whole.min() >= 0 and whole.max() < 1024 and np.array_equal(whole, X):
        return LOG_FACTORIALS[whole]
    return gammaln(X + 1.0)


@primitive
def poisson_log_density(rate, X):
    """log Poisson(x; rate), entry by entry: one node on the tape."""
    log_density = np.log(np.maximum(rate, TINY))
    log_density *= X
    log_density -= rate
    log_density -= log_factorial(X)
    return log_density


def rate_vjp(answer, rate, X):
    return lambda g: g * (X / anp.maximum(rate, TINY) - 1.0)


defvjp(poisson_log_density, rate_vjp, argnums=(0,))
