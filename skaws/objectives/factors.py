"""The log joint split over independent sources, each regressed on its own estimate."""

import autograd.numpy as anp
import numpy as np

from ..spaces import leaves, look_up
from .base import Objective, Pairs, Weights

__all__ = ["FactorisedLogJoint"]


class FactorisedLogJoint(Objective):
    """Climb the log joint of independent sources under a linear mean, source by source.

    The scores of a source's shift, stretch and shape are functions of that source alone.
    Their expectation given x is regressed on one number, the linear estimate of the
    source; that of a step of source j by source i is the score of j's shift times the
    estimate of i.  The gradient is the mean prediction over real rows less that over
    simulations: at the truth it is zero on average, whatever the regression is worth, and
    nothing is drawn for real rows.  Steps are in units of the information that
    predictions show.

    It is for a model with ``factors`` (:class:`skaws.models.LinearMixing`), a posterior
    with a linear mean, and a :class:`skaws.regression.FactorRegression`.

    Examples
    --------
    >>> from itertools import islice
    >>> from skaws.models import LinearMixing
    >>> from skaws.optimizers import HeavyBall
    >>> from skaws.posteriors import LinearGaussian
    >>> from skaws.priors import Laplace
    >>> from skaws.regression import FactorRegression
    >>> from skaws.wake_sleep import wake_sleep
    >>> rng = np.random.default_rng(0)
    >>> mixing = np.array([[1.0, 0.5, 0.0, 1.0], [-0.5, 1.0, 1.0, 0.0]])
    >>> X = rng.laplace(size=(2000, 2)) @ mixing + 0.1 * rng.standard_normal((2000, 4))
    >>> model = LinearMixing(Laplace(2))
    >>> parts = FactorisedLogJoint(), LinearGaussian(), FactorRegression()
    >>> names = "objective", "posterior", "regression"
    >>> loop = wake_sleep(
    ...     model,
    ...     X,
    ...     model.init_params(X, rng),
    ...     HeavyBall(),
    ...     rng=rng,
    ...     n_simulations=1000,
    ...     **dict(zip(names, parts)),
    ... )
    >>> *_, last = islice(loop, 60)
    >>> gain = np.abs(mixing @ np.linalg.pinv(last.params["mixing"] @ last.params["basis"]))
    >>> bool(np.all(np.sort(gain / gain.max(axis=0), axis=0)[0] < 0.1))
    True
    """

    def move(self, model, regression):
        return lambda params, step: model.move_in_units(
            params, step, regression.information_
        )

    def pairs(self, model, params, simulations, real, regression, rng):
        factors, posterior = model.factors(params), simulations.posterior
        x, weights = simulations.observations, real.weights / np.sum(real.weights)
        uniform = np.full(len(x), 1 / len(x))
        latents, of_rows = posterior.mean(x), posterior.mean(real.X)
        truth = factors.sources(simulations.latents)
        estimates, n = factors.sources(latents), factors.n_scores
        known = getattr(regression, "owners_", None)
        regression.update(estimates, lambda rows: factors.functions(truth[rows], known))
        simulated = regression.seen(estimates, uniform, n)
        observed = regression.seen(factors.sources(of_rows), weights, n)
        regression.information_.update(simulated, observed)
        expected, _ = factors.squared_residuals(x, latents, uniform)
        squares, entries = factors.squared_residuals(real.X, of_rows, weights)
        gradient = factors.gradient(
            observed.mixing - simulated.mixing,
            (observed.means - simulated.means)[:n],
            squares - expected,
        )
        height = factors.log_joint(observed.means[n:], squares, entries)
        return Pairs(
            simulations.latents,
            x,
            simulations,
            real,
            extra=(height, params, gradient),
            error=regression.error_,
            distance=observed.variance / (simulated.variance or observed.variance or 1.0),
        )

    def values(self, model, params, pairs):
        """The expected log joint of a row to first order in the params, (1,)."""
        height, origin, gradient = pairs.extra
        for path, slope in leaves(gradient):
            height = height + anp.sum(
                slope * (look_up(params, path) - look_up(origin, path))
            )
        return anp.reshape(height, (1,))

    def weigh(self, values, pairs, model, regression):
        n = len(pairs.simulations.observations)
        return Weights(np.ones(1), np.full(n, 1 / n), pairs.error, pairs.distance)
