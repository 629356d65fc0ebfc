"""A likelihood: noise with exponential tails, of Laplace's distribution."""

import autograd.numpy as anp

from skaws.likelihoods import Gaussian, Likelihood
from skaws.supports import Positive

__all__ = ["LaplaceNoise"]


class LaplaceNoise(Likelihood):
    """Laplace noise around the location, ``p(x) = exp(-|x - location| / scale) / 2 scale``.

    The location is mean and median.  Fits are less sensitive to outliers than with
    Gaussian noise, more than with :class:`skaws.likelihoods.StudentT`.

    Parameters
    ----------
    per_feature : bool, default=False
        Whether each feature has a scale of its own, or all share one.

    Examples
    --------
    >>> noise = LaplaceNoise()
    >>> noise.log_density({"scale": 1.0}, anp.zeros(1), anp.ones(1)).round(4).tolist()
    [-1.6931]
    >>> noise.noise_variance({"scale": 3.0}, anp.zeros(1)).tolist()  # 2 scale**2
    [18.0]
    """

    def __init__(self, per_feature=False):
        self.per_feature = per_feature

    # Must.

    def sample(self, params, location, rng):
        return rng.laplace(location, params["scale"] * anp.ones(location.shape))

    def log_density(self, params, location, X):
        scale = params["scale"] * anp.ones(location.shape)
        return -anp.abs(X - location) / scale - anp.log(2.0 * scale)

    # May: params, their support and their start.

    @property
    def constraints(self):
        return {"scale": Positive()}

    def init_params(self, X, location, rng):
        gaussian = Gaussian(self.per_feature).init_params(X, location, rng)
        return {"scale": anp.sqrt(0.5 * gaussian["noise_variance"])}

    # May: with it, the location is said to be the mean (``mean`` comes from the base).

    def noise_variance(self, params, location):
        return 2.0 * params["scale"] ** 2 * anp.ones(location.shape)

    # May: the decoder takes its steps in units of this.

    def scale(self, params):
        return params["scale"]
