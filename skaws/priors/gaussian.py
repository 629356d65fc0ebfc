"""Independent standard normal latents."""

import autograd.numpy as anp
import numpy as np

from .base import Prior

__all__ = ["Gaussian"]


class Gaussian(Prior):
    """Standard normal latents, ``z ~ N(0, I)``.

    Mean and covariance are fixed: a linear decoder absorbs them.

    Parameters
    ----------
    n_latents : int
        Number of latents.

    Examples
    --------
    >>> prior = Gaussian(n_latents=2)
    >>> prior.sample({}, 5, np.random.default_rng(0)).shape
    (5, 2)
    """

    gaussian = True

    def __init__(self, n_latents):
        self.n_latents = n_latents

    def sample(self, params, n_samples, rng):
        return rng.standard_normal((n_samples, self.n_latents))

    def log_density(self, params, latents):
        constant = 0.5 * self.n_latents * np.log(2 * np.pi)
        return -0.5 * anp.sum(latents**2, axis=1) - constant

    def information(self, params):
        return np.ones(self.n_latents), np.full(self.n_latents, 2.0)

    def moments(self, params):
        return np.zeros(self.n_latents), np.eye(self.n_latents)
