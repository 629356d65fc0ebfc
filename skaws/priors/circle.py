"""Latents on the circle."""

import autograd.numpy as anp
import numpy as np

from ..supports import Sphere
from .base import Prior

__all__ = ["UniformCircle"]


class UniformCircle(Prior):
    """Angles a uniform on the circle, as latents ``z = (sin a, cos a)``.

    Phases, orientations, times of day: what returns to where it started.  Nothing to
    learn.

    See Also
    --------
    skaws.priors.Sphere : Any dimension, and a learnt preference for a direction.

    Notes
    -----
    The log density is -log(2 pi) everywhere: nats with respect to arc length, in radians.

    Examples
    --------
    >>> z = UniformCircle().sample({}, 4, np.random.default_rng(0))
    >>> np.sum(z**2, axis=1).round(12).tolist()
    [1.0, 1.0, 1.0, 1.0]
    """

    n_latents = 2
    support = Sphere()

    def sample(self, params, n_samples, rng):
        angle = rng.uniform(-np.pi, np.pi, n_samples)
        return np.stack([np.sin(angle), np.cos(angle)], axis=1)

    def log_density(self, params, latents):
        return anp.zeros(len(latents)) - np.log(2 * np.pi)

    def moments(self, params):
        return np.zeros(2), np.sqrt(0.5) * np.eye(2)
