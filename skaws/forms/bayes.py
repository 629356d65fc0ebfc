"""Weights by Bayes' rule over the simulations."""

import numpy as np
from autograd.tracer import getval
from scipy.special import softmax

from ..regression import MeanWeights
from .pairs import check_log_joint

__all__ = ["BayesForm", "BayesPairsForm"]


class BayesForm:
    """Climb the log joint at simulated latents, weighted by their likelihood.

    Weights of row m are ``p(x_m | z_n)`` over the simulations, summing to one: Bayes' rule
    with the prior's draws for a prior.  Consistent, and sharp, where latents are few; needs
    the model's ``log_likelihood``, and an ``expected_log_joint`` that knows what depends on
    the rows: the generic one would only compare simulations with themselves.

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
    >>> found = score_gradient(model, params, X, form=BayesForm(), rng=rng)
    >>> gap = found["decoder"]["components"] - exact
    >>> bool(np.linalg.norm(gap) < 0.1 * np.linalg.norm(exact))
    True
    """

    def values(self, model, params, simulations, real):
        """Expected log joint of each real row."""
        self._weights = posterior_weights(model, params, simulations.latents, real.X)
        return model.expected_log_joint(
            params, simulations.latents, simulations.observations, self._weights, real.X
        )

    def weigh(self, values, model, params, simulations, real):
        """The rows' weights, and the mean of the posterior weights."""
        return real.weights, MeanWeights(real.weights @ self._weights, 0.0)


class BayesPairsForm:
    """Bayes' rule for any ``log_likelihood``: the log joint of latents and rows.

    As :class:`BayesForm`, without an ``expected_log_joint`` that knows the rows.

    Every real row is paired with the simulated latents that are likely for it; what is
    left out is less than a hundredth of a row's weight.  It is the slower, the wider
    the posteriors are.

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
    >>> found = score_gradient(model, params, X, form=BayesPairsForm(), rng=rng)
    >>> gap = found["decoder"]["components"] - exact
    >>> bool(np.linalg.norm(gap) < 0.1 * np.linalg.norm(exact))
    True
    """

    def values(self, model, params, simulations, real):
        """Log joint of each pair."""
        self._weights = posterior_weights(model, params, simulations.latents, real.X)
        self._pairs = np.nonzero(self._weights > 0.01 / self._weights.shape[1])
        rows, latents = self._pairs
        values = model.log_joint(params, simulations.latents[latents], real.X[rows])
        check_log_joint(model, values, len(rows))
        return values

    def weigh(self, values, model, params, simulations, real):
        """Posterior weights of the pairs times the rows', and their mean over the rows."""
        shares = self._weights[self._pairs] * real.weights[self._pairs[0]]
        return shares, MeanWeights(real.weights @ self._weights, 0.0)


def posterior_weights(model, params, latents, X):
    """Bayes' rule over draws from the prior: shares of each row of X, shape (m, n)."""
    # At the params before the step: weights are not on the tape.
    fixed = {name: untaped(part) for name, part in params.items()}
    return softmax(model.log_likelihood(fixed, latents, X), axis=1)


def untaped(branch):
    """Params without autograd's boxes."""
    if isinstance(branch, dict):
        return {name: untaped(value) for name, value in branch.items()}
    return getval(branch)
