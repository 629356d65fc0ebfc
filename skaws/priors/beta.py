"""Latents between zero and one."""

import autograd.numpy as anp
import numpy as np
from autograd.scipy.special import betaln

from ..supports import Fixed, Interval, Positive
from .base import Prior

__all__ = ["Beta"]

# The nearest that floating-point numbers come to zero and to one.
LOWEST, HIGHEST = np.finfo(float).tiny, 1.0 - np.finfo(float).epsneg


class Beta(Prior):
    """Independent latents in (0, 1), ``p(z) = z^(a - 1) (1 - z)^(b - 1) / B(a, b)``.

    Shares, probabilities, degrees of membership.  ``a = b = 1`` is the uniform
    distribution; values below one pile latents up at the ends.

    Parameters
    ----------
    n_latents : int
        Number of latents, each with shapes of its own.
    a, b : float, default=1.0
        Shapes to start from, above 0.2: below, a share of the latents would lie within
        rounding of one.
    learned : bool, default=True
        Whether shapes are learnt, or stay where they start.

    Notes
    -----
    Draws that round to zero or one are the nearest numbers inside. Outside (0, 1) the log
    density is that of the nearest latent inside.

    Examples
    --------
    >>> prior = Beta(n_latents=2)
    >>> params = prior.init_params(None, None)
    >>> prior.log_density(params, np.array([[0.2, 0.9]])).tolist()
    [0.0]
    """

    support = Interval(0.0, 1.0)

    def __init__(self, n_latents, a=1.0, b=1.0, learned=True):
        self.n_latents = n_latents
        self.a = a
        self.b = b
        self.learned = learned

    @property
    def constraints(self):
        shape = Positive(lower=0.2) if self.learned else Fixed()
        return {"a": shape, "b": shape}

    def init_params(self, X, rng):
        one = np.ones(self.n_latents)
        return {"a": self.a * one, "b": self.b * one}

    def sample(self, params, n_samples, rng):
        size = (n_samples, self.n_latents)
        return np.clip(rng.beta(params["a"], params["b"], size), LOWEST, HIGHEST)

    def log_density(self, params, latents):
        a, b = params["a"], params["b"]
        inside = anp.clip(latents, LOWEST, HIGHEST)
        powers = (a - 1) * anp.log(inside) + (b - 1) * anp.log1p(-inside)
        return anp.sum(powers - betaln(a, b), axis=1)

    def moments(self, params):
        a, total = params["a"], params["a"] + params["b"]
        mean = a / total
        return mean, np.diag(np.sqrt(mean * (1 - mean) / (total + 1)))
