"""A posterior: the simulated latents, weighted by their likelihood."""

import numpy as np
from scipy.special import logsumexp

from skaws.posteriors import FittedPosterior, Posterior
from skaws.posteriors.draws import draw_codes
from skaws.spaces import map_leaves, rows_of
from skaws.supports import Interval, Positive, Real

__all__ = ["PriorDraws"]


class PriorDraws(Posterior):
    """Self-normalised importance sampling with the simulated latents for draws.

    The posterior of a row x puts the probability ``p(x | z_n) / sum_k p(x | z_k)`` on
    latents n of the simulations, which are draws from the prior.  Consistent for any
    model with ``log_likelihood``.  Not for more than about three latents: then next to no
    draw from the prior explains a row.

    Raises
    ------
    ValueError
        In `fit`, if the model has no ``log_likelihood``, or if means of latents need not
        lie in their support.

    Examples
    --------
    >>> from skaws.decoders import Linear
    >>> from skaws.likelihoods import Gaussian as GaussianNoise
    >>> from skaws.models import LatentVariableModel
    >>> from skaws.priors import Gaussian
    >>> from skaws.simulations import simulate
    >>> model = LatentVariableModel(Gaussian(1), Linear(), GaussianNoise())
    >>> decoder = {"components": np.ones((1, 3)), "mean": np.zeros(3)}
    >>> params = {"decoder": decoder, "likelihood": {"noise_variance": 1.0}}
    >>> rng = np.random.default_rng(0)
    >>> simulations = simulate(model, params, 5000, rng)
    >>> fitted = PriorDraws().fit(model, params, simulations, rng)
    >>> bool(abs(fitted.mean(np.ones((1, 3)))[0, 0] - 0.75) < 0.02)  # exact: 3 / 4
    True
    """

    #: A fit for `transform` and `score` asks for so many simulations.
    n_simulations = 2000

    # May: whether it can be chosen for a model.

    def suits(self, model, params, space):
        convex = isinstance(space.latent_support, (Real, Positive, Interval))
        return convex and hasattr(model, "log_likelihood")

    # Must.

    def fit(self, model, params, simulations, rng, previous=None):
        if not self.suits(model, params, simulations.space):
            raise ValueError(
                "PriorDraws is for models with a log_likelihood, and latents whose mean "
                f"lies in their support; {type(model).__name__} has latents of support "
                f"{simulations.space.latent_support!r}. Take another posterior, such as "
                "MixtureNetwork()."
            )
        return FittedPriorDraws(model, params, simulations)


class FittedPriorDraws(FittedPosterior):
    """The simulated latents; their weights are computed where they are asked for."""

    def __init__(self, model, params, simulations):
        super().__init__(simulations.space)
        self._model, self._params = model, params
        self._latents = simulations.latents

    # Must.

    def mean(self, X):
        shares = np.exp(self._log_shares(X)[0])
        return map_leaves(lambda leaf: np.tensordot(shares, leaf, 1), self._latents)

    def sample(self, X, n_samples, rng, common=False):
        log_shares, log_marginal = self._log_shares(X)
        codes = draw_codes(np.exp(log_shares), n_samples, rng, common)
        latents = rows_of(self._latents, codes)
        # Bayes' rule with the estimate of p(x): the density that draws tend to.
        log_joint = [self._model.log_joint(self._params, z, X) for z in latents]
        return latents, np.array(log_joint) - log_marginal

    def _log_shares(self, X):
        """Log probability of each simulated latent, (m, n), and log p(x), (m,)."""
        log_likelihood = self._model.log_likelihood(self._params, self._latents, X)
        total = logsumexp(log_likelihood, axis=1)
        return log_likelihood - total[:, None], total - np.log(log_likelihood.shape[1])
