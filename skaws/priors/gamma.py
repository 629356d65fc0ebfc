"""Gamma latents: positive, sparse where the shape is small."""

import autograd.numpy as anp
import numpy as np
from autograd.scipy.special import gammaln

from ..supports import Fixed, Interval, Positive
from .base import Prior

__all__ = ["Gamma"]

TINY = 1e-300  # draws of small shapes underflow, and logarithms must not


class Gamma(Prior):
    """Independent latents of mean one, ``z ~ Gamma(shape, rate=shape)``.

    The variance is 1 / shape: below one, most latents are near zero and a few are large.
    Shape 1 is the exponential distribution.  Not for latents whose scale matters:
    components of a linear decoder take it in.

    Parameters
    ----------
    n_latents : int
        Number of latents.
    shape : float, default=0.3
        Shape to start from, strictly between 0.02 and a million.
    shared : bool, default=False
        Whether all latents have one shape, or each its own.
    learned : bool, default=True
        Whether shapes are learnt, or stay where they start.

    Examples
    --------
    >>> prior = Gamma(n_latents=2, shape=0.5)
    >>> params = prior.init_params(None, None)
    >>> params["shape"].tolist()
    [0.5, 0.5]
    >>> z = prior.sample(params, 10_000, np.random.default_rng(0))
    >>> bool(np.all(np.abs(z.mean(axis=0) - 1) < 0.1))
    True
    """

    support = Positive()

    def __init__(self, n_latents, shape=0.3, shared=False, learned=True):
        self.n_latents = n_latents
        self.shape = shape
        self.shared = shared
        self.learned = learned

    @property
    def constraints(self):
        return {"shape": Interval(0.02, 1e6, log=True) if self.learned else Fixed()}

    def init_params(self, X, rng):
        return {"shape": np.full(1 if self.shared else self.n_latents, float(self.shape))}

    def shapes(self, params):
        """Shape of each latent, (n_latents,)."""
        return params["shape"] * np.ones(self.n_latents)

    def sample(self, params, n_samples, rng):
        shape = self.shapes(params)
        draws = rng.gamma(shape, 1 / shape, size=(n_samples, self.n_latents))
        return np.maximum(draws, TINY)

    def log_density(self, params, latents):
        shape = params["shape"] * anp.ones(self.n_latents)
        constant = anp.sum(shape * anp.log(shape) - gammaln(shape))
        return constant + anp.dot(anp.log(latents), shape - 1) - anp.dot(latents, shape)

    def moments(self, params):
        return np.ones(self.n_latents), np.diag(self.shapes(params) ** -0.5)
