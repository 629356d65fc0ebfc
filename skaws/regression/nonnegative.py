"""Estimates of latents that are bounded: posterior modes in unbounded coordinates."""

import numpy as np
from scipy.special import expit

__all__ = ["LogOddsMode", "MultiplicativeMode"]

LEAST_START = 0.1
FARTHEST = 30.0  # log odds beyond which a latent counts as 0 or 1


class MultiplicativeMode:
    """Posterior mode in log z of Gamma latents under a non-negative linear decoder.

    The linear minimum-mean-square-error estimate, clipped to the support, is improved by
    multiplicative updates ``z <- (shape + z * P) / (shape + N)``, where P and N are the two
    non-negative parts of the log-likelihood's gradient in z.  For Poisson counts they are
    those of EM: each component has its share of the counts, and z is its mean given
    these.  Being means, estimates are positive at any shape.

    Parameters
    ----------
    n_steps : int, default=10
        Number of updates.

    Examples
    --------
    >>> from skaws.decoders import Linear
    >>> from skaws.likelihoods import Poisson
    >>> from skaws.models import LatentVariableModel
    >>> from skaws.priors import Gamma
    >>> model = LatentVariableModel(Gamma(1), Linear(nonnegative=True), Poisson())
    >>> decoder = {"components": np.array([[3.0, 6.0]])}
    >>> params = {"prior": {"shape": np.ones(1)}, "decoder": decoder}
    >>> mode = MultiplicativeMode().at(model, params)
    >>> mode(np.array([[8.0, 11.0]])).round(12).tolist()  # (1 + 19) / (1 + 9)
    [[2.0]]
    """

    def __init__(self, n_steps=10):
        self.n_steps = n_steps

    def fit(self, model, params, latents, observations):
        """Function from observations to estimates, and its values at `observations`."""
        function = self.at(model, params)
        return function, function(observations)

    def at(self, model, params):
        """Function from observations to estimates."""
        return NonnegativeUpdates(model, params, self.n_steps)


class NonnegativeUpdates:
    """Multiplicative updates at fixed params; see :class:`MultiplicativeMode`."""

    def __init__(self, model, params, n_steps):
        self._first = model.linear_gaussian(params)
        self._likelihood, self._noise = model.likelihood, params.get("likelihood", {})
        self._components = params["decoder"]["components"]
        self._transposed = np.ascontiguousarray(self._components.T)
        self._shape = model.prior.shapes(params["prior"])
        self._n_steps = n_steps

    def __call__(self, X):
        latents = np.maximum(self._first.posterior_mean(X), LEAST_START)
        missing = np.isnan(X)
        observed = (~missing).astype(float) if missing.any() else None
        filled = X if observed is None else np.where(missing, 0.0, X)
        for _ in range(self._n_steps):
            location = latents @ self._components
            up, down = self._likelihood.slopes(self._noise, location, filled)
            if observed is not None:
                up, down = up * observed, down * observed
            latents = (self._shape + latents * (up @ self._transposed)) / (
                self._shape + down @ self._transposed
            )
        return latents


class LogOddsMode:
    """Posterior mode in log odds of uniform latents of a Bernoulli likelihood.

    Newton's steps with a curvature that is never too small (Böhning & Lindsay, 1988): one
    matrix serves all rows, and no step goes down.  See :class:`skaws.decoders.LogOdds`.

    Parameters
    ----------
    n_steps : int, default=5
        Number of steps.

    Examples
    --------
    >>> decoder = {"components": np.ones((1, 4)), "intercept": np.zeros(4)}
    >>> mode = LogOddsMode(n_steps=50).at(None, {"decoder": decoder})
    >>> mode(np.array([[1.0, 1.0, 1.0, 0.0]])).round(6).tolist()  # (1 + 3) / (2 + 4)
    [[0.666667]]
    """

    def __init__(self, n_steps=5):
        self.n_steps = n_steps

    def fit(self, model, params, latents, observations):
        """Function from observations to estimates, and its values at `observations`."""
        function = self.at(model, params)
        return function, function(observations)

    def at(self, model, params):
        """Function from observations to estimates."""
        return LogOddsSteps(params, self.n_steps)


class LogOddsSteps:
    """Steps of bounded curvature at fixed params; see :class:`LogOddsMode`."""

    def __init__(self, params, n_steps):
        self._components = params["decoder"]["components"]
        self._intercept = params["decoder"]["intercept"]
        product = self._components @ self._components.T
        self._step = np.linalg.inv(product / 4 + np.eye(len(product)) / 2)
        self._n_steps = n_steps

    def __call__(self, X):
        log_odds = np.zeros((len(X), len(self._components)))
        for _ in range(self._n_steps):
            # A missing entry pulls nowhere.
            residual = X - expit(log_odds @ self._components + self._intercept)
            pull = np.nan_to_num(residual, nan=0.0) @ self._components.T
            log_odds += (pull - np.tanh(log_odds / 2)) @ self._step
            np.clip(log_odds, -FARTHEST, FARTHEST, out=log_odds)
        return expit(log_odds)
