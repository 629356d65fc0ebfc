"""What a model knows itself is taken as it is."""

import numpy as np
import pytest

from skaws import priors
from skaws.posteriors import Exact
from skaws.simulations import latent_space

from .models import fitted, linear_model


@pytest.mark.parametrize(
    ("prior", "known"), [(priors.Gaussian(2), True), (priors.Laplace(2), False)]
)
def test_it_suits_models_with_a_posterior(prior, known):
    model, params = linear_model(prior)
    assert Exact().suits(model, params, latent_space(model, params)) is known


def test_answers_are_those_of_the_model():
    model, params = linear_model(priors.Gaussian(2))
    X = np.random.default_rng(0).standard_normal((4, 5))
    found, own = fitted(Exact(), model, params), model.posterior(params)
    np.testing.assert_array_equal(found.mean(X), own.mean(X))
    np.testing.assert_array_equal(found.log_marginal(X), own.log_marginal(X))
