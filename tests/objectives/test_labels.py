"""Labels are averaged over by estimated probabilities, whose errors are regressed away."""

import numpy as np
from scipy.special import softmax

from skaws.decoders import Linear
from skaws.evaluation import exact_score_gradient
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.models import LatentVariableModel
from skaws.objectives import LabelResidual
from skaws.posteriors import Classifier, FittedPosterior, Posterior
from skaws.priors import Categorical
from skaws.regression import KernelRegression, MeanRegression
from skaws.wake_sleep import sleep, wake

from ..common import flat


class Chances(Posterior):
    """Posterior probabilities of labels by a function; regression inputs are the rows."""

    def __init__(self, function):
        self.function = function

    def fit(self, model, params, simulations, rng, previous=None):
        return FittedChances(simulations.space, model, params, self.function)


class FittedChances(FittedPosterior):
    def __init__(self, space, model, params, function):
        super().__init__(space)
        self.mean = lambda X: function(model, params, X)

    def mean(self, X):
        """Is replaced."""

    def sample(self, X, n_samples, rng, common=False):
        """Is never called."""

    def inputs(self, X):
        return X


def by_bayes_rule(model, params, X):
    labels = np.eye(3)
    log_joint = [
        model.log_joint(params, np.tile(label, (len(X), 1)), X) for label in labels
    ]
    return softmax(log_joint, axis=0).T


def indifferent(model, params, X):
    return np.full((len(X), 3), 1 / 3)


def three_labels():
    rng = np.random.default_rng(0)
    model = LatentVariableModel(Categorical(3), Linear(), GaussianNoise())
    X = rng.standard_normal((100, 2)) + 2.0 * rng.integers(3, size=(100, 1))
    return model, model.init_params(X, rng), X


def label_gradient(model, params, X, posterior, regression, n=300, seed=1):
    rng = np.random.default_rng(seed)
    simulations = sleep(model, params, posterior, n, rng)
    how = np.full(len(X), 1 / len(X)), LabelResidual(), regression
    return wake(model, params, simulations, X, *how, rng=rng).gradient


def test_with_the_posterior_for_baseline_and_no_regression_it_is_exact():
    model, params, X = three_labels()

    class Nothing(MeanRegression):
        def mean_weights(self, X, row_weights=None):
            return np.zeros(self._n_simulations)

    found = label_gradient(model, params, X, Chances(by_bayes_rule), Nothing())
    exact = flat(exact_score_gradient(model, params, X))
    np.testing.assert_allclose(found, exact, atol=1e-10)


def test_it_regresses_away_what_its_baseline_misses():
    # A baseline that takes all labels for equally likely is far off; its residual is not.
    model, params, X = three_labels()
    exact = flat(exact_score_gradient(model, params, X))
    gaps = [
        np.linalg.norm(label_gradient(model, params, X, *how, n=1000) - exact)
        for how in [
            (Chances(indifferent), MeanRegression()),
            (Chances(indifferent), KernelRegression()),
            (Classifier(), KernelRegression()),
        ]
    ]
    assert gaps[1] < 0.5 * gaps[0] and gaps[2] < 0.5 * gaps[0]
