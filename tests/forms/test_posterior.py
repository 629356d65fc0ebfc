"""A log prior is added to what is climbed, and nothing else."""

import autograd.numpy as anp
import numpy as np
from autograd import grad

from skaws.forms import (
    PosteriorForm,
    ScalarForm,
)
from skaws.params import ParameterSpace
from skaws.regression import (
    Embedding,
    LatentEstimate,
)
from skaws.wake_sleep import sleep, wake

from ..common import gaussian_model


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
