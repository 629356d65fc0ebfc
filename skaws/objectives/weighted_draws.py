"""The log joint of real rows at several weighted draws of their latents."""

import numpy as np
from scipy.special import softmax

from ..spaces import merged_axes
from .base import Objective, Pairs, Weights

__all__ = ["WeightedDraws"]


class WeightedDraws(Objective):
    """Climb the log joint of real rows at draws of their posterior, weighted by importance.

    As :class:`skaws.objectives.ReweightedWakeSleep`, but no draw is thrown away: each has
    the share of its row's weight that ``p(z, x) / q(z | x)`` gives it.  Steps are in units
    of the information that the draws show.

    It is for a model with ``information`` and ``move_in_units``
    (:class:`skaws.models.AdditiveParts`), a posterior with draws, and a
    :class:`skaws.regression.RunningInformation`.

    Parameters
    ----------
    n_draws : int, default=5
        Draws for each row.
    most_entries : int, default=400_000
        There are fewer draws, but two at least, where they would make more entries of x
        than this.

    Examples
    --------
    >>> from itertools import islice
    >>> from skaws.decoders import Linear
    >>> from skaws.likelihoods import Poisson
    >>> from skaws.models import AdditiveParts, LatentVariableModel
    >>> from skaws.optimizers import HeavyBall
    >>> from skaws.posteriors import Gamma as GammaPosterior
    >>> from skaws.priors import Gamma
    >>> from skaws.regression import RunningInformation
    >>> from skaws.wake_sleep import wake_sleep
    >>> parts = Gamma(1), Linear(nonnegative=True), Poisson()
    >>> model, rng = AdditiveParts(LatentVariableModel(*parts)), np.random.default_rng(0)
    >>> params = {"prior": {"shape": np.ones(1)}}
    >>> params["decoder"] = {"components": np.array([[30.0, 70.0]])}
    >>> X = model.sample(params, 300, rng)[1]
    >>> loop = wake_sleep(
    ...     model,
    ...     X,
    ...     model.init_params(X, rng),
    ...     HeavyBall(),
    ...     rng=rng,
    ...     objective=WeightedDraws(),
    ...     posterior=GammaPosterior(),
    ...     regression=RunningInformation(),
    ... )
    >>> *_, last = islice(loop, 100)
    >>> found = last.params["decoder"]["components"][0]
    >>> bool(abs(found[1] / found[0] - 7 / 3) < 0.1)
    True
    """

    def __init__(self, n_draws=5, most_entries=400_000):
        self.n_draws = n_draws
        self.most_entries = most_entries

    def move(self, model, regression):
        return lambda params, step: model.move_in_units(
            params, step, regression.information_
        )

    def pairs(self, model, params, simulations, real, regression, rng):
        n_draws = int(np.clip(self.most_entries // real.X.size, 2, self.n_draws))
        latents, log_prob = simulations.posterior.sample(real.X, n_draws, rng)
        with np.errstate(all="ignore"):  # far-off draws may overflow
            log_joint = model.log_joint_of_draws(params, latents, real.X)
        weights = real.weights * importance_shares(log_joint - log_prob)
        regression.update(model.information(params, latents, real.X, weights))
        tiled = np.tile(real.X, (n_draws, 1))
        return Pairs(merged_axes(latents), tiled, simulations, real, extra=weights.ravel())

    def weigh(self, values, pairs, model, regression):
        none = np.zeros(len(pairs.simulations.observations))
        return Weights(pairs.extra, none, 1.0)


def importance_shares(log_weights):
    """Weights that sum to one over the first axis; of equal size where all are lost."""
    log_weights = np.where(np.isfinite(log_weights), log_weights, -np.inf)
    with np.errstate(invalid="ignore"):
        weights = softmax(log_weights, axis=0)
    return np.where(np.isnan(weights), 1 / len(weights), weights)
