"""The regressed log joint, or its residual from a baseline, as one number a batch."""

import numpy as np

from .base import Objective, Pairs, Weights, regression_inputs, stacked

__all__ = ["ResidualRegression"]

OUTLYING = 50.0  # robust deviations


class ResidualRegression(Objective):
    """Climb the regression of the log joint, or of its residual from a baseline.

    With mean weights a_n and latents e(.) read off the posterior, the objective is ``sum_n
    a_n [log p(z_n, x_n) - log p(e(x_n), x_n)] + mean_m log p(e(x*_m), x*_m)``; without
    baseline, ``sum_n a_n log p(z_n, x_n)``.  Both have the same limit; the first has far
    less variance, and falls back on the baseline where the regression knows nothing.

    Parameters
    ----------
    baseline : {"mean", "draw"} or None, default="mean"
        Whether the baseline is taken at the posterior's mean or at a draw of it. The mean
        must lie in the support of the latents, which that of labels does not. Without
        baseline the regression inputs must keep all of x that the log joint depends on.
    inputs : {"posterior", "observations"}, default="posterior"
        What is regressed on: what the posterior says of x, or x itself (missing entries
        count as the column's mean).
    gated : bool, default=False
        Whether the regression is believed only as far as it is known to predict: what
        sets the mean weights apart from the plain mean over simulations is shrunk by one
        less the regression's error, to nothing where it predicts nothing.  The plain
        mean is kept: it is what calibrates scales.  Where the objective comes out above the
        log joint of every simulation, of which it should be a mean, the baseline alone is
        climbed: the posterior is then so poor at the simulations that the plain mean
        misleads, and noise would run to zero.  Simulations whose residual lies further
        out than 50 robust deviations count for no more than that.

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
    >>> found = score_gradient(model, params, X, objective=ResidualRegression(), rng=rng)
    >>> gap = found["decoder"]["components"] - exact
    >>> bool(np.linalg.norm(gap) < 0.2 * np.linalg.norm(exact))
    True
    """

    def __init__(self, baseline="mean", inputs="posterior", gated=False):
        self.baseline = baseline
        self.inputs = inputs
        self.gated = gated

    @property
    def additive(self):
        """Whether gradients of parts of the rows sum to that of all of them."""
        return not self.gated and self.baseline != "draw"

    def pairs(self, model, params, simulations, real, regression, rng):
        blocks = self.simulated_blocks(simulations, rng)
        point, seen = blocks[-1]
        regression.fit(self._inputs(simulations, point, seen))
        if self.baseline is not None:
            point = self._baseline(simulations.posterior, real.X, rng)
            if self.baseline == "draw":
                simulations.posterior.keep(point, real.X)
            blocks.append((point, real.X))
        inputs = self._inputs(simulations, point, real.X)
        return Pairs(*stacked(blocks), simulations, real, extra=inputs)

    def _inputs(self, simulations, point, X):
        """Regression inputs of rows X, whose baseline is taken at `point`."""
        if self.baseline == "mean" and self.inputs == "posterior":
            return simulations.posterior.inputs_beside(point, X)
        return regression_inputs(self.inputs, simulations, X)

    def simulated_blocks(self, simulations, rng):
        """Blocks of latents and observations of the sleep phase."""
        x = simulations.observations
        blocks = [(simulations.latents, x)]
        if self.baseline is not None:
            blocks.append((self._baseline(simulations.posterior, x, rng), x))
        return blocks

    def _baseline(self, posterior, X, rng):
        if self.baseline == "mean":
            return posterior.mean(X)
        return posterior.draw(X, rng)

    def targets(self, values, simulations):
        """What is regressed, of the values at :meth:`simulated_blocks`."""
        n = len(simulations.observations)
        return values[:n] if self.baseline is None else values[:n] - values[n : 2 * n]

    def weigh(self, values, pairs, model, regression):
        real, inputs = pairs.real, pairs.extra
        targets = self.targets(values, pairs.simulations)
        check_finite(model, targets)
        mean = regression.mean_weights_and_error(inputs, real.weights, targets)
        weights = mean.weights
        if self.gated:
            weights = gated(weights, mean.error, np.sum(real.weights))
            weights = weights * bounded_influence(targets)
        if self.baseline is not None:
            weights = self._with_baseline(weights, values, real.weights)
        own = weights[: len(targets)]
        return Weights(weights, own, mean.error, regression.distance(inputs, real.weights))

    def _with_baseline(self, weights, values, row_weights):
        """Weights of simulations, of their baselines, and of real rows."""
        n = len(weights)
        weights = np.concatenate([weights, -weights, row_weights])
        if self.gated and weights @ values > np.max(values[:n]):
            weights[: 2 * n] = 0.0
        return weights


def gated(weights, error, total):
    """Weights shrunk towards the plain mean where the regression predicts nothing."""
    plain = total / len(weights)
    return plain + max(0.0, 1.0 - error) * (weights - plain)


def bounded_influence(residuals):
    """Factors that bring residuals beyond `OUTLYING` robust deviations back to there."""
    away = np.abs(residuals - np.median(residuals))
    bound = OUTLYING * 1.4826 * np.median(away)  # of a Gaussian, the deviation
    return np.minimum(1.0, bound / np.maximum(away, bound)) if bound > 0 else 1.0


def check_finite(model, targets):
    """Raise if the log joint is not finite where it is to be regressed."""
    n_bad = np.sum(~np.isfinite(targets))
    if n_bad:
        raise FloatingPointError(
            f"log_joint of {type(model).__name__} is not finite for {n_bad} of "
            f"{len(targets)} simulations or the latents that the posterior gives them. See "
            "whether sampler and log joint agree (check_model); if they do, lower "
            "learning_rate, or, if it is infinite at the posterior's latents only, use "
            "ResidualRegression(baseline=None)."
        )
