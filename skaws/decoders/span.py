"""A linear map that stays where it starts."""

import autograd.numpy as anp
import numpy as np

from .base import Decoder

__all__ = ["Span", "principal_variances"]


class Span(Decoder):
    """Location ``mean + z @ components`` with fixed components and a learned mean.

    The components start, and stay, as a random rotation of the principal components of
    the covariance, less the noise, so that white latents have the covariance of X.  They
    leave it to the prior to find the coordinates: see :class:`skaws.priors.Mixed`.

    Parameters
    ----------
    noise_variance : float, default=0.0
        What to take off the principal variances, in squared units of X.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((500, 3))
    >>> components = Span().init_params(X, 3, rng)["components"]
    >>> bool(np.allclose(components.T @ components, np.cov(X.T, bias=True)))
    True
    """

    def __init__(self, noise_variance=0.0):
        self.noise_variance = noise_variance

    def init_params(self, X, n_latents, rng):
        mean = np.nanmean(X, axis=0)
        variances, directions = principal_variances(X)
        kept = min(n_latents, X.shape[1])
        signal = np.maximum(variances[:kept] - self.noise_variance, 1e-6 * variances[0])
        factor = np.sqrt(signal)[:, None] * directions[:kept]
        rotation = np.linalg.qr(rng.standard_normal((n_latents, n_latents)))[0]
        return {"components": rotation[:, :kept] @ factor, "mean": mean}

    def location(self, params, latents):
        return anp.dot(latents, params["components"]) + params["mean"]

    def linear_map(self, params):
        return params["mean"], params["components"]

    def in_units(self, step, scale):
        return {"components": 0.0 * step["components"], "mean": step["mean"] * scale}


def principal_variances(X):
    """Variances along the principal directions of X, in decreasing order, and these.

    Missing entries (NaN) are left out of each pair of columns.
    """
    centred = np.nan_to_num(X - np.nanmean(X, axis=0), nan=0.0)
    observed = (~np.isnan(X)).astype(float)
    covariance = centred.T @ centred / np.maximum(observed.T @ observed, 1.0)
    variances, directions = np.linalg.eigh(covariance)
    return variances[::-1], directions[:, ::-1].T
