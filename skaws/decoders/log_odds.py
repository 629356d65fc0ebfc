"""A linear map of the log odds of latents between zero and one."""

import autograd.numpy as anp
import numpy as np

from ..supports import Interval, Positive, Real
from .base import Decoder

__all__ = ["LogOdds"]


class LogOdds(Decoder):
    """Location ``intercept + logit(z) @ components`` with positive components.

    Latents of one half change nothing; the location is real: log odds of a
    :class:`skaws.likelihoods.Bernoulli`.

    Raises
    ------
    ValueError
        When a model is composed, if latents do not lie between 0 and 1.

    Examples
    --------
    >>> params = {"components": np.ones((1, 2)), "intercept": np.array([0.0, 3.0])}
    >>> LogOdds().location(params, np.array([[0.5]])).tolist()
    [[0.0, 3.0]]
    """

    @property
    def constraints(self):
        return {"components": Positive()}

    def location_support(self, latent_support):
        takes_bounds = latent_support.alphabets(1) is not None
        if takes_bounds or not latent_support.is_within(Interval(0.0, 1.0)):
            raise ValueError(
                "LogOdds() needs latents between 0 and 1; it is given latents that are "
                f"{latent_support.description}. Choose a prior such as Beta or "
                "UnitUniform, or a Linear() decoder."
            )
        return Real()

    def init_params(self, X, n_latents, rng):
        n_ones, n_seen = np.nansum(X, axis=0), np.sum(~np.isnan(X), axis=0)
        share = (np.clip(n_ones, 0, n_seen) + 0.5) / (n_seen + 1.0)
        components = 0.1 * rng.exponential(size=(n_latents, X.shape[1]))
        return {
            "components": np.maximum(components, 1e-4),
            "intercept": np.log(share) - np.log1p(-share),
        }

    def location(self, params, latents):
        log_odds = anp.log(latents) - anp.log1p(-latents)
        return anp.dot(log_odds, params["components"]) + params["intercept"]
