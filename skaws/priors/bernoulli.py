"""Binary latents."""

import autograd.numpy as anp
import numpy as np

from ..supports import Binary, Interval
from .base import Prior

__all__ = ["Bernoulli"]


class Bernoulli(Prior):
    """Independent latents, 0 or 1: ``p(z) = probability^z (1 - probability)^(1 - z)``.

    Causes that are there or not.

    Parameters
    ----------
    n_latents : int
        Number of latents, each with a probability of its own.
    probability : float, default=0.5
        Probability of a one to start from, strictly between 0 and 1.

    Notes
    -----
    Between 0 and 1 the log density is interpolated linearly: at a mean of latents it is the
    mean of their log densities.

    Examples
    --------
    >>> prior = Bernoulli(n_latents=1)
    >>> z = np.array([[0.0], [1.0]])
    >>> prior.log_density({"probability": np.array([0.2])}, z).round(4).tolist()
    [-0.2231, -1.6094]
    """

    support = Binary()

    def __init__(self, n_latents, probability=0.5):
        self.n_latents = n_latents
        self.probability = probability

    @property
    def constraints(self):
        return {"probability": Interval(0.0, 1.0)}

    def init_params(self, X, rng):
        return {"probability": np.full(self.n_latents, float(self.probability))}

    def sample(self, params, n_samples, rng):
        uniform = rng.random((n_samples, self.n_latents))
        return (uniform < params["probability"]).astype(float)

    def log_density(self, params, latents):
        log_one = anp.log(params["probability"])
        log_zero = anp.log1p(-params["probability"])
        return anp.dot(latents, log_one - log_zero) + anp.sum(log_zero)

    def moments(self, params):
        mean = params["probability"]
        return mean, np.diag(np.sqrt(mean * (1 - mean)))
