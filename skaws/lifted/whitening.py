"""Summaries on a common scale, without directions that say nothing."""

import numpy as np

__all__ = ["Whitening"]

FURTHEST = 4.0  # robust standard deviations
LEAST_VARIANCE = 1e-3  # of a direction, relative to the largest
MOST = 60  # directions
SHARE_WITHIN = 0.98


class Whitening:
    """Robust standardisation and principal directions of simulated summaries.

    Parameters
    ----------
    summaries : array of shape (n, q)
        Of simulations.

    Attributes
    ----------
    radius : float
        Within which 98% of the simulations lie.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> white = Whitening(rng.standard_normal((1000, 1)) * [1.0, 2.0])
    >>> white(np.array([[1.0, 2.0]])).shape  # one direction: both say the same
    (1, 1)
    """

    def __init__(self, summaries):
        self._middle = np.median(summaries, axis=0)
        low, high = np.quantile(summaries, (0.16, 0.84), axis=0)
        scale = (high - low) / 2
        rough = np.maximum(summaries.std(axis=0), 1e-9)
        self._scale = np.where(scale < 1e-9, rough, scale)
        clipped = self._clipped(summaries)
        self._mean = clipped.mean(axis=0)
        away = clipped - self._mean
        variances, axes = np.linalg.eigh(away.T @ away / len(away))
        index = np.flatnonzero(variances > LEAST_VARIANCE * variances[-1])[-MOST:]
        self._map = axes[:, index] / np.sqrt(np.maximum(variances[index], 1e-300))
        lengths = np.linalg.norm(self(summaries), axis=1)
        self.radius = float(np.quantile(lengths, SHARE_WITHIN))

    def _clipped(self, summaries):
        away = (summaries - self._middle) / self._scale
        return np.clip(away, -FURTHEST, FURTHEST)

    def __call__(self, summaries):
        """White summaries, (m, n_directions)."""
        return (self._clipped(summaries) - self._mean) @ self._map

    def within(self, summaries):
        """White summaries, drawn in to the radius, and their distances in units of it."""
        white = self(summaries)
        distances = np.linalg.norm(white, axis=1) / self.radius
        return white / np.maximum(distances, 1.0)[:, None], distances
