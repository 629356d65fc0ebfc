"""Latents in clusters."""

import autograd.numpy as anp
import numpy as np
from autograd.scipy.special import logsumexp

from ..supports import Positive, Simplex
from .base import Prior

__all__ = ["GaussianMixture"]

LOG_2PI = np.log(2 * np.pi)


class GaussianMixture(Prior):
    """Mixture of Gaussians, ``p(z) = sum_c weight_c N(z; mean_c, diag(sd_c^2))``.

    The label c is summed out: latents are the points alone.  A decoder that can shift
    or scale the latents leaves their origin and scale open; it is their clusters that are
    learnt. Params: ``weight``, (n_clusters,); ``mean`` and ``sd``, the standard deviation,
    (n_clusters, n_latents).

    Parameters
    ----------
    n_latents : int
        Dimension of the latents.
    n_clusters : int
        Number of Gaussians.

    Examples
    --------
    >>> prior = GaussianMixture(n_latents=2, n_clusters=3)
    >>> params = prior.init_params(None, np.random.default_rng(0))
    >>> {name: value.shape for name, value in params.items()}
    {'weight': (3,), 'mean': (3, 2), 'sd': (3, 2)}
    """

    def __init__(self, n_latents, n_clusters):
        self.n_latents = n_latents
        self.n_clusters = n_clusters

    @property
    def constraints(self):
        return {"weight": Simplex(), "sd": Positive()}

    def init_params(self, X, rng):
        # Draws of a mixture that starts so have a variance of about one.
        shape = (self.n_clusters, self.n_latents)
        return {
            "weight": np.full(self.n_clusters, 1.0 / self.n_clusters),
            "mean": np.sqrt(0.75) * rng.standard_normal(shape),
            "sd": np.full(shape, 0.5),
        }

    def sample(self, params, n_samples, rng):
        label = rng.choice(self.n_clusters, n_samples, p=params["weight"])
        normal = rng.standard_normal((n_samples, self.n_latents))
        return params["mean"][label] + params["sd"][label] * normal

    def log_density(self, params, latents):
        sd = params["sd"]
        distance = (latents[:, None, :] - params["mean"]) / sd
        log_volume = anp.sum(anp.log(sd), axis=1) + 0.5 * self.n_latents * LOG_2PI
        by_cluster = -0.5 * anp.sum(distance**2, axis=2) - log_volume
        return logsumexp(by_cluster + anp.log(params["weight"]), axis=1)

    def moments(self, params):
        weight, mean = params["weight"], params["mean"]
        centre = weight @ mean
        between = np.sqrt(weight)[:, None] * (mean - centre)
        within = np.diag(weight @ params["sd"] ** 2)
        return centre, np.linalg.cholesky(within + between.T @ between).T

    def in_units(self, step, params):
        return {**step, "mean": step["mean"] * params["sd"]}
