"""Priors that say only what they must, with the rest measured on draws."""

import numpy as np
from autograd import elementwise_grad
from sklearn.utils.metaestimators import available_if

from .base import Prior

__all__ = ["Measured"]

N_MEASURED = 2000  # draws


class Measured(Prior):
    """A prior whose moments and Fisher information are measured on its own draws.

    It lets :class:`skaws.AmortisedICA` take sources that say only what a prior must.

    Parameters
    ----------
    sources : Prior
        Independent latents, with a log density that autograd can differentiate in them.

    Examples
    --------
    >>> from skaws.priors import Laplace
    >>> shift, stretch = Measured(Laplace(1)).information({})
    >>> bool(abs(shift[0] - 2) < 0.2 and abs(stretch[0] - 1) < 0.2)  # as Laplace says
    True
    """

    def __init__(self, sources):
        self.sources = sources

    @property
    def n_latents(self):
        return self.sources.n_latents

    @property
    def support(self):
        return self.sources.support

    @property
    def constraints(self):
        return self.sources.constraints

    def init_params(self, X, rng):
        return self.sources.init_params(X, rng)

    def sample(self, params, n_samples, rng):
        return self.sources.sample(params, n_samples, rng)

    def log_density(self, params, latents):
        return self.sources.log_density(params, latents)

    @available_if(lambda self: hasattr(self.sources, "log_densities"))
    def log_densities(self, params, latents):
        """Those of the sources, if they know theirs."""
        return self.sources.log_densities(params, latents)

    def in_units(self, step, params):
        return self.sources.in_units(step, params)

    def moments(self, params):
        """Mean, and a factor of the covariance."""
        draws = self._draws(params)
        covariance = np.atleast_2d(np.cov(draws, rowvar=False))
        return draws.mean(axis=0), np.linalg.cholesky(covariance).T

    def information(self, params):
        """Of a shift and of a stretch of each source."""
        draws = self._draws(params)
        slopes = elementwise_grad(lambda z: self.log_density(params, z))(draws)
        stretches = np.mean((1 + draws * slopes) ** 2, axis=0)
        return np.mean(slopes**2, axis=0), stretches

    def _draws(self, params):
        return self.sample(params, N_MEASURED, np.random.default_rng(0))
