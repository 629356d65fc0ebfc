"""The exact log-likelihood of latents with few values."""

import numpy as np
from scipy.special import softmax

from ..spaces import columns_of, rows_of
from .base import Objective, Pairs, Weights

__all__ = ["EnumeratedLikelihood"]

FEW = 16  # values, of which single pairs are quicker than a matrix is on the tape


class EnumeratedLikelihood(Objective):
    """Climb the exact log-likelihood of latents with few values, all summed over.

    The log joint of every value at every real row gives the posterior by Bayes' rule;
    climbed is the posterior mean of the log joint.  There is no regression.  Values are
    those of the latents' space: declared, or all that simulations have taken so far; of
    counts, as many as the rows ask for.

    Raises
    ------
    FloatingPointError
        In an iteration, if "log_joint is minus infinity" for a row "under each value that
        latents may take".

    Examples
    --------
    >>> from skaws.decoders import Linear
    >>> from skaws.evaluation import exact_score_gradient, score_gradient
    >>> from skaws.likelihoods import Gaussian
    >>> from skaws.models import LatentVariableModel
    >>> from skaws.priors import Categorical
    >>> rng = np.random.default_rng(0)
    >>> model = LatentVariableModel(Categorical(2), Linear(), Gaussian())
    >>> X = rng.choice([-3.0, 3.0], (100, 1)) + rng.standard_normal((100, 2))
    >>> params = model.init_params(X, rng)
    >>> params["decoder"]["components"] *= 0.5
    >>> exact = exact_score_gradient(model, params, X)["decoder"]["components"]
    >>> how = {"objective": EnumeratedLikelihood()}
    >>> found = score_gradient(model, params, X, rng=rng, **how)
    >>> bool(np.allclose(found["decoder"]["components"], exact))
    True
    """

    additive = True

    def pairs(self, model, params, simulations, real, regression, rng):
        enough = getattr(simulations.posterior, "values_for", None)  # of counts
        latents = enough(real.X) if enough else simulations.space.values()
        n_values, n_rows = len(columns_of(latents)), len(real.X)
        if n_values > FEW and hasattr(model, "log_joint_matrix"):
            return Pairs(latents, real.X, simulations, real, extra=n_values)
        tiled = rows_of(latents, np.tile(np.arange(n_values), n_rows))
        rows = np.repeat(real.X, n_values, axis=0)
        return Pairs(tiled, rows, simulations, real, extra=n_values)

    def values(self, model, params, pairs):
        """Log joint of each row and each value, (m, n_values) unravelled."""
        if len(pairs.observations) < pairs.extra * len(pairs.real.X):
            matrix = model.log_joint_matrix(params, pairs.latents, pairs.observations)
            return matrix.reshape(-1)
        return super().values(model, params, pairs)

    def weigh(self, values, pairs, model, regression):
        by_row = values.reshape(-1, pairs.extra)
        check_possible(model, by_row.max(axis=1) > -np.inf, pairs.real.X)
        posterior = softmax(by_row, axis=1) * pairs.real.weights[:, None]
        none = np.zeros(len(pairs.simulations.observations))
        return Weights(posterior.ravel(), none, 0.0)


def check_possible(model, possible, X):
    """Raise if some row of X has no density under any value that latents take."""
    if not np.all(possible):
        raise FloatingPointError(
            f"log_joint of {type(model).__name__} is minus infinity for the row "
            f"{X[np.argmin(possible)]} under each value that latents may take. Start "
            "(init_params) where the model can produce every row of X, or drop rows that "
            "it cannot."
        )
