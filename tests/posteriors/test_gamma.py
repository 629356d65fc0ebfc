"""Gamma latents against quadrature, and their draws against their densities."""

import numpy as np
import pytest
from scipy.stats import gamma

from skaws import decoders, likelihoods, priors
from skaws.models import LatentVariableModel
from skaws.posteriors import Gamma
from skaws.posteriors.gamma import cube_draw, with_constant
from skaws.simulations import latent_space

from ..common import with_holes
from .models import NOISES, fitted, gamma_model, importance
from .quadrature import by_quadrature, grid

K, D = 3, 12


@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("name", NOISES)
def test_gamma_latents_against_quadrature(name, k):
    model, params = gamma_model(name, k)
    X = model.sample(params, 8, np.random.default_rng(0))[1]
    X[::3, 1] = np.nan
    u, cell = grid(-70.0, 4.0, 4000 if k == 1 else 700, k)
    exact = by_quadrature(model, params, X, np.exp(u), u.sum(axis=1), cell)
    posterior = fitted(Gamma(n_steps=100), model, params)
    # Effective sample sizes of 1000 of 4000 draws at least: errors of about 3%.
    log_marginal, mean = importance(posterior, model, params, X, n_samples=4000)
    np.testing.assert_allclose(log_marginal, exact[0], atol=0.12)
    np.testing.assert_allclose(mean, exact[1], atol=0.1)
    default = importance(posterior, model, params, X)[0]
    assert abs(np.mean(default - exact[0])) < 0.1


def test_latents_that_share_their_features_against_quadrature():
    # Their posterior is correlated: draws that forget it would be off by a log determinant.
    model, params = gamma_model("Poisson", 2)
    params["decoder"]["components"] = np.array([[5.0, 4.0, 6.0], [4.0, 5.0, 6.0]])
    params["prior"]["shape"] = np.array([2.0, 3.0])
    X = model.sample(params, 8, np.random.default_rng(0))[1]
    u, cell = grid(-9.0, 4.0, 700, 2)
    exact = by_quadrature(model, params, X, np.exp(u), u.sum(axis=1), cell)
    posterior = fitted(Gamma(n_steps=100), model, params)
    log_marginal, mean = importance(posterior, model, params, X, n_samples=4000)
    np.testing.assert_allclose(log_marginal, exact[0], atol=0.06)
    np.testing.assert_allclose(mean, exact[1], atol=0.05)


@pytest.mark.parametrize("shape", [0.1, 0.7, 1.0, 3.0, 50.0])
def test_cubes_weigh_to_gamma_variables(shape):
    # The weights' mean is one, and weighted moments are the Gamma distribution's.
    rng = np.random.default_rng(0)
    normal, power = rng.standard_normal(40_000), rng.exponential(size=40_000)
    log_unit, correction = cube_draw(*with_constant(np.full(40_000, shape)), normal, power)
    unit = np.exp(log_unit)
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


def test_a_row_that_says_nothing_gives_the_prior():
    model, params = gamma_model("Poisson", 2)
    params["decoder"]["components"] = np.full((2, 6), 1e-9)
    posterior = fitted(Gamma(n_steps=100), model, params)
    log_marginal, mean = importance(posterior, model, params, np.zeros((1, 6)), 4000)
    assert abs(log_marginal[0]) < 0.02
    # Standard error of the mean of latents with variances 5 and 2/3.
    assert np.all(np.abs(mean[0] - 1) < 5 * np.sqrt([5.0, 0.67]) / np.sqrt(4000))


class WithoutInformation(likelihoods.Likelihood):
    """Poisson counts that know their slopes, but not their curvature."""

    counts = True
    location_support = likelihoods.Poisson().location_support

    def sample(self, params, location, rng):
        return rng.poisson(location).astype(float)

    def log_density(self, params, location, X):
        return likelihoods.Poisson().log_density(params, location, X)

    def noise_variance(self, params, location):
        return location

    def slopes(self, params, location, X):
        return likelihoods.Poisson().slopes(params, location, X)


def test_without_information_draws_are_shaped_by_the_noise_variance():
    model, params = gamma_model("Poisson", 2)
    plain = LatentVariableModel(model.prior, model.decoder, WithoutInformation())
    X = model.sample(params, 8, np.random.default_rng(0))[1]
    found, expected = (
        importance(fitted(Gamma(100), one, params), one, params, X, 4000)
        for one in (plain, model)
    )
    np.testing.assert_allclose(found[0], expected[0], atol=0.12)


SUITED = [
    (priors.Gamma(2), decoders.Linear(nonnegative=True), likelihoods.Poisson(), True),
    (priors.Gamma(2), decoders.Linear(nonnegative=True), likelihoods.Gaussian(), True),
    (priors.Gamma(2), decoders.Linear(), likelihoods.Gaussian(), False),
    (priors.Gaussian(2), decoders.Linear(nonnegative=True), likelihoods.Gaussian(), False),
]


@pytest.mark.parametrize(("prior", "decoder", "likelihood", "suits"), SUITED)
def test_it_suits_gamma_latents_of_nonnegative_parts(prior, decoder, likelihood, suits):
    model, rng = LatentVariableModel(prior, decoder, likelihood), np.random.default_rng(0)
    params = model.init_params(rng.poisson(3.0, (50, 4)).astype(float), rng)
    assert Gamma().suits(model, params, latent_space(model, params)) is suits


# The mode.


def many_parts(name):
    """Model, params and rows of one likelihood."""
    likelihood, noise = NOISES[name]
    decoder = decoders.Linear(nonnegative=True)
    model = LatentVariableModel(priors.Gamma(K), decoder, likelihood)
    rng = np.random.default_rng(0)
    params = {
        "prior": {"shape": np.array([0.2, 1.0, 3.0])},
        "decoder": {"components": rng.gamma(0.5, 5.0, (K, D)) + 0.01},
        "likelihood": noise,
    }
    return model, params, model.sample(params, 40, rng)[1]


def height(model, params, X, u):
    """Log density of logarithms u of latents."""
    return model.log_joint(params, np.exp(u), X) + u.sum(axis=1)


def slopes(model, params, X, u, h=1e-5):
    """Its derivatives by differences, shape of u."""
    shifts = h * np.eye(u.shape[1])
    ahead, behind = (
        np.stack([height(model, params, X, u + side * shift) for shift in shifts], axis=1)
        for side in (1, -1)
    )
    return (ahead - behind) / (2 * h)


@pytest.mark.parametrize("share", [0.0, 0.3], ids=["complete", "with holes"])
@pytest.mark.parametrize("name", ["Poisson", "Gaussian", "NegativeBinomial"])
def test_updates_come_to_the_mode_in_log_z(name, share):
    model, params, X = many_parts(name)
    X = with_holes(X, share, np.random.default_rng(1))
    none, few, many = (
        fitted(Gamma(n_steps), model, params).mean(X) for n_steps in (0, 10, 3000)
    )
    assert np.abs(slopes(model, params, X, np.log(many))).max() < 1e-3
    # Ten are most of the way.
    start, end, best = (height(model, params, X, np.log(z)) for z in (none, few, many))
    assert np.mean(best - end) < 0.2 * np.mean(best - start) and np.all(few > 0)


def test_poisson_updates_never_go_down():
    # They are EM's: the log posterior of log z rises at each.
    model, params, X = many_parts("Poisson")
    paths = [fitted(Gamma(n_steps), model, params).mean(X) for n_steps in range(6)]
    heights = [height(model, params, X, np.log(z)) for z in paths]
    assert np.all(np.diff(heights, axis=0) > -1e-9)
