"""Latent estimates that any model's log joint can be evaluated at."""

from typing import NamedTuple

import numpy as np

from ..moments import column_moments
from .latent_estimate import RidgeEstimate

__all__ = ["BoundedEstimate", "ObservedInputs"]


class BoundedEstimate:
    """A latent estimate moved into the simulated range where the log joint is not finite.

    The estimate is the model's own ``latent_estimate``, or else a ridge regression of
    latents on standardised observations.  A linear estimate may leave the support of the
    latents; cut to the range of the simulated ones it would be finite, but real rows
    further out than any simulated one would all be given the same latents, and the model
    would take the difference for noise.  So only those that must be are cut.  Regression
    inputs are the uncut estimates.

    Parameters
    ----------
    alpha : float, default=1.0
        Penalty of the ridge regression, against a sum of squares over simulations.
    everywhere : bool, default=False
        Whether all estimates are cut to the range: for codes of labels, between which a
        log joint is an average, and beyond which it means nothing.

    Examples
    --------
    >>> from skaws.models import FunctionModel
    >>> def sample(params, n_samples, rng):
    ...     z = rng.exponential(size=(n_samples, 1))
    ...     return z, z + 0.5 * rng.standard_normal((n_samples, 1))
    >>> def log_joint(params, z, x):
    ...     inside = np.where(z[:, 0] >= 0, -z[:, 0], -np.inf)
    ...     return inside - 2 * (x - z)[:, 0] ** 2
    >>> model = FunctionModel(sample, log_joint, None)
    >>> pairs = model.sample({}, 500, np.random.default_rng(0))
    >>> function, _ = BoundedEstimate().fit(model, {}, *pairs)
    >>> X = np.array([[-2.0], [20.0]])
    >>> bool(function(X)[0, 0] > 0 > function.inputs(X)[0, 0])  # cut, and not
    True
    >>> bool(function(X)[1, 0] > pairs[0].max())  # beyond all simulated ones
    True
    """

    def __init__(self, alpha=1.0, everywhere=False):
        self.alpha = alpha
        self.everywhere = everywhere

    def fit(self, model, params, latents, observations):
        """As :meth:`LatentEstimate.fit`; the function also gives regression ``inputs``."""
        function = Bounded(self, model, params, latents, observations)
        return function, function(observations)


class Bounded:
    """The fitted estimate."""

    def __init__(self, description, model, params, latents, observations):
        self._everywhere = description.everywhere
        self._model, self._params = model, params
        self._low, self._high = latents.min(axis=0), latents.max(axis=0)
        self._rows = self._ridge = None
        if model.latent_estimate(params, observations[:1]) is None:
            self._ridge = RidgeEstimate(latents, observations, description.alpha)

    def inputs(self, X):
        """Estimates wherever they lie."""
        # The loop asks twice about the same rows: for estimates, and for inputs.
        if self._rows is not X:
            self._rows, self._uncut = X, self._estimated(X)
        return self._uncut

    def _estimated(self, X):
        if self._ridge is None:
            return self._model.latent_estimate(self._params, X)
        return self._ridge.uncut(X)

    def __call__(self, X):
        estimates = self.inputs(X)
        within = np.clip(estimates, self._low, self._high)
        if self._everywhere:
            return within
        with np.errstate(all="ignore"):  # beyond the support anything may come out
            values = self._model.log_joint(self._params, estimates, X)
        return np.where(np.isfinite(values)[:, None], estimates, within)


class ObservedInputs:
    """Regress on the observations themselves, whatever is made of the latents.

    For latents that cannot be estimated column by column, and estimates that leave out
    something of x.  Missing entries count as the feature's mean.

    Parameters
    ----------
    estimate : LatentEstimate, default=None
        Where the baseline is taken. None is no estimate: for regression without baseline.

    Examples
    --------
    >>> observations = np.array([[1.0], [3.0]])
    >>> function, _ = ObservedInputs().fit(None, None, None, observations)
    >>> function(np.array([[5.0], [np.nan]])).tolist()
    [[5.0], [2.0]]
    """

    def __init__(self, estimate=None):
        self.estimate = estimate

    def fit(self, model, params, latents, observations):
        """As :meth:`LatentEstimate.fit`; the function also gives regression ``inputs``."""
        mean = column_moments(observations)[0]

        def filled(X):
            return np.where(np.isnan(X), mean, X)

        if self.estimate is None:
            return filled, filled(observations)
        function, estimates = self.estimate.fit(model, params, latents, observations)
        return Estimated(function, filled), estimates


class Estimated(NamedTuple):
    """A fitted estimate with regression inputs of its own."""

    function: object
    inputs: object

    def __call__(self, X):
        return self.function(X)
