"""Each form climbs what it says, against exact gradients where there are some."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from scipy.special import softmax

from skaws.decoders import Linear
from skaws.evaluation import exact_score_gradient, importance_score_gradient
from skaws.forms import (
    BayesForm,
    BayesPairsForm,
    LabelForm,
    PairwiseForm,
    PosteriorForm,
    ScalarForm,
    SummedForm,
)
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.likelihoods import StudentT
from skaws.models import LatentVariableModel
from skaws.params import ParameterSpace
from skaws.priors import Categorical, Gaussian
from skaws.regression import (
    ConstantEmbedding,
    Embedding,
    LabelEstimate,
    LatentEstimate,
)
from skaws.wake_sleep import real_rows, sleep, wake

from .common import altered, gaussian_model


def test_posterior_form_adds_the_log_prior_and_its_gradient():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((50, 4))
    model = gaussian_model(2)
    params = model.init_params(X, rng)
    simulations = sleep(model, params, LatentEstimate(), Embedding(), 60, rng)
    weights = np.full(50, 1 / 50)

    def log_prior(params):
        return -anp.sum(params["decoder"]["components"] ** 2)

    plain = wake(model, params, simulations, X, weights, ScalarForm())
    both = wake(
        model, params, simulations, X, weights, PosteriorForm(ScalarForm(), log_prior)
    )
    space = ParameterSpace(params, model.constraints)

    def moved(step):
        return log_prior(model.move(params, space.split(step)))

    expected = grad(moved)(np.zeros(space.size))
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(both.gradient - plain.gradient, expected, atol=1e-10)
    np.testing.assert_allclose(both.objective - plain.objective, log_prior(params))
    assert both.diagnostics == plain.diagnostics


def small_gaussian():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((50, 1)) + rng.standard_normal((50, 4))
    model = gaussian_model(1)
    params = model.init_params(X, rng)
    simulations = sleep(model, params, LatentEstimate(), Embedding(), 400, rng)
    return model, params, simulations, X, np.full(50, 1 / 50)


def test_gate_shrinks_what_is_not_predicted_towards_the_plain_mean():
    model, params, simulations, X, weights = small_gaussian()
    real = real_rows(simulations, X, weights)
    form = ScalarForm()
    values = form.values(model, params, simulations, real)
    _, free = form.weigh(values, model, params, simulations, real)
    _, gated = ScalarForm(gated=True).weigh(values, model, params, simulations, real)
    opening = max(0.0, 1 - free.error)
    expected = 1 / 400 + opening * (free.weights - 1 / 400)
    np.testing.assert_allclose(gated.weights, expected)
    # Residuals that are only noise shut it, those that follow the inputs open it.
    rng = np.random.default_rng(1)
    noise = np.concatenate([rng.standard_normal(400), np.zeros(450)])
    _, shut = ScalarForm(gated=True).weigh(noise, model, params, simulations, real)
    np.testing.assert_allclose(shut.weights, 1 / 400, atol=2e-3)
    noise[:400] = simulations.estimates[:, 0]
    _, free = form.weigh(noise, model, params, simulations, real)
    _, opened = ScalarForm(gated=True).weigh(noise, model, params, simulations, real)
    np.testing.assert_allclose(opened.weights, free.weights, atol=1e-3)


def test_gated_objective_above_every_simulation_falls_back_on_the_baseline():
    model, params, simulations, X, weights = small_gaussian()
    real = real_rows(simulations, X, weights)
    form = ScalarForm(gated=True)
    values = form.values(model, params, simulations, real)
    for surplus, trusted in ((0.0, True), (1e6, False)):
        estimates = values[400:800] - surplus  # poor at the simulations alone
        altered_values = np.concatenate([values[:400], estimates, values[800:]])
        found, mean = form.weigh(altered_values, model, params, simulations, real)
        assert (found[:800] != 0).any() == trusted
        assert (mean.weights != 0).any() == trusted
        np.testing.assert_allclose(found[800:], weights)


@pytest.mark.parametrize("form", [BayesForm, BayesPairsForm])
def test_bayes_forms_come_to_the_exact_gradient(form):
    model, params, _, X, weights = small_gaussian()
    exact = exact_score_gradient(model, params, X)["decoder"]["components"]
    gaps = []
    for n_simulations in (100, 10_000):
        rng = np.random.default_rng(0)
        simulations = sleep(
            model, params, LatentEstimate(), ConstantEmbedding(), n_simulations, rng
        )
        found = wake(model, params, simulations, X, weights, form())
        space = ParameterSpace(params, model.constraints)
        gaps.append(space.split(found.gradient)["decoder"]["components"] - exact)
    assert np.linalg.norm(gaps[1]) < 0.3 * np.linalg.norm(gaps[0])
    assert np.linalg.norm(gaps[1]) < 0.05 * np.linalg.norm(exact)


def test_bayes_pairs_come_to_the_gradient_of_no_family():
    # Student's t: simulations say nothing of the rows, which only pairs with them do.
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 1)) + rng.standard_t(4, (40, 3))
    model = LatentVariableModel(Gaussian(1), Linear(), StudentT())
    params = model.init_params(X, rng)
    exact = importance_score_gradient(model, params, X, n_draws=2000)["decoder"]
    simulations = sleep(model, params, LatentEstimate(), ConstantEmbedding(), 3000, rng)
    space, gaps = ParameterSpace(params, model.constraints), []
    for form in (BayesPairsForm(), BayesForm()):
        found = wake(model, params, simulations, X, np.full(40, 1 / 40), form)
        gap = space.split(found.gradient)["decoder"]["mean"] - exact["mean"]
        gaps.append(np.linalg.norm(gap) / np.linalg.norm(exact["mean"]))
    assert gaps[0] < 0.1
    assert gaps[1] > 0.5


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


def test_shares_are_shares():
    model, params, simulations, X, weights = small_gaussian()
    taken = []

    def expected_log_joint(params, latents, observations, weights, X):
        taken.append(weights)
        return np.zeros(len(X))

    seeing = altered(model, expected_log_joint=expected_log_joint)
    real = real_rows(simulations, 3 * X, weights)  # far out, where weights extrapolate
    for shares in (False, True):
        PairwiseForm(shares=shares).values(seeing, params, simulations, real)
    assert taken[0].min() < 0 <= taken[1].min()
    np.testing.assert_allclose(taken[1].sum(axis=1), 1.0)


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


def flat(gradient):
    parts = [
        flat(part) if isinstance(part, dict) else np.ravel(part)
        for part in gradient.values()
    ]
    return np.concatenate(parts)
