"""Laplace latents: peaked, with exponential tails."""

import autograd.numpy as anp
import numpy as np

from .base import Prior

__all__ = ["Laplace"]

SCALE = np.sqrt(0.5)  # of unit variance


class Laplace(Prior):
    """Independent Laplace latents of unit variance, ``p(z) ~ exp(-sqrt(2) |z|)``.

    Super-Gaussian sources, nothing to learn: sparse codes, speech.  Where the kind of
    the sources is unknown, :class:`GeneralizedNormal` learns it.

    Parameters
    ----------
    n_latents : int
        Number of latents.

    Examples
    --------
    >>> prior = Laplace(n_latents=2)
    >>> prior.log_density({}, np.zeros((1, 2))).round(4).tolist()  # -log(2)
    [-0.6931]
    """

    def __init__(self, n_latents):
        self.n_latents = n_latents

    def sample(self, params, n_samples, rng):
        return rng.laplace(scale=SCALE, size=(n_samples, self.n_latents))

    def log_density(self, params, latents):
        return anp.sum(self.log_densities(params, latents), axis=1)

    def log_densities(self, params, latents):
        return -anp.abs(latents) / SCALE - np.log(2 * SCALE)

    def information(self, params):
        return np.full(self.n_latents, 2.0), np.ones(self.n_latents)

    def moments(self, params):
        return np.zeros(self.n_latents), np.eye(self.n_latents)
