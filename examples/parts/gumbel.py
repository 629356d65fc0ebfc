"""A prior: skewed latents, of Gumbel's distribution."""

import autograd.numpy as anp
import numpy as np

from skaws.priors import Prior

__all__ = ["Gumbel"]

SD = np.pi / np.sqrt(6)  # of the standard Gumbel distribution
MEAN = np.euler_gamma


class Gumbel(Prior):
    """Independent skewed latents of mean zero and variance one, such as yearly maxima.

    ``g = MEAN + SD * z`` has the density ``exp(-g - exp(-g))``: the upper tail is the
    long one, and a linear decoder mirrors it where rows ask for that.  Nothing is
    learnt.  Not for symmetric latents.

    Parameters
    ----------
    n_latents : int
        Number of latents, at least 1.

    Examples
    --------
    >>> prior = Gumbel(n_latents=2)
    >>> prior.log_density({}, np.zeros((1, 2))).round(4).tolist()
    [-1.7796]
    """

    def __init__(self, n_latents):
        self.n_latents = n_latents

    # Must.

    def sample(self, params, n_samples, rng):
        return (rng.gumbel(size=(n_samples, self.n_latents)) - MEAN) / SD

    def log_density(self, params, latents):
        g = SD * latents + MEAN
        return anp.sum(np.log(SD) - g - anp.exp(-g), axis=1)

    # May: linear models then have a posterior in closed form.

    def moments(self, params):
        return np.zeros(self.n_latents), np.eye(self.n_latents)

    # For speed: AmortisedICA takes natural-gradient steps with it.

    def information(self, params):
        return np.full(self.n_latents, SD**2), np.full(self.n_latents, 1.0 + SD**2)
