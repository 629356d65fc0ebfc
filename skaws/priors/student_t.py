"""Student's t latents: heavy tails, learned."""

import autograd.numpy as anp
import numpy as np
from autograd.scipy.special import betaln

from ..supports import Positive
from .base import Prior

__all__ = ["StudentT"]


class StudentT(Prior):
    """Independent latents of unit variance, ``p(z) ~ (1 + z^2 / (dof - 2))^-(dof + 1)/2``.

    Super-Gaussian sources with power-law tails, round at zero; nearly normal for many
    degrees of freedom.  Not for sub-Gaussian sources: see :class:`GeneralizedNormal`.

    Parameters
    ----------
    n_latents : int
        Number of latents, each with degrees of freedom of its own.
    dof : float, default=4.0
        Degrees of freedom to start from, above 2: the variance exists.

    Examples
    --------
    >>> prior = StudentT(n_latents=2)
    >>> params = prior.init_params(None, None)
    >>> params["dof"].tolist()
    [4.0, 4.0]
    >>> prior.sample(params, 5, np.random.default_rng(0)).shape
    (5, 2)
    """

    def __init__(self, n_latents, dof=4.0):
        self.n_latents = n_latents
        self.dof = dof

    @property
    def constraints(self):
        return {"dof": Positive(lower=2.0)}

    def init_params(self, X, rng):
        return {"dof": np.full(self.n_latents, float(self.dof))}

    def sample(self, params, n_samples, rng):
        dof = params["dof"]
        draws = rng.standard_t(dof, size=(n_samples, self.n_latents))
        return np.sqrt((dof - 2) / dof) * draws

    def log_density(self, params, latents):
        return anp.sum(self.log_densities(params, latents), axis=1)

    def log_densities(self, params, latents):
        dof = params["dof"]
        # The beta function keeps its digits where a difference of gammaln loses them.
        constant = -betaln(0.5 * dof, 0.5) - 0.5 * anp.log(dof - 2)
        power = 0.5 * (dof + 1) * anp.log1p(latents**2 / (dof - 2))
        return constant - power

    def information(self, params):
        dof = params["dof"]
        return (dof + 1) * dof / ((dof + 3) * (dof - 2)), 2 * dof / (dof + 3)

    def moments(self, params):
        return np.zeros(self.n_latents), np.eye(self.n_latents)
