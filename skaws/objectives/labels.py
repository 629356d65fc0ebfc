"""The residual from a baseline over all labels."""

import numpy as np

from .base import Objective, Pairs, Weights, stacked
from .residual import check_finite

__all__ = ["LabelResidual"]


class LabelResidual(Objective):
    """Climb the regression of what the log joint has beyond its mean over labels.

    For latents that are one-hot codes of labels, and posteriors that give their
    probabilities (:class:`skaws.posteriors.Classifier`): the baseline of a row is the
    log joint of every label, averaged by these.  It is exact where they are; the
    regression corrects what they miss.  (:class:`skaws.objectives.EnumeratedLikelihood`
    takes the exact probabilities by Bayes' rule.)

    Examples
    --------
    >>> from skaws.decoders import Linear
    >>> from skaws.evaluation import exact_score_gradient, score_gradient
    >>> from skaws.likelihoods import Gaussian
    >>> from skaws.models import LatentVariableModel
    >>> from skaws.posteriors import Classifier
    >>> from skaws.priors import Categorical
    >>> rng = np.random.default_rng(0)
    >>> model = LatentVariableModel(Categorical(2), Linear(), Gaussian())
    >>> X = rng.choice([-3.0, 3.0], (100, 1)) + rng.standard_normal((100, 2))
    >>> params = model.init_params(X, rng)
    >>> params["decoder"]["components"] *= 0.5
    >>> exact = exact_score_gradient(model, params, X)["decoder"]["components"]
    >>> how = {"objective": LabelResidual(), "posterior": Classifier()}
    >>> found = score_gradient(model, params, X, n_simulations=500, rng=rng, **how)
    >>> gap = found["decoder"]["components"] - exact
    >>> bool(np.linalg.norm(gap) < 0.05 * np.linalg.norm(exact))
    True
    """

    def pairs(self, model, params, simulations, real, regression, rng):
        posterior, seen = simulations.posterior, simulations.observations
        chances = posterior.mean(seen), posterior.mean(real.X)
        blocks = self.simulated_blocks(simulations, rng)
        blocks.append(all_labels(chances[1], real.X))
        regression.fit(posterior.inputs(seen))
        return Pairs(*stacked(blocks), simulations, real, extra=chances)

    def simulated_blocks(self, simulations, rng):
        """Blocks of latents and observations of the sleep phase."""
        x = simulations.observations
        return [(simulations.latents, x), all_labels(simulations.latents, x)]

    def targets(self, values, simulations):
        """What is regressed, of the values at :meth:`simulated_blocks`."""
        chances = simulations.posterior.mean(simulations.observations).T
        n, n_labels = len(simulations.observations), len(chances)
        at_labels = values[n : n + n * n_labels].reshape(n_labels, n, *values.shape[1:])
        return values[:n] - np.einsum("kn,kn...->n...", chances, at_labels)

    def weigh(self, values, pairs, model, regression):
        real, (of_simulations, of_rows) = pairs.real, pairs.extra
        targets = self.targets(values, pairs.simulations)
        check_finite(model, targets)
        inputs = pairs.simulations.posterior.inputs(real.X)
        mean = regression.mean_weights_and_error(inputs, real.weights, targets)
        of_labels = -mean.weights * of_simulations.T
        of_rows = real.weights * of_rows.T
        weights = np.concatenate([mean.weights, of_labels.ravel(), of_rows.ravel()])
        distance = regression.distance(inputs, real.weights)
        return Weights(weights, mean.weights, mean.error, distance)


def all_labels(codes, observations):
    """Every one-hot label with every row of `observations`, a label at a time."""
    labels = np.eye(codes.shape[1])
    latents = np.repeat(labels, len(observations), axis=0)
    return latents, np.tile(observations, (len(labels), 1))
