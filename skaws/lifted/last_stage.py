"""One wide sample around the answer: a sharper posterior, of single series, too."""

from typing import NamedTuple

import numpy as np
from sklearn.linear_model import Ridge

from .lift import Lift, bounded_inverse
from .whitening import Whitening

__all__ = ["Local", "last_stage"]

WIDER = 2.0  # than the posterior
RIDGE = 10.0
AT_ONCE = 500  # simulations
MOST_SHARE = 0.995
NEAREST = 1 / 3
LEAST, MOST = 1e-5, 0.995


class Local(NamedTuple):
    """Parameters from summaries of the series of a group, near the answer.

    Attributes
    ----------
    proposal : Lift
        Of the simulations.
    whitening : Whitening
        Of their summaries.
    halves : pair of regressions
        First predictions, each learnt on one half of the simulations.
    largest : array of shape (p,)
        At which these are cut.
    last : regression
        Of draws on white summaries, first predictions and their products.
    simulated, residuals : arrays of shape (n, p)
        First predictions at simulations, and what the last regression leaves.
    """

    proposal: Lift
    whitening: Whitening
    halves: tuple
    largest: np.ndarray
    last: object
    simulated: np.ndarray
    residuals: np.ndarray

    def of(self, summaries):
        """Means, precisions of e given each of some series, and their distances."""
        white, distances = self.whitening.within(summaries)
        first = sum(half.predict(white) for half in self.halves) / 2
        first = np.clip(first, -self.largest, self.largest)
        means = self.last.predict(np.hstack([white, with_products(first)]))
        return means, np.array([self._precision(one) for one in first]), distances

    def _precision(self, first):
        """That of what is not predicted, from the simulations that look most alike."""
        away = (self.simulated - first) / self.simulated.std(axis=0)
        n = max(int(NEAREST * len(away)), 2)
        nearest = np.argpartition(np.sum(away**2, axis=1), n - 1)[:n]
        near = self.residuals[nearest]
        return bounded_inverse(near.T @ near / n, LEAST, MOST)[1]


def last_stage(simulate, group, summaries, mean, covariance, rng, n_simulations):
    """Learn parameters from summaries in a wide sample around an answer.

    Parameters
    ----------
    simulate : Simulator
        Of series at unit coordinates.
    group : Group
        Series of whose length and pattern the simulations are.
    summaries : callable
        Of series.
    mean, covariance : arrays of shape (p,) and (p, p)
        The answer so far.
    rng : numpy.random.Generator
        Source of randomness.
    n_simulations : int
        How many.

    Returns
    -------
    local : Local

    Notes
    -----
    First predictions are made for each half by the other: predictions that had seen what
    they predict, or left out one at a time, would look as if they knew more, and a
    parameter that the simulator ignores would seem to be known.
    """
    size = len(mean)
    factor = WIDER * np.linalg.cholesky(covariance + 1e-14 * np.eye(size))
    half = rng.standard_normal((n_simulations // 2, size))
    e = np.concatenate([half, -half])
    blocks = [e[start : start + AT_ONCE] for start in range(0, len(e), AT_ONCE)]
    drawn = np.concatenate(
        [summaries(simulate.like(group, mean + b @ factor.T, rng)) for b in blocks]
    )
    sound = np.isfinite(drawn).all(axis=1)
    e, drawn = e[sound], drawn[sound]
    whitening = Whitening(drawn)
    white = whitening(drawn)
    even = np.arange(len(e)) % 2 == 0
    halves = tuple(StandardisedRidge(white[one], e[one]) for one in (even, ~even))
    first = np.where(even[:, None], halves[1].predict(white), halves[0].predict(white))
    largest = np.quantile(np.abs(first), MOST_SHARE, axis=0)
    first = np.clip(first, -largest, largest)
    features = np.hstack([white, with_products(first)])
    last = StandardisedRidge(features, e)
    residuals = (e - last.predict(features)) / (1 - last.leverages(features))[:, None]
    proposal = Lift(mean, factor)
    return Local(proposal, whitening, halves, largest, last, first, residuals)


class StandardisedRidge:
    """Ridge regression on standardised features, with leverages."""

    def __init__(self, features, targets):
        self._mean, self._scale = features.mean(axis=0), features.std(axis=0) + 1e-9
        z = self._standard(features)
        self._ridge = Ridge(alpha=RIDGE).fit(z, targets)
        self._inverse = np.linalg.inv(z.T @ z + RIDGE * np.eye(z.shape[1]))

    def _standard(self, features):
        return (features - self._mean) / self._scale

    def predict(self, features):
        """Predictions, (m, p)."""
        return self._ridge.predict(self._standard(features)).reshape(len(features), -1)

    def leverages(self, features):
        """Of the rows that were fitted, at most 0.9."""
        z = self._standard(features)
        own = np.einsum("ij,ij->i", z @ self._inverse, z) + 1 / len(z)
        return np.minimum(own, 0.9)


def with_products(first):
    """Predictions and all their products."""
    i, j = np.triu_indices(first.shape[1])
    return np.hstack([first, first[:, i] * first[:, j]])
