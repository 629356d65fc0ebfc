"""Uniform latents, with soft edges."""

import numpy as np

from .base import Prior
from .generalized_normal import GeneralizedNormal

__all__ = ["Uniform"]

SHAPE = 20.0  # of the generalised normal: nine tenths of its height up to 1.58


class Uniform(Prior):
    """Independent latents nearly uniform on ``[-sqrt(3), sqrt(3)]``, of unit variance.

    Sub-Gaussian sources, nothing to learn.  A log density that falls off a cliff has no
    derivative to learn from, so the edges are soft: this is the generalised normal
    of fixed shape 20, finite and differentiable everywhere, for samples too.

    Parameters
    ----------
    n_latents : int
        Number of latents.

    See Also
    --------
    GeneralizedNormal : Learns the shape.

    Examples
    --------
    >>> z = Uniform(n_latents=1).sample({}, 10_000, np.random.default_rng(0))
    >>> bool(np.mean(np.abs(z) < np.sqrt(3)) > 0.95)
    True
    """

    def __init__(self, n_latents):
        self.n_latents = n_latents

    def sample(self, params, n_samples, rng):
        return self._soft.sample(self._shape, n_samples, rng)

    def log_density(self, params, latents):
        return self._soft.log_density(self._shape, latents)

    def log_densities(self, params, latents):
        return self._soft.log_densities(self._shape, latents)

    def information(self, params):
        return self._soft.information(self._shape)

    def moments(self, params):
        return np.zeros(self.n_latents), np.eye(self.n_latents)

    @property
    def _soft(self):
        return GeneralizedNormal(self.n_latents)

    @property
    def _shape(self):
        return {"shape": np.full(self.n_latents, SHAPE)}
