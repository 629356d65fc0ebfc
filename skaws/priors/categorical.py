"""One label, coded as a row with a single one."""

import autograd.numpy as anp
import numpy as np

from ..supports import OneHot, Simplex
from .base import Prior

__all__ = ["Categorical"]


class Categorical(Prior):
    """One of `n_latents` classes, one-hot: ``p(z) = prod_k probability_k^z_k``.

    With a linear decoder each class has a location of its own: mixtures and latent
    classes.

    Parameters
    ----------
    n_latents : int
        Number of classes; a row of the latents is one at its class, zero elsewhere.

    Notes
    -----
    Between the classes the log density is interpolated linearly: at a mean of latents it is
    the mean of their log densities.

    Examples
    --------
    >>> prior = Categorical(n_latents=3)
    >>> params = prior.init_params(None, None)
    >>> prior.sample(params, 2, np.random.default_rng(0)).tolist()
    [[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]
    """

    support = OneHot()

    def __init__(self, n_latents):
        self.n_latents = n_latents

    @property
    def constraints(self):
        return {"probability": Simplex()}

    def init_params(self, X, rng):
        return {"probability": np.full(self.n_latents, 1.0 / self.n_latents)}

    def sample(self, params, n_samples, rng):
        return rng.multinomial(1, params["probability"], n_samples).astype(float)

    def log_density(self, params, latents):
        return anp.dot(latents, anp.log(params["probability"]))

    def moments(self, params):
        mean = params["probability"]
        root = np.sqrt(mean)
        # F' F = diag(p) - p p', as the roots are a vector of length one.
        return mean, np.diag(root) - np.outer(root, mean)
