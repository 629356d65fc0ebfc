"""Latents on the unit sphere."""

import autograd.numpy as anp
import numpy as np
from autograd.extend import defvjp, primitive
from scipy.special import gammaln, hyp0f1, ive
from scipy.stats import vonmises_fisher

from .. import supports
from .base import Prior

__all__ = ["Sphere"]


class Sphere(Prior):
    """Directions, von Mises-Fisher: ``p(z) ~ exp(concentration @ z)`` where ``|z| = 1``.

    The concentration is a vector: it points where latents are dense, and its length,
    the kappa of textbooks, says how dense.  Zero is the uniform distribution, where the
    prior starts.  A decoder that can rotate the sphere leaves the direction open.

    Parameters
    ----------
    n_latents : int
        Dimension of the space around the sphere, two or more: 2 is a circle, 3 the
        ordinary sphere.
    learned : bool, default=True
        Whether the concentration is learnt, or latents stay uniform.

    See Also
    --------
    UniformCircle : The circle without a preference, in the order (sin, cos).

    Notes
    -----
    The log density is in nats with respect to the sphere's area (arc length on a
    circle).  Samples are SciPy's :obj:`scipy.stats.vonmises_fisher`, exact by Wood's
    rejection (1994).  Off the sphere the log density is extended linearly.

    Examples
    --------
    >>> prior = Sphere(n_latents=3)
    >>> params = {"concentration": np.array([0.0, 0.0, 10.0])}
    >>> z = prior.sample(params, 1000, np.random.default_rng(0))
    >>> bool(0.88 < z[:, 2].mean() < 0.92)
    True
    """

    support = supports.Sphere()

    def __init__(self, n_latents, learned=True):
        self.n_latents = n_latents
        self.learned = learned

    @property
    def constraints(self):
        return {} if self.learned else {"concentration": supports.Fixed()}

    def init_params(self, X, rng):
        return {"concentration": np.zeros(self.n_latents)}

    def sample(self, params, n_samples, rng):
        direction, kappa = split(params["concentration"])
        if kappa == 0.0:  # not a von Mises-Fisher distribution in SciPy's sense
            z = rng.standard_normal((n_samples, self.n_latents))
            return z / np.linalg.norm(z, axis=1, keepdims=True)
        return vonmises_fisher(direction, kappa).rvs(n_samples, random_state=rng)

    def log_density(self, params, latents):
        concentration = params["concentration"]
        return anp.dot(latents, concentration) - log_normalizer(concentration)

    def moments(self, params):
        direction, kappa = split(params["concentration"])
        ratio = resultant_over_kappa(kappa, self.n_latents)
        length = kappa * ratio
        along = np.outer(direction, direction)
        variance_along = max(1 - (self.n_latents - 1) * ratio - length**2, 0.0)
        across = np.sqrt(ratio) * (np.eye(self.n_latents) - along)
        return length * direction, across + np.sqrt(variance_along) * along

    def in_units(self, step, params):
        # The direction is known to about 1 / sqrt(kappa): steps keep pace with that.
        kappa = np.linalg.norm(params["concentration"])
        return {"concentration": np.sqrt(1 + kappa) * step["concentration"]}


def split(concentration):
    """Direction, a unit vector, and length of a concentration."""
    kappa = np.linalg.norm(concentration)
    if kappa > 0:
        return concentration / kappa, kappa
    return np.eye(len(concentration))[0], 0.0


@primitive
def log_normalizer(concentration):
    """Logarithm of the integral of ``exp(concentration @ z)`` over the sphere."""
    n, kappa = len(concentration), np.linalg.norm(concentration)
    if kappa**2 < n:
        log_area = np.log(2) + 0.5 * n * np.log(np.pi) - gammaln(0.5 * n)
        return log_area + np.log(hyp0f1(0.5 * n, 0.25 * kappa**2))
    order = 0.5 * n - 1
    log_bessel = np.log(ive(order, kappa)) + kappa
    return 0.5 * n * np.log(2 * np.pi) - order * np.log(kappa) + log_bessel


def resultant_over_kappa(kappa, n):
    """Length of the mean of z over the length of the concentration; 1 / n at zero."""
    if kappa**2 < n:
        x = 0.25 * kappa**2
        return hyp0f1(0.5 * n + 1, x) / hyp0f1(0.5 * n, x) / n
    return ive(0.5 * n, kappa) / ive(0.5 * n - 1, kappa) / kappa


def concentration_vjp(answer, concentration):
    ratio = resultant_over_kappa(np.linalg.norm(concentration), len(concentration))
    return lambda g: g * ratio * concentration


defvjp(log_normalizer, concentration_vjp)
