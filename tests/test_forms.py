"""Each form climbs what it says, against exact gradients where there are some."""

import autograd.numpy as anp
import numpy as np
from autograd import grad

from skaws.decoders import Linear
from skaws.evaluation import exact_score_gradient
from skaws.forms import BayesForm, PairwiseForm, PosteriorForm, ScalarForm, SummedForm
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.models import LatentVariableModel
from skaws.params import ParameterSpace
from skaws.priors import Categorical
from skaws.regression import ConstantEmbedding, Embedding, LatentEstimate
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


def test_bayes_form_comes_to_the_exact_gradient():
    model, params, _, X, weights = small_gaussian()
    exact = exact_score_gradient(model, params, X)["decoder"]["components"]
    gaps = []
    for n_simulations in (100, 10_000):
        rng = np.random.default_rng(0)
        simulations = sleep(
            model, params, LatentEstimate(), ConstantEmbedding(), n_simulations, rng
        )
        found = wake(model, params, simulations, X, weights, BayesForm())
        space = ParameterSpace(params, model.constraints)
        gaps.append(space.split(found.gradient)["decoder"]["components"] - exact)
    assert np.linalg.norm(gaps[1]) < 0.3 * np.linalg.norm(gaps[0])
    assert np.linalg.norm(gaps[1]) < 0.05 * np.linalg.norm(exact)


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
