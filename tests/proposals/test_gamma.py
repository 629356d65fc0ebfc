"""Gamma latents against quadrature, and their draws against their densities."""

import numpy as np
import pytest
from scipy.stats import gamma

from skaws.decoders import Linear
from skaws.evaluation import importance_posterior
from skaws.likelihoods import Gamma as GammaNoise
from skaws.likelihoods import Gaussian, NegativeBinomial, Poisson, StudentT
from skaws.models import LatentVariableModel
from skaws.priors import Gamma
from skaws.proposals.gamma import cube_draw

from .quadrature import by_quadrature, grid

NOISES = {
    "Poisson": (Poisson(), {}),
    "Gaussian": (Gaussian(), {"noise_variance": 1.0}),
    "NegativeBinomial": (NegativeBinomial(), {"size": 2.0}),
    "Gamma": (GammaNoise(), {"shape": 2.0}),
    "StudentT": (StudentT(), {"scale": 1.0, "dof": 4.0}),
}


def gamma_model(name, k):
    likelihood, noise = NOISES[name]
    params = {
        "prior": {"shape": np.array([0.2, 1.5])[:k]},
        "decoder": {
            "components": np.array(
                [[5.0, 0.1, 1.0, 0.1, 0.1, 0.1], [0.1, 3.0, 0.1, 6.0, 0.1, 0.1]]
            )[:k]
        },
        "likelihood": noise,
    }
    return LatentVariableModel(Gamma(k), Linear(nonnegative=True), likelihood), params


@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("name", NOISES)
def test_gamma_latents_against_quadrature(name, k):
    model, params = gamma_model(name, k)
    X = model.sample(params, 8, np.random.default_rng(0))[1]
    X[::3, 1] = np.nan
    u, cell = grid(-70.0, 4.0, 4000 if k == 1 else 700, k)
    exact = by_quadrature(model, params, X, np.exp(u), u.sum(axis=1), cell)
    # Effective sample sizes of 1000 of 4000 draws at least: errors of about 3%.
    log_marginal, mean = importance_posterior(model, params, X, n_draws=4000)
    np.testing.assert_allclose(log_marginal, exact[0], atol=0.12)
    np.testing.assert_allclose(mean, exact[1], atol=0.1)
    default = importance_posterior(model, params, X)[0]
    assert abs(np.mean(default - exact[0])) < 0.1


@pytest.mark.parametrize("shape", [0.1, 0.7, 1.0, 3.0, 50.0])
def test_cubes_weigh_to_gamma_variables(shape):
    # The weights' mean is one, and weighted moments are the Gamma distribution's.
    rng = np.random.default_rng(0)
    normal, power = rng.standard_normal(40_000), rng.exponential(size=40_000)
    unit, correction = cube_draw(np.full(40_000, shape), normal, power)
    weights = np.exp(-(correction - 0.5 * normal**2))
    for values, expected in (
        (np.ones(40_000), 1.0),
        (unit, shape),
        (unit < gamma(shape).ppf(0.3), 0.3),
    ):
        products = weights * values
        error = products.std() / np.sqrt(40_000)
        assert abs(products.mean() - expected) < 5 * error + 1e-12
    assert weights.std() < 0.3


def test_a_row_depends_on_itself_alone():
    model, params = gamma_model("Poisson", 2)
    X = model.sample(params, 20, np.random.default_rng(0))[1]
    whole = importance_posterior(model, params, X)
    part = importance_posterior(model, params, X[3:7])
    np.testing.assert_allclose(whole[0][3:7], part[0])
    np.testing.assert_allclose(whole[1][3:7], part[1])


def test_a_row_that_says_nothing_gives_the_prior():
    model, params = gamma_model("Poisson", 2)
    params["decoder"]["components"] = np.full((2, 6), 1e-9)
    log_marginal, mean = importance_posterior(model, params, np.zeros((1, 6)), n_draws=4000)
    assert abs(log_marginal[0]) < 0.02
    # Standard error of the mean of latents with variances 5 and 2/3.
    assert np.all(np.abs(mean[0] - 1) < 5 * np.sqrt([5.0, 0.67]) / np.sqrt(4000))


def test_odd_number_of_draws_is_refused():
    # Draws come in pairs: the weights would be divided by one more than there are.
    model, params = gamma_model("Poisson", 1)
    with pytest.raises(ValueError, match="n_draws=21 must be even"):
        importance_posterior(model, params, np.ones((2, 6)), n_draws=21)
