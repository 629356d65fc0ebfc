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

    Raises
    ------
    ValueError
        If `correlation` is not symmetric and positive definite, or of another shape.

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
        if correlation is not None:
            check_correlation(correlation, n_latents)

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
        inverse = np.linalg.inv(self._root)
        shifts = np.sum(inverse**2, axis=1)  # the diagonal of the precision
        return shifts, 1 + shifts

    def moments(self, params):
        return np.zeros(self.n_latents), self._root

    @property
    def _root(self):
        """Root R of the covariance ``R.T @ R``."""
        if self.correlation is None:
            return np.eye(self.n_latents)
        return np.linalg.cholesky(self.correlation).T


def check_correlation(correlation, n_latents):
    """Raise ValueError unless latents can have this correlation."""
    found = np.asarray(correlation, dtype=float)
    sound = found.shape == (n_latents, n_latents) and np.allclose(found, found.T)
    if not sound or np.min(np.linalg.eigvalsh(found), initial=1.0) <= 0:
        raise ValueError(
            f"correlation must be symmetric and positive definite, of shape ({n_latents}, "
            f"{n_latents}); got {found.tolist()}. Give the correlation of the latents, or "
            "None for independent ones."
        )
