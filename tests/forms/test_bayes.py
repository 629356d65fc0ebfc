"""Weights by Bayes' rule come to exact gradients."""

import numpy as np
import pytest

from skaws.decoders import Linear
from skaws.evaluation import exact_score_gradient, importance_score_gradient
from skaws.forms import (
    BayesForm,
    BayesPairsForm,
)
from skaws.likelihoods import StudentT
from skaws.models import LatentVariableModel
from skaws.params import ParameterSpace
from skaws.priors import Gaussian
from skaws.regression import (
    ConstantEmbedding,
    LatentEstimate,
)
from skaws.wake_sleep import sleep, wake

from ..common import small_gaussian


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
