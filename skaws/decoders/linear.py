"""A linear map with an offset."""

import autograd.numpy as anp
import numpy as np

from ..moments import column_moments
from .base import Decoder

__all__ = ["Linear"]


class Linear(Decoder):
    """Location ``mean + z @ components``.

    Starts at the probabilistic principal components of the standardised columns.

    Examples
    --------
    >>> params = {"components": np.ones((1, 3)), "mean": np.zeros(3)}
    >>> Linear().location(params, np.array([[2.0]])).tolist()
    [[2.0, 2.0, 2.0]]
    """

    def init_params(self, X, n_latents, rng):
        mean, sd = column_moments(X)
        unit = np.where(sd > 0, sd, 1.0)
        Z = np.where(np.isnan(X), 0.0, (X - mean) / unit)
        n_features = X.shape[1]
        variances, directions = np.linalg.eigh(Z.T @ Z / len(Z))
        variances, directions = variances[::-1], directions[:, ::-1]
        n_kept = min(n_latents, n_features)
        rest = variances[n_kept:].mean() if n_kept < n_features else 0.0
        loadings = np.sqrt(np.maximum(variances[:n_kept] - rest, 0.0))
        # A latent without a direction of its own would sit on a saddle at zero.
        components = 0.01 * rng.standard_normal((n_latents, n_features))
        components[:n_kept] += loadings[:, None] * directions[:, :n_kept].T
        return {"components": components * sd, "mean": mean}

    def location(self, params, latents):
        return anp.dot(latents, params["components"]) + params["mean"]

    def linear_map(self, params):
        return params["mean"], params["components"]

    def in_units(self, step, scale):
        return {name: value * scale for name, value in step.items()}
