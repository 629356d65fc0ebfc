"""Weights by likelihood come to the exact gradient."""

import numpy as np
import pytest
from scipy.special import softmax

from skaws.decoders import Linear
from skaws.evaluation import exact_score_gradient, importance_score_gradient
from skaws.likelihoods import StudentT
from skaws.models import FunctionModel, LatentVariableModel
from skaws.objectives import ImportanceSampling, RealRows
from skaws.posteriors import Exact, Ridge
from skaws.priors import Gaussian
from skaws.regression import MeanRegression
from skaws.spaces import Space
from skaws.wake_sleep import sleep, wake

from ..common import small_gaussian, with_holes


def gradient(model, params, simulations, X, weights):
    how = ImportanceSampling(), MeanRegression()
    rng = np.random.default_rng(0)
    found = wake(model, params, simulations, X, weights, *how, rng=rng)
    return Space(params, model.constraints).split(found.gradient)


def test_gradient_comes_to_the_exact_one():
    model, params, _, X, weights = small_gaussian()
    exact = exact_score_gradient(model, params, X)["decoder"]["components"]
    gaps = []
    for n_simulations in (100, 10_000):
        simulations = sleep(model, params, Exact(), n_simulations, np.random.default_rng(0))
        found = gradient(model, params, simulations, X, weights)
        gaps.append(found["decoder"]["components"] - exact)
    assert np.linalg.norm(gaps[1]) < 0.3 * np.linalg.norm(gaps[0])
    assert np.linalg.norm(gaps[1]) < 0.05 * np.linalg.norm(exact)


def test_gradient_of_no_exponential_family_comes_to_the_exact_one():
    # Student's t: simulations say nothing of the rows, which only pairs with them do.
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 1)) + rng.standard_t(4, (40, 3))
    model = LatentVariableModel(Gaussian(1), Linear(), StudentT())
    params = model.init_params(X, rng)
    exact = importance_score_gradient(model, params, X, n_draws=2000)["decoder"]["mean"]
    simulations = sleep(model, params, Ridge(), 3000, rng)
    found = gradient(model, params, simulations, X, np.full(40, 1 / 40))
    gap = found["decoder"]["mean"] - exact
    assert np.linalg.norm(gap) < 0.1 * np.linalg.norm(exact)


@pytest.mark.parametrize("share", [0.0, 0.3], ids=["complete", "with holes"])
def test_weights_are_those_of_bayes_rule(share):
    model, params, simulations, X, weights = small_gaussian()
    X = with_holes(X, share, np.random.default_rng(1))
    how = simulations, RealRows(X, weights), MeanRegression(), None
    found = ImportanceSampling().pairs(model, params, *how).extra
    z = simulations.latents
    log_joint = [model.log_joint(params, z, np.tile(row, (len(z), 1))) for row in X]
    log_prior = model.prior.log_density({}, z)
    np.testing.assert_allclose(found, softmax(log_joint - log_prior, axis=1), rtol=1e-8)


def test_model_without_a_log_likelihood_is_no_model_for_it():
    model = FunctionModel(None, None, None)
    assert not hasattr(model, "log_likelihood")
