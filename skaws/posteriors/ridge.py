"""Estimates of latents by ridge regression on simulations."""

import numpy as np
from sklearn.linear_model import Ridge as RidgeRegression

from ..moments import column_units
from ..spaces import LATENTS, Space, as_tree, from_leaves, leaves
from ..supports import Real, Sphere
from .base import FittedPosterior, Posterior
from .curved import around
from .draws import gaussian_draws, latents_at

__all__ = ["Ridge"]

LEAST_RESIDUAL = 1e-6  # variance of a direction, relative to the mean one
NEARLY_ZERO = 1e-100


class Ridge(Posterior):
    """Ridge regression of the latents' real coordinates on standardised observations.

    Estimates are mapped back into the support, which they never leave, and draws are
    Gaussian in real coordinates, with the covariance of the residuals.
    Where latents are not real, coordinates are cut to the range of simulated ones. On a
    sphere the columns themselves are regressed, and scaled to length one; draws lie around.
    Missing entries count as the feature's mean.

    For latents with real coordinates, of any structure.

    Parameters
    ----------
    alpha : float, default=1.0
        Penalty of the ridge regression, against a sum of squares over simulations.

    Raises
    ------
    ValueError
        In `fit`, if latents have no real coordinates.

    Notes
    -----
    Regression inputs are the linear predictions as they come, before any cut.

    Examples
    --------
    Latents that are positive:

    >>> from skaws.models import FunctionModel
    >>> from skaws.simulations import simulate
    >>> def sample(params, n_samples, rng):
    ...     z = rng.lognormal(size=(n_samples, 1))
    ...     return z, np.log(z) + rng.standard_normal((n_samples, 3))
    >>> model, rng = FunctionModel(sample, None, None), np.random.default_rng(0)
    >>> fitted = Ridge().fit(model, {}, simulate(model, {}, 500, rng), rng)
    >>> estimate = fitted.mean(np.array([[1.0, 1.0, 1.0], [-99.0, -99.0, -99.0]]))
    >>> bool(abs(np.log(estimate[0, 0]) - 0.75) < 0.1), bool(estimate[1, 0] > 0)
    (True, True)
    """

    def __init__(self, alpha=1.0):
        self.alpha = alpha

    def suits(self, model, params, space):
        return space.has_coordinates and not space.alphabets and space.size > 0

    def fit(self, model, params, simulations, rng, previous=None):
        if not self.suits(model, params, simulations.space):
            raise ValueError(
                "Ridge is for latents with real coordinates; the support of these is "
                f"{simulations.space.latent_support!r}. Take another posterior, such as "
                "Enumeration() for labels."
            )
        return FittedRidge(simulations, self.alpha)


class FittedRidge(FittedPosterior):
    """The fitted regression."""

    def __init__(self, simulations, alpha):
        latents, observations = simulations.latents, simulations.observations
        super().__init__(simulations.space)
        self._targets = Targets(self.space, latents)
        self._mean, self._scale = column_units(observations)
        self._ridge = RidgeRegression(alpha=alpha)
        self._ridge.fit(self._standardised(observations), self._targets.of(latents))
        self._covariance = self._residual_covariance(latents, self.mean(observations))

    def inputs(self, X):
        """Linear predictions, shape (m, n_targets)."""
        return self._ridge.predict(self._standardised(X)).reshape(len(X), -1)

    def mean(self, X):
        return self._targets.latents(self.inputs(X))

    def sample(self, X, n_samples, rng, common=False):
        mean, index = self.mean(X), np.arange(len(X))
        start = around(self.space, mean, index).flatten(mean)
        covariance = self._covariance[None]
        coordinates, log_prob = gaussian_draws(start, covariance, n_samples, rng, common)
        there = around(self.space, mean, np.tile(index, n_samples))
        latents, log_volume = latents_at(there, coordinates)
        return latents, log_prob - log_volume

    def _standardised(self, X):
        return np.nan_to_num((X - self._mean) / self._scale, nan=0.0)

    def _residual_covariance(self, latents, estimates):
        """Covariance of residuals in real coordinates."""
        space = around(self.space, estimates, slice(None))
        error = space.flatten(latents) - space.flatten(estimates)
        covariance = error.T @ error / len(error)
        least = LEAST_RESIDUAL * (np.trace(covariance) / len(covariance) or 1.0)
        return covariance + least * np.eye(len(covariance))


class Targets:
    """What latents are regressed as: real coordinates, or columns on spheres.

    Parameters
    ----------
    space : Space
        Of the latents.
    latents : array or nested dict of arrays
        Simulations.
    """

    def __init__(self, space, latents):
        self._is_tree = isinstance(latents, dict)
        supports = dict(leaves(as_tree(space.latent_support)))
        self._parts = {
            path: Directions(leaf)
            if isinstance(supports[path], Sphere)
            else Coordinates(leaf, supports[path])
            for path, leaf in leaves(as_tree(latents))
        }
        sizes = [part.n_targets for part in self._parts.values()]
        self._edges = np.cumsum(sizes)[:-1]

    def of(self, latents):
        """Targets of the regression, (n, n_targets)."""
        own = dict(leaves(as_tree(latents)))
        return np.hstack([part.of(own[path]) for path, part in self._parts.items()])

    def latents(self, targets):
        """Latents inside the support that predicted targets stand for."""
        split = np.split(targets, self._edges, axis=1)
        parts = zip(self._parts.items(), split, strict=True)
        tree = from_leaves((path, part.latents(own)) for (path, part), own in parts)
        return tree if self._is_tree else tree[LATENTS[0]]


class Coordinates:
    """Targets of latents with real coordinates: those, cut to the simulated range."""

    def __init__(self, leaf, support):
        self._space = Space(leaf, support, batched=True)
        self.n_targets = self._space.size
        self._range = -np.inf, np.inf
        if not isinstance(support, Real):
            real = self._space.flatten(leaf)
            self._range = real.min(axis=0), real.max(axis=0)

    def of(self, leaf):
        return self._space.flatten(leaf)

    def latents(self, targets):
        return self._space.unflatten(np.clip(targets, *self._range))


class Directions:
    """Targets of latents of length one: their columns, of which the length is ignored."""

    def __init__(self, leaf):
        self._shape = leaf.shape[1:]
        self.n_targets = int(np.prod(self._shape))

    def of(self, leaf):
        return leaf.reshape(len(leaf), -1)

    def latents(self, targets):
        rows = targets.reshape(len(targets), *self._shape)
        # Any direction will do for a row of zeros.
        rows = rows + NEARLY_ZERO * np.eye(self._shape[-1])[-1]
        return rows / np.linalg.norm(rows, axis=-1, keepdims=True)
