"""Generalised normal latents in two pieces: peaked or flat, and skewed, as learnt."""

import autograd.numpy as anp
import numpy as np
from autograd.scipy.special import gammaln
from autograd.tracer import getval

from ..supports import Interval
from .base import Prior

__all__ = ["SkewGeneralizedNormal"]

TINY = 1e-9  # keeps the logarithm of |z| finite
STEPS = {"shape": 2.5, "skew": 1.5}  # have an information of about one, at shapes 0.8 to 5


class SkewGeneralizedNormal(Prior):
    """Independent latents of mean 0 and variance 1, ``p(z) ~ exp(-|(z - m) / w|^shape)``.

    The width w is ``a (1 + skew)`` above the mode m and ``a (1 - skew)`` below it: the
    asymmetric exponential power distribution of one shape (Fernandez & Steel, 1998;
    Zhu & Zinde-Walsh, 2009).  At skew 0 it is the generalised normal, towards 1 at shape 1
    the exponential.  Mode and scale a follow from shape and skew.

    Above shape 2 only ``(2 / shape)^2`` of the skew counts: two flat pieces, however wide
    each, are the same uniform distribution, and rows do not tell where these meet.

    Parameters
    ----------
    n_latents : int
        Number of latents, each with a shape and a skew of its own.
    shape : float, default=1.0
        Shape to start from, strictly between 0.5 and 10.
    skew : float, default=0.0
        Skew to start from, strictly between -0.95 and 0.95.

    See Also
    --------
    GeneralizedNormal : Symmetric.

    Examples
    --------
    >>> prior = SkewGeneralizedNormal(n_latents=1, skew=0.9)
    >>> z = prior.sample(prior.init_params(None, None), 10_000, np.random.default_rng(0))
    >>> bool(abs(z.mean()) < 0.05 and abs(z.std() - 1) < 0.05 and np.mean(z**3) > 1)
    True
    """

    def __init__(self, n_latents, shape=1.0, skew=0.0):
        self.n_latents = n_latents
        self.shape = shape
        self.skew = skew

    @property
    def constraints(self):
        return {"shape": Interval(0.5, 10.0, log=True), "skew": Interval(-0.95, 0.95)}

    def init_params(self, X, rng):
        start = {"shape": self.shape, "skew": self.skew}
        return {name: np.full(self.n_latents, float(one)) for name, one in start.items()}

    def sample(self, params, n_samples, rng):
        shape, size = params["shape"], (n_samples, self.n_latents)
        skew = skew_that_counts(params)
        scale, mode = scale_and_mode(shape, skew)
        sides = np.where(rng.random(size) < 0.5 * (1 + skew), 1 + skew, skew - 1)
        return mode + scale * sides * rng.gamma(1 / shape, size=size) ** (1 / shape)

    def log_density(self, params, latents):
        return anp.sum(self.log_densities(params, latents), axis=1)

    def log_densities(self, params, latents):
        shape, skew = params["shape"], skew_that_counts(params)
        scale, mode = scale_and_mode(shape, skew)
        away = latents - mode
        width = scale * (1 + skew * np.where(getval(away) > 0, 1.0, -1.0))
        power = anp.exp(shape * anp.log(anp.abs(away) / width + TINY))
        return anp.log(shape / 2) - anp.log(scale) - gammaln(1 / shape) - power

    def moments(self, params):
        return np.zeros(self.n_latents), np.eye(self.n_latents)

    def information(self, params):
        shape, skew = params["shape"], skew_that_counts(params)
        scale, mode = scale_and_mode(shape, skew)
        # Without a part of the cusp below shape 1, as that of GeneralizedNormal.
        moment = np.exp(gammaln(np.maximum(2 - 1 / shape, 1.0)) - gammaln(1 / shape))
        shift = shape**2 * moment / (scale**2 * (1 - skew**2))
        return shift, shape + mode**2 * shift

    def in_units(self, step, params):
        return {name: STEPS[name] * one for name, one in step.items()}

    def mirrored(self, params, signs):
        """Params of the latents times `signs`, one for each, 1 or -1."""
        return {**params, "skew": params["skew"] * signs}


def skew_that_counts(params):
    """The skew, or the part of it that flat latents have."""
    return params["skew"] * anp.minimum(1.0, (2.0 / params["shape"]) ** 2)


def scale_and_mode(shape, skew):
    """Scale a and mode at which the mean is zero and the variance one."""
    first = anp.exp(gammaln(2 / shape) - gammaln(1 / shape))
    second = anp.exp(gammaln(3 / shape) - gammaln(1 / shape))
    scale = ((1 + 3 * skew**2) * second - 4 * skew**2 * first**2) ** -0.5
    return scale, -2 * scale * skew * first
