"""Forms for latents that are labels: a baseline over all, and the exact sum."""

import numpy as np
from scipy.special import softmax

from ..regression import MeanWeights
from .pairs import check_log_joint, log_joint_at

__all__ = ["LabelForm", "SummedForm"]


class LabelForm:
    """Climb the regression of what the log joint has beyond its mean over labels.

    For latents that are one-hot codes of labels, and estimates that are their posterior
    probabilities (:class:`skaws.regression.LabelEstimate`): the baseline of a row is the
    log joint of every label, averaged by these.  It is exact where they are; the
    regression corrects what they miss.  (:class:`SummedForm` takes the exact
    probabilities by Bayes' rule.)

    Examples
    --------
    >>> from skaws.regression import LabelEstimate
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
    >>> how = {"form": LabelForm(), "estimate": LabelEstimate()}
    >>> found = score_gradient(model, params, X, n_simulations=500, rng=rng, **how)
    >>> gap = found["decoder"]["components"] - exact
    >>> bool(np.linalg.norm(gap) < 0.05 * np.linalg.norm(exact))
    True
    """

    def values(self, model, params, simulations, real):
        """Log joints at simulations, at all labels with each, at all with real rows."""
        pairs = self.simulated_pairs(simulations)
        return log_joint_at(model, params, [*pairs, all_labels(real.estimates, real.X)])

    def simulated_pairs(self, simulations):
        """Blocks of latents and observations of the sleep phase."""
        observations = simulations.observations
        return [
            (simulations.latents, observations),
            all_labels(simulations.estimates, observations),
        ]

    def targets(self, values, simulations):
        """What is regressed, of the values at :meth:`simulated_pairs`."""
        probability = simulations.estimates.T
        n, n_labels = len(simulations.observations), len(probability)
        at_labels = values[n : n + n * n_labels].reshape(n_labels, n, *values.shape[1:])
        return values[:n] - np.einsum("kn,kn...->n...", probability, at_labels)

    def weigh(self, values, model, params, simulations, real):
        """Weight of each value in the objective, and the regression's mean weights."""
        mean = simulations.regression.mean_weights_and_error(
            real.inputs, real.weights, self.targets(values, simulations)
        )
        of_labels = -mean.weights * simulations.estimates.T
        of_rows = real.weights * real.estimates.T
        return np.concatenate([mean.weights, of_labels.ravel(), of_rows.ravel()]), mean


def all_labels(estimates, observations):
    """Every one-hot label with every row of `observations`, a label at a time."""
    labels = np.eye(estimates.shape[1])
    latents = np.repeat(labels, len(observations), axis=0)
    return latents, np.tile(observations, (len(labels), 1))


class SummedForm:
    """Climb the exact log-likelihood of latents with few values, all summed over.

    The log joint of every value at every real row gives the posterior by Bayes' rule;
    climbed is the posterior mean of the log joint.  There is no regression.

    Values are those that simulations have taken so far: the form remembers them.

    Raises
    ------
    FloatingPointError
        In a turn, if "log_joint is minus infinity" for a row "under each value that
        simulated latents have taken".

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
    >>> found = score_gradient(model, params, X, form=SummedForm(), rng=rng)
    >>> bool(np.allclose(found["decoder"]["components"], exact))
    True
    """

    def __init__(self):
        self._seen = None

    def values(self, model, params, simulations, real):
        """Log joints of all values at all real rows, a value at a time."""
        pool = [] if self._seen is None else [self._seen]
        self._seen = np.unique(np.concatenate([*pool, simulations.latents]), axis=0)
        n_values, n_rows = len(self._seen), len(real.X)
        latents = np.repeat(self._seen, n_rows, axis=0)
        values = model.log_joint(params, latents, np.tile(real.X, (n_values, 1)))
        check_log_joint(model, values, n_values * n_rows)
        return values

    def weigh(self, values, model, params, simulations, real):
        """Posterior probabilities times the rows' weights; an error of zero."""
        by_value = values.reshape(len(self._seen), -1)
        check_possible(model, by_value.max(axis=0) > -np.inf, real.X)
        posterior = softmax(by_value, axis=0)
        return (posterior * real.weights).ravel(), MeanWeights(np.ones(1), 0.0)


def check_possible(model, possible, X):
    """Raise if some row of X has no density under any value that latents have taken."""
    if not np.all(possible):
        raise FloatingPointError(
            f"log_joint of {type(model).__name__} is minus infinity for the row "
            f"{X[np.argmin(possible)]} under each value that simulated latents have taken. "
            "Start (init_params) where the model can produce every row of X, or drop rows "
            "that it cannot."
        )
