"""The expected log joint of each row, over weighted simulated latents."""

from abc import abstractmethod

import numpy as np
from autograd.extend import defvjp, primitive

from ..spaces import rows_of
from .base import Objective, Pairs, Weights, log_joint_at, regression_inputs

__all__ = ["ExpectedLogJoint", "expected_log_joint"]

NEGLIGIBLE = 0.01  # of a row's mean weight: lighter latents are left out


class WeightedLatents(Objective):
    """Base: each real row is paired with all simulated latents, by weights (m, n)."""

    @abstractmethod
    def latent_weights(self, model, params, simulations, real, regression):
        """Weights of the simulated latents for each real row, (m, n)."""

    def pairs(self, model, params, simulations, real, regression, rng):
        weights = self.latent_weights(model, params, simulations, real, regression)
        return Pairs(simulations.latents, real.X, simulations, real, extra=weights)

    def values(self, model, params, pairs):
        """Expected log joint of each real row, (m,)."""
        return expected_log_joint(model, params, pairs.latents, pairs.extra, pairs.real.X)

    def weigh(self, values, pairs, model, regression):
        rows = pairs.real.weights
        return Weights(rows, rows @ pairs.extra, pairs.error, pairs.distance)


class ExpectedLogJoint(WeightedLatents):
    """Climb the expected log joint of each real row, by regression weights.

    For models that know part of their log joint at real rows exactly, as exponential
    families do (the paper's Algorithm 1).  It solves for one right-hand side a row, where
    :class:`skaws.objectives.ResidualRegression` solves for one a batch.

    Parameters
    ----------
    inputs : {"posterior", "observations"}, default="posterior"
        What is regressed on.
    shares : bool, default=False
        Whether the weights of a row are made shares, non-negative and of sum one: an
        expectation under a distribution over the simulations then, which cannot
        extrapolate.

    Examples
    --------
    >>> from skaws.decoders import Linear
    >>> from skaws.evaluation import exact_score_gradient, score_gradient
    >>> from skaws.likelihoods import Gaussian as GaussianNoise
    >>> from skaws.models import LatentVariableModel
    >>> from skaws.priors import Gaussian
    >>> rng = np.random.default_rng(0)
    >>> model = LatentVariableModel(Gaussian(1), Linear(), GaussianNoise())
    >>> X = rng.standard_normal((100, 1)) + rng.standard_normal((100, 3))
    >>> params = model.init_params(X, rng)
    >>> params["decoder"]["components"] *= 0.5
    >>> exact = exact_score_gradient(model, params, X)["decoder"]["components"]
    >>> found = score_gradient(model, params, X, objective=ExpectedLogJoint(), rng=rng)
    >>> gap = found["decoder"]["components"] - exact
    >>> bool(np.linalg.norm(gap) < 0.5 * np.linalg.norm(exact))
    True
    """

    def __init__(self, inputs="posterior", shares=False):
        self.inputs = inputs
        self.shares = shares

    def pairs(self, model, params, simulations, real, regression, rng):
        pairs = super().pairs(model, params, simulations, real, regression, rng)
        latents, seen = simulations.latents, simulations.observations
        targets = log_joint_at(model, params, latents, seen)
        inputs = regression_inputs(self.inputs, simulations, real.X)
        mean = regression.mean_weights_and_error(inputs, real.weights, targets)
        distance = regression.distance(inputs, real.weights)
        return pairs._replace(error=mean.error, distance=distance)

    def latent_weights(self, model, params, simulations, real, regression):
        seen = simulations.observations
        regression.fit(regression_inputs(self.inputs, simulations, seen))
        weights = regression.weights(regression_inputs(self.inputs, simulations, real.X))
        if not self.shares:
            return weights
        weights = np.maximum(weights, 0.0) + 1e-12
        return weights / weights.sum(axis=1, keepdims=True)


def expected_log_joint(model, params, latents, weights, X):
    """Sum over latents of weight times log joint, for each row of X, (m,).

    By the model's ``expected_log_joint`` where it has one; else at the pairs whose weight
    is not negligible, so that it is the slower, the wider the posteriors are.
    """
    if hasattr(model, "expected_log_joint"):
        return model.expected_log_joint(params, latents, weights, X)
    rows, columns = np.nonzero(np.abs(weights) > NEGLIGIBLE / weights.shape[1])
    values = log_joint_at(model, params, rows_of(latents, columns), X[rows])
    return sums_by_row(weights[rows, columns] * values, rows, len(X))


@primitive
def sums_by_row(values, rows, n_rows):
    """Sums of values that belong to the same row."""
    return np.bincount(rows, weights=values, minlength=n_rows)


defvjp(sums_by_row, lambda answer, values, rows, n_rows: lambda g: g[rows], argnums=(0,))
