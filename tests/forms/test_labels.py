"""Labels are summed over exactly, or averaged by estimated probabilities."""

import numpy as np
from scipy.special import softmax

from skaws.decoders import Linear
from skaws.evaluation import exact_score_gradient
from skaws.forms import (
    LabelForm,
    SummedForm,
)
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.models import LatentVariableModel
from skaws.params import ParameterSpace
from skaws.priors import Categorical
from skaws.regression import (
    ConstantEmbedding,
    Embedding,
    LabelEstimate,
    LatentEstimate,
)
from skaws.wake_sleep import sleep, wake

from ..common import flat


def test_summed_form_has_the_exact_gradient():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 3))
    model = LatentVariableModel(Categorical(3), Linear(), GaussianNoise())
    params = model.init_params(X, rng)
    simulations = sleep(model, params, LatentEstimate(), ConstantEmbedding(), 50, rng)
    found = wake(model, params, simulations, X, np.full(40, 1 / 40), SummedForm())
    expected = exact_score_gradient(model, params, X)
    space = ParameterSpace(params, model.constraints)
    for part in ("components", "mean"):
        np.testing.assert_allclose(
            space.split(found.gradient)["decoder"][part], expected["decoder"][part]
        )


def test_summed_form_remembers_values_that_do_not_come_again():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 3))
    model = LatentVariableModel(Categorical(3), Linear(), GaussianNoise())
    params, form = model.init_params(X, rng), SummedForm()
    real, gradients = np.full(40, 1 / 40), []
    for n_simulations in (60, 1):
        simulations = sleep(
            model, params, LatentEstimate(), ConstantEmbedding(), n_simulations, rng
        )
        gradients.append(wake(model, params, simulations, X, real, form).gradient)
    np.testing.assert_allclose(gradients[0], gradients[1])


class ExactLabels:
    """Posterior probabilities of the labels by Bayes' rule; inputs are the rows."""

    def fit(self, model, params, latents, observations):
        labels = np.eye(latents.shape[1])

        def function(X):
            by_label = [
                model.log_joint(params, np.tile(label, (len(X), 1)), X) for label in labels
            ]
            return softmax(by_label, axis=0).T

        function.inputs = lambda X: X
        return function, function(observations)


def three_labels():
    rng = np.random.default_rng(0)
    model = LatentVariableModel(Categorical(3), Linear(), GaussianNoise())
    X = rng.standard_normal((100, 2)) + 2.0 * rng.integers(3, size=(100, 1))
    return model, model.init_params(X, rng), X


def label_gradient(model, params, X, estimate, regression, n=300, seed=1):
    rng = np.random.default_rng(seed)
    simulations = sleep(model, params, estimate, regression, n, rng)
    return wake(model, params, simulations, X, np.full(len(X), 1 / len(X)), LabelForm())


def test_label_form_with_the_posterior_for_baseline_and_no_regression_is_exact():
    model, params, X = three_labels()

    class Nothing(ConstantEmbedding):
        def mean_weights(self, X, row_weights=None):
            return np.zeros(self._n_simulations)

    found = label_gradient(model, params, X, ExactLabels(), Nothing())
    exact = flat(exact_score_gradient(model, params, X))
    np.testing.assert_allclose(found.gradient, exact, atol=1e-10)


def test_label_form_regresses_away_what_its_baseline_misses():
    # A baseline that takes all labels for equally likely is far off; its residual is not.
    model, params, X = three_labels()
    exact = flat(exact_score_gradient(model, params, X))

    class Indifferent:
        def fit(self, model, params, latents, observations):
            def function(X):
                return np.full((len(X), 3), 1 / 3)

            function.inputs = lambda X: X
            return function, function(observations)

    gaps = [
        np.linalg.norm(label_gradient(*args, n=1000).gradient - exact)
        for args in [
            (model, params, X, Indifferent(), ConstantEmbedding()),
            (model, params, X, Indifferent(), Embedding()),
            (model, params, X, LabelEstimate(), Embedding()),
        ]
    ]
    assert gaps[1] < 0.5 * gaps[0] and gaps[2] < 0.5 * gaps[0]
