"""The regressed log joint as one number a batch, with a baseline or without."""

import numpy as np

from ..regression import MeanWeights
from .pairs import check_log_joint, log_joint_at

__all__ = ["BaselineForm", "ScalarForm"]

OUTLYING = 50.0  # deviations


class ScalarForm:
    """Climb the regression of the log joint, or of its residual from a baseline.

    With mean weights a_n and latent estimates e(.), the objective is ``sum_n a_n [log
    p(z_n, x_n) - log p(e(x_n), x_n)] + mean_m log p(e(x*_m), x*_m)``; without baseline,
    ``sum_n a_n log p(z_n, x_n)``.  Both have the same limit; the first has far less
    variance, and falls back on the baseline where the regression knows nothing.

    Parameters
    ----------
    baseline : bool, default=True
        Whether to regress the residual.  The log joint must then be finite at latent
        estimates, which need not hold for discrete latents.  Without baseline the
        estimates are regression inputs only, and must keep all of x that the latents
        depend on *and* all that the log joint does.
    gated : bool, default=False
        Whether the regression is believed only as far as it is known to predict: what
        sets the mean weights apart from the plain mean over simulations is shrunk by one
        less the regression's error, to nothing where it predicts nothing.  The plain
        mean is kept: it is what calibrates scales.  Where the objective comes out above the
        log joint of every simulation, of which it should be a mean, the baseline alone is
        climbed: estimates are then so poor at the simulations that the plain mean misleads,
        and noise would run to zero, as it did for networks as plain functions.  Simulations
        whose residual lies further out than 50 deviations count for no more than that: some
        estimates may be hopeless where the model has tails, as counts have.

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
    >>> found = score_gradient(model, params, X, form=ScalarForm(), rng=rng)
    >>> gap = found["decoder"]["components"] - exact
    >>> bool(np.linalg.norm(gap) < 0.2 * np.linalg.norm(exact))
    True
    """

    def __init__(self, baseline=True, gated=False):
        self.baseline = baseline
        self.gated = gated

    def values(self, model, params, simulations, real):
        """Log joints to be weighed: at simulations, their estimates, real rows."""
        pairs = self.simulated_pairs(simulations)
        if self.baseline:
            pairs.append((real.estimates, real.X))
        return log_joint_at(model, params, pairs)

    def simulated_pairs(self, simulations):
        """Blocks of latents and observations of the sleep phase."""
        pairs = [(simulations.latents, simulations.observations)]
        if self.baseline:
            pairs.append((simulations.estimates, simulations.observations))
        return pairs

    def targets(self, values, simulations):
        """What is regressed, of the values at :meth:`simulated_pairs`."""
        n = len(simulations.observations)
        return values[:n] - values[n : 2 * n] if self.baseline else values[:n]

    def weigh(self, values, model, params, simulations, real):
        """Weight of each value in the objective, and the regression's mean weights."""
        targets = self.targets(values, simulations)
        check_finite(model, targets)
        mean = simulations.regression.mean_weights_and_error(
            real.inputs, real.weights, targets
        )
        n = len(mean.weights)
        if self.gated:
            plain = np.sum(real.weights) / n
            opening = max(0.0, 1.0 - mean.error)
            weights = plain + opening * (mean.weights - plain)
            mean = mean._replace(weights=weights * bounded_influence(targets))
        weights = np.concatenate([mean.weights, -mean.weights, real.weights])
        weights = weights[: len(values)]
        if self.gated and self.baseline and weights @ values > np.max(values[:n]):
            mean = mean._replace(weights=np.zeros(n))
            weights[: 2 * n] = 0.0
        return weights, mean


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
            f"{len(targets)} simulations or their latent estimates. See whether sampler "
            "and log joint agree (check_model); if they do, lower learning_rate, or, if it "
            "is infinite at latent estimates only, use ScalarForm(baseline=False)."
        )


class BaselineForm:
    """Climb the log joint at the latent estimates of real rows, and nothing else.

    With draws from the posterior for estimates
    (:class:`skaws.regression.RecognitionDraw`) this is reweighted wake-sleep.  It is what
    :class:`ScalarForm` comes to where the regression knows nothing.

    Examples
    --------
    >>> from skaws.regression import RecognitionDraw
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
    >>> how = {"form": BaselineForm(), "estimate": RecognitionDraw()}
    >>> found = score_gradient(model, params, X, rng=rng, **how)
    >>> gap = found["decoder"]["components"] - exact
    >>> bool(np.linalg.norm(gap) < 0.5 * np.linalg.norm(exact))
    True
    """

    def values(self, model, params, simulations, real):
        """Log joint of each real row and its estimate."""
        values = model.log_joint(params, real.estimates, real.X)
        check_log_joint(model, values, len(real.X))
        return values

    def weigh(self, values, model, params, simulations, real):
        """The rows' weights; no simulation has one."""
        return real.weights, MeanWeights(np.zeros(len(simulations.observations)), 1.0)
