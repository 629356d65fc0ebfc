"""Posterior of uniform latents decoded through their log odds."""

import numpy as np
from scipy.special import expit

from ..decoders import LogOdds
from ..likelihoods import Bernoulli
from ..priors import UnitUniform
from .base import FittedPosterior, Posterior
from .curvature import Curvature
from .draws import student_draws

__all__ = ["Logit"]

FARTHEST = 30.0  # log odds beyond which a latent counts as 0 or 1


class Logit(Posterior):
    """Student's t in log odds, about the posterior mode there and with its curvature.

    For :class:`skaws.priors.UnitUniform` latents under :class:`skaws.decoders.LogOdds` and
    :class:`skaws.likelihoods.Bernoulli` entries.

    The mode is found by Newton's steps with a curvature that is never too small (Böhning &
    Lindsay, 1988): one matrix serves all rows, and no step goes down.

    Parameters
    ----------
    n_steps : int, default=5
        Number of steps, at least 0; a hundred lead to the mode.

    Examples
    --------
    >>> from skaws.models import LatentVariableModel
    >>> from skaws.simulations import simulate
    >>> model = LatentVariableModel(UnitUniform(1), LogOdds(), Bernoulli())
    >>> params = {"decoder": {"components": np.ones((1, 4)), "intercept": np.zeros(4)}}
    >>> rng = np.random.default_rng(0)
    >>> simulations = simulate(model, params, 10, rng)
    >>> fitted = Logit(n_steps=50).fit(model, params, simulations, rng)
    >>> fitted.mean(np.array([[1.0, 1.0, 1.0, 0.0]])).round(6).tolist()  # (1 + 3) / (2 + 4)
    [[0.666667]]
    """

    def __init__(self, n_steps=5):
        self.n_steps = n_steps

    def suits(self, model, params, space):
        return (
            isinstance(getattr(model, "prior", None), UnitUniform)
            and isinstance(getattr(model, "decoder", None), LogOdds)
            and isinstance(getattr(model, "likelihood", None), Bernoulli)
        )

    def fit(self, model, params, simulations, rng, previous=None):
        return FittedLogit(model, params, simulations.space, self.n_steps)


class FittedLogit(FittedPosterior):
    """Steps and draws at fixed params."""

    def __init__(self, model, params, space, n_steps):
        super().__init__(space)
        self._likelihood = model.likelihood
        self._components = params["decoder"]["components"]
        self._intercept = params["decoder"]["intercept"]
        product = self._components @ self._components.T
        self._step = np.linalg.inv(product / 4 + np.eye(len(product)) / 2)
        self._n_steps = n_steps

    def mean(self, X):
        """Posterior mode in log odds of each row, shape (m, n_latents)."""
        return expit(self._mode(X))

    def sample(self, X, n_samples, rng, common=False):
        mode = self._mode(X)
        information = self._likelihood.information({}, self._location(mode), X)
        precision = Curvature(self._components)(information, X)
        diagonal = np.einsum("mkk->mk", precision)
        diagonal += 2 * expit(mode) * expit(-mode)
        # Logistic tails are longer than those of the curvature: twice its variance.
        covariance = 2 * np.linalg.inv(precision)
        log_odds, log_prob = student_draws(mode, covariance, n_samples, rng, common)
        log_odds = np.clip(log_odds, -FARTHEST, FARTHEST)
        slope = np.logaddexp(0, log_odds) + np.logaddexp(0, -log_odds)
        return expit(log_odds), log_prob + np.sum(slope, axis=2)

    def _location(self, log_odds):
        return log_odds @ self._components + self._intercept

    def _mode(self, X):
        """Log odds at the mode."""
        log_odds = np.zeros((len(X), len(self._components)))
        for _ in range(self._n_steps):
            # A missing entry pulls nowhere.
            residual = X - expit(self._location(log_odds))
            pull = np.nan_to_num(residual, nan=0.0) @ self._components.T
            log_odds += (pull - np.tanh(log_odds / 2)) @ self._step
            np.clip(log_odds, -FARTHEST, FARTHEST, out=log_odds)
        return log_odds
