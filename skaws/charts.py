"""Real coordinates for latents of any support, in which densities have modes.

A chart is made about given latents, one row each.  ``coordinates(latents)`` leads there,
``latents(u)`` back, and ``log_volume(u)`` is the logarithm of the volume (on a sphere:
area) of latents to that of coordinates; the last two run on autograd's tape.
"""

import autograd.numpy as anp
import numpy as np
from autograd.scipy.special import expit

__all__ = [
    "CHARTS",
    "GLOBAL_CHARTS",
    "PositiveChart",
    "RealChart",
    "SphereChart",
    "UnitChart",
]

TINY = 1e-10  # distance of a start from the edge of its support


class RealChart:
    """Real latents, as they are."""

    least_curvature = 0.0  # of a log density, in these coordinates

    def __init__(self, centre):
        pass

    def coordinates(self, latents):
        """The latents themselves."""
        return latents

    def latents(self, u):
        """Latents at coordinates `u`, shape (m, n_coordinates)."""
        return u

    def log_volume(self, u):
        """Zero, a row each."""
        return anp.zeros(len(u))


class PositiveChart:
    """Logarithms of positive latents."""

    least_curvature = 0.0

    def __init__(self, centre):
        pass

    def coordinates(self, latents):
        """Logarithms."""
        return np.log(np.maximum(latents, TINY))

    def latents(self, u):
        """Latents at coordinates `u`."""
        return anp.exp(u)

    def log_volume(self, u):
        """Sum of the logarithms of the latents."""
        return anp.sum(u, axis=1)


class UnitChart:
    """Log odds of latents between 0 and 1."""

    least_curvature = 0.0

    def __init__(self, centre):
        pass

    def coordinates(self, latents):
        """Log odds."""
        latents = np.clip(latents, TINY, 1 - TINY)
        return np.log(latents) - np.log1p(-latents)

    def latents(self, u):
        """Latents at coordinates `u`."""
        return expit(u)

    def log_volume(self, u):
        """Sum of the logarithms of z (1 - z)."""
        return -anp.sum(anp.logaddexp(0.0, u) + anp.logaddexp(0.0, -u), axis=1)


class SphereChart:
    """Directions and angles from each row's centre: the exponential map of a sphere.

    Coordinates longer than pi would go round a second time: they have no volume.
    """

    least_curvature = 0.3  # the whole sphere lies within two deviations

    def __init__(self, centre):
        m, d = centre.shape
        self.centre = centre
        # Beside the centre, an orthogonal basis spans its tangent space.
        columns = np.concatenate([centre[:, :, None], np.tile(np.eye(d), (m, 1, 1))], 2)
        self.basis = np.linalg.qr(columns)[0][:, :, 1:]

    def coordinates(self, latents):
        """Angle from the centre times direction, shape (m, n_latents - 1)."""
        across = np.einsum("mij,mi->mj", self.basis, latents)
        along = np.sum(latents * self.centre, axis=1)
        length = np.linalg.norm(across, axis=1)
        angle = np.arctan2(length, along)
        return across * (angle / np.maximum(length, TINY))[:, None]

    def latents(self, u):
        """Latents at coordinates `u`."""
        angle = lengths(u)[:, None]
        tangent = anp.einsum("mij,mj->mi", self.basis, u)
        return anp.cos(angle) * self.centre + anp.sin(angle) / angle * tangent

    def log_volume(self, u):
        """Logarithm of the area of a small square."""
        angle = lengths(u)
        inside = angle < np.pi
        narrowing = anp.log(anp.sin(anp.where(inside, angle, 1.0)) / angle)
        return anp.where(inside, (u.shape[1] - 1) * narrowing, -np.inf)


def lengths(u):
    """Lengths of rows, never zero, where they have no derivative."""
    return anp.sqrt(anp.sum(u**2, axis=1) + TINY**2)


#: Chart of each support that has one.
CHARTS = {
    "real": RealChart,
    "nonnegative": PositiveChart,
    "unit": UnitChart,
    "sphere": SphereChart,
}
#: Those that need no centre: one set of coordinates serves all rows.
GLOBAL_CHARTS = {name: CHARTS[name] for name in ("real", "nonnegative", "unit")}
