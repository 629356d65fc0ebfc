"""Latents uniform between zero and one."""

import autograd.numpy as anp
import numpy as np

from ..supports import Interval
from .base import Prior

__all__ = ["UnitUniform"]

EDGE = 1e-15  # draws stay this far inside, so that their log odds are finite


class UnitUniform(Prior):
    """Independent latents, uniform on (0, 1), with nothing to learn.

    Parameters
    ----------
    n_latents : int
        Number of latents.

    Examples
    --------
    >>> prior = UnitUniform(n_latents=2)
    >>> prior.log_density({}, np.array([[0.2, 0.9]])).tolist()
    [0.0]
    """

    support = Interval(0.0, 1.0)

    def __init__(self, n_latents):
        self.n_latents = n_latents

    def sample(self, params, n_samples, rng):
        draws = rng.random((n_samples, self.n_latents))
        return np.clip(draws, EDGE, 1 - EDGE)

    def log_density(self, params, latents):
        inside = anp.all((latents > 0) & (latents < 1), axis=1)
        return anp.where(inside, 0.0, -np.inf)

    def moments(self, params):
        half = np.full(self.n_latents, 0.5)
        return half, np.eye(self.n_latents) / np.sqrt(12.0)
