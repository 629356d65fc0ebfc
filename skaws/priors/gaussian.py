"""Standard normal latents."""

import autograd.numpy as anp
import numpy as np

from .base import Prior

__all__ = ["Gaussian"]


class Gaussian(Prior):
    """Standard normal latents, ``z ~ N(0, I)``, or correlated ones.

    Mean and covariance are fixed: a linear decoder absorbs them.

    Parameters
    ----------
    n_latents : int
        Number of latents.
    correlation : array of shape (n_latents, n_latents), default=None
        Of the latents, positive definite, not learnt: such as that of oblique factors.
        None stands for independent ones.

    Examples
    --------
    >>> prior = Gaussian(n_latents=2)
    >>> prior.sample({}, 5, np.random.default_rng(0)).shape
    (5, 2)
    >>> oblique = Gaussian(2, correlation=np.array([[1.0, 0.6], [0.6, 1.0]]))
    >>> draws = oblique.sample({}, 10_000, np.random.default_rng(0))
    >>> np.corrcoef(draws.T)[0, 1].round(1).tolist()
    0.6
    """

    gaussian = True

    def __init__(self, n_latents, correlation=None):
        self.n_latents = n_latents
        self.correlation = correlation

    def sample(self, params, n_samples, rng):
        white = rng.standard_normal((n_samples, self.n_latents))
        return white if self.correlation is None else white @ self._root

    def log_density(self, params, latents):
        constant = 0.5 * self.n_latents * np.log(2 * np.pi)
        if self.correlation is not None:
            constant = constant + np.sum(np.log(np.diag(self._root)))
            latents = anp.dot(latents, np.linalg.inv(self._root))
        return -0.5 * anp.sum(latents**2, axis=1) - constant

    def information(self, params):
        return np.ones(self.n_latents), np.full(self.n_latents, 2.0)

    def moments(self, params):
        return np.zeros(self.n_latents), self._root

    @property
    def _root(self):
        """Root R of the covariance ``R.T @ R``."""
        if self.correlation is None:
            return np.eye(self.n_latents)
        return np.linalg.cholesky(self.correlation).T
