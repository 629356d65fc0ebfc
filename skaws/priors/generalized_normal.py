"""Generalised normal latents: peaked or flat by a learned shape."""

import autograd.numpy as anp
import numpy as np
from autograd.extend import defvjp, primitive
from scipy.special import digamma, gammaln

from ..supports import Interval
from .base import Prior

__all__ = ["GeneralizedNormal"]

TINY = 1e-9  # keeps the logarithm of |z| finite
STEP = 2.5  # of a shape that has an information of about one, at shapes 0.8 to 5


class GeneralizedNormal(Prior):
    """Independent latents of unit variance, ``p(z) ~ exp(-|z / a|^shape)``.

    Shape 1 is Laplace's distribution, 2 the normal, large values nearly uniform: one
    family for super- and sub-Gaussian sources (Nadarajah, 2005).  The scale a follows
    from the shape.

    Parameters
    ----------
    n_latents : int
        Number of latents, each with a shape of its own.
    shape : float, default=1.0
        Shape to start from, strictly between 0.5 and 10.

    Examples
    --------
    >>> prior = GeneralizedNormal(n_latents=2)
    >>> params = prior.init_params(None, None)
    >>> z = prior.sample(params, 10_000, np.random.default_rng(0))
    >>> bool(abs(z.var() - 1) < 0.1)
    True
    """

    def __init__(self, n_latents, shape=1.0):
        self.n_latents = n_latents
        self.shape = shape

    @property
    def constraints(self):
        return {"shape": Interval(0.5, 10.0, log=True)}

    def init_params(self, X, rng):
        return {"shape": np.full(self.n_latents, float(self.shape))}

    def sample(self, params, n_samples, rng):
        shape, size = params["shape"], (n_samples, self.n_latents)
        signs = rng.choice((-1.0, 1.0), size)
        power = rng.gamma(1 / shape, size=size)
        return signs * np.exp(log_scale(shape)) * power ** (1 / shape)

    def log_density(self, params, latents):
        return anp.sum(self.log_densities(params, latents), axis=1)

    def log_densities(self, params, latents):
        return generalized_normal_log_density(latents, params["shape"])

    def moments(self, params):
        return np.zeros(self.n_latents), np.eye(self.n_latents)

    def information(self, params):
        shape = params["shape"]
        # A cusp below shape 1 tells much (all, at 0.5) where z is known exactly.  It never
        # is: the part of the cusp is left out.
        log_moment = gammaln(np.maximum(2 - 1 / shape, 1.0)) - gammaln(1 / shape)
        return shape**2 * np.exp(log_moment - 2 * log_scale(shape)), shape

    def in_units(self, step, params):
        return {"shape": STEP * step["shape"]}


def log_scale(shape):
    """Logarithm of the scale at which the variance is one."""
    return 0.5 * (gammaln(1 / shape) - gammaln(3 / shape))


def log_power(z, shape):
    """``log |z / a|`` and ``|z / a|^shape``."""
    log_ratio = np.log(np.abs(z) + TINY) - log_scale(shape)
    return log_ratio, np.exp(shape * log_ratio)


@primitive
def generalized_normal_log_density(z, shape):
    """Log density, entry by entry: one node on the tape, one logarithm, one power."""
    constant = np.log(shape / 2) - log_scale(shape) - gammaln(1 / shape)
    return constant - log_power(z, shape)[1]


def latents_vjp(answer, z, shape):
    def pull_back(g):
        power = log_power(z, shape)[1]
        return g * (-shape * power * np.sign(z) / (np.abs(z) + TINY))

    return pull_back


def shape_vjp(answer, z, shape):
    def pull_back(g):
        log_ratio, power = log_power(z, shape)
        slope = 0.5 * (3 * digamma(3 / shape) - digamma(1 / shape)) / shape**2
        constant = 1 / shape - slope + digamma(1 / shape) / shape**2
        return np.sum(g * (constant - power * (log_ratio - shape * slope)), axis=0)

    return pull_back


defvjp(generalized_normal_log_density, latents_vjp, shape_vjp, argnums=(0, 1))
