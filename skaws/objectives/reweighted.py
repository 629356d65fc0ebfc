"""Reweighted wake-sleep: the log joint at draws from the posterior of real rows."""

import numpy as np

from .base import Objective, Pairs, Weights

__all__ = ["ReweightedWakeSleep"]


class ReweightedWakeSleep(Objective):
    """Climb the log joint of real rows at draws from their posterior, and nothing else.

    With draws by importance resampling (:class:`skaws.posteriors.Resampled`) this is
    reweighted wake-sleep [1]_.  It is what
    :class:`skaws.objectives.ResidualRegression` comes to where the regression knows
    nothing; with few candidates it is biased towards the posterior's own errors.

    References
    ----------
    .. [1] J. Bornschein, Y. Bengio. Reweighted wake-sleep. ICLR 2015.

    Examples
    --------
    >>> from skaws.decoders import Linear
    >>> from skaws.evaluation import exact_score_gradient, score_gradient
    >>> from skaws.likelihoods import Gaussian as GaussianNoise
    >>> from skaws.models import LatentVariableModel
    >>> from skaws.posteriors import MixtureNetwork, Resampled
    >>> from skaws.priors import Gaussian
    >>> rng = np.random.default_rng(0)
    >>> model = LatentVariableModel(Gaussian(1), Linear(), GaussianNoise())
    >>> X = rng.standard_normal((100, 1)) + rng.standard_normal((100, 3))
    >>> params = model.init_params(X, rng)
    >>> params["decoder"]["components"] *= 0.5
    >>> exact = exact_score_gradient(model, params, X)["decoder"]["components"]
    >>> how = {"objective": ReweightedWakeSleep(), "posterior": Resampled(MixtureNetwork())}
    >>> found = score_gradient(model, params, X, rng=rng, **how)
    >>> gap = found["decoder"]["components"] - exact
    >>> bool(np.linalg.norm(gap) < 0.5 * np.linalg.norm(exact))
    True
    """

    def pairs(self, model, params, simulations, real, regression, rng):
        latents = simulations.posterior.draw(real.X, rng)
        simulations.posterior.keep(latents, real.X)
        return Pairs(latents, real.X, simulations, real)

    def weigh(self, values, pairs, model, regression):
        none = np.zeros(len(pairs.simulations.observations))
        return Weights(pairs.real.weights, none, 1.0)
