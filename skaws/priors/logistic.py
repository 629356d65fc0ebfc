"""Logistic latents: round at the top, with exponential tails."""

import autograd.numpy as anp
import numpy as np

from .base import Prior

__all__ = ["Logistic"]

SCALE = np.sqrt(3.0) / np.pi  # of unit variance


class Logistic(Prior):
    """Independent logistic latents of unit variance, ``p(z) ~ sech(z / 2s)^2``.

    Mildly super-Gaussian, smooth at zero, nothing to learn: the source density behind
    infomax with a logistic nonlinearity (Bell & Sejnowski, 1995).

    Parameters
    ----------
    n_latents : int
        Number of latents.

    Examples
    --------
    >>> prior = Logistic(n_latents=1)
    >>> prior.log_density({}, np.array([[0.0], [1e4]])).round(2).tolist()
    [-0.79, -18137.4]
    """

    def __init__(self, n_latents):
        self.n_latents = n_latents

    def sample(self, params, n_samples, rng):
        return rng.logistic(scale=SCALE, size=(n_samples, self.n_latents))

    def log_density(self, params, latents):
        return anp.sum(self.log_densities(params, latents), axis=1)

    def log_densities(self, params, latents):
        ratio = latents / SCALE
        # Logarithms of the logistic function at z / s and at -z / s: neither overflows.
        return -anp.logaddexp(0.0, ratio) - anp.logaddexp(0.0, -ratio) - np.log(SCALE)

    def information(self, params):
        shift, stretch = 1 / (3 * SCALE**2), (3 + np.pi**2) / 9
        return np.full(self.n_latents, shift), np.full(self.n_latents, stretch)

    def moments(self, params):
        return np.zeros(self.n_latents), np.eye(self.n_latents)
