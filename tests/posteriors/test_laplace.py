"""Latents of any support and structure, against quadrature."""

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import exponnorm, multivariate_normal, norm

from skaws import priors
from skaws.posteriors import Laplace
from skaws.posteriors.laplace import StudentMixture
from skaws.simulations import latent_space

from ..common import assert_means
from .models import FUNCTIONS, fitted, function_model, importance, network_model

# Priors of one coordinate, a grid of latents, and the grid's log weight in their density.
ANGLES = np.linspace(-np.pi, np.pi, 4001)[1:]
MIDDLES = (np.arange(4000) + 0.5) / 4000
CURVES = {
    "Real": (priors.Gaussian(1), np.linspace(-8, 8, 4000)[:, None], np.log(16 / 3999)),
    "Positive": (priors.Gamma(1), 15 * MIDDLES[:, None], np.log(15 / 4000)),
    "Interval": (priors.Beta(1), MIDDLES[:, None], -np.log(4000)),
    "Sphere": (
        priors.UniformCircle(),
        np.column_stack([np.sin(ANGLES), np.cos(ANGLES)]),
        np.log(2 * np.pi / 4000),
    ),
}


@pytest.mark.parametrize("support", list(CURVES))
@pytest.mark.parametrize("noise_variance", [0.01, 1.0])
def test_network_decoder_against_quadrature(support, noise_variance):
    prior, grid, log_weight = CURVES[support]
    model, params = network_model(prior, 5, noise_variance)
    if support == "Positive":
        params["prior"]["shape"] = np.array([2.0])  # a density that the grid can follow
    X = model.sample(params, 40, np.random.default_rng(1))[1]
    X[::4, 2] = np.nan
    posterior = fitted(Laplace(), model, params)
    log_marginal, mean = importance(posterior, model, params, X, n_samples=2000)
    log_joint = np.array(
        [model.log_joint(params, np.tile(z, (40, 1)), X) + log_weight for z in grid]
    )
    expected = logsumexp(log_joint, axis=0)
    # 2000 draws whose weights have a relative variance of one: 0.02, of the worst of 40
    # three times that.
    np.testing.assert_allclose(log_marginal, expected, atol=0.08)
    assert abs(np.mean(log_marginal - expected)) < 0.02
    np.testing.assert_allclose(mean, np.exp(log_joint - expected).T @ grid, atol=0.08)


def test_positive_latents_of_a_function_against_their_formula():
    model, params = function_model("waiting")
    X = model.sample(params, 50, np.random.default_rng(1))[1]
    found = importance(fitted(Laplace(), model, params), model, params, X)[0]
    np.testing.assert_allclose(found, exponnorm.logpdf(X[:, 0], 2, 0, 0.5), atol=0.1)


def test_a_path_of_real_latents_against_its_formula():
    model, params = function_model("path")
    X = model.sample(params, 20, np.random.default_rng(1))[1]
    steps = np.tril(np.ones((3, 3)))
    covariance = steps @ steps.T
    joint = multivariate_normal(np.zeros(3), covariance + np.eye(3))
    posterior = fitted(Laplace(), model, params)
    log_marginal, mean = importance(posterior, model, params, X, n_samples=1000)
    exact = X @ np.linalg.solve(covariance + np.eye(3), covariance)
    np.testing.assert_allclose(log_marginal, joint.logpdf(X), atol=0.1)
    np.testing.assert_allclose(mean, exact, atol=0.15)
    # The mode of a Gaussian is its mean.
    np.testing.assert_allclose(posterior.mean(X)[:, :, 0], exact, atol=1e-4)


def test_latents_in_a_dictionary_against_quadrature():
    # Given the rate r, x is Gaussian: a one-dimensional integral is left.
    model, params = function_model("tree")
    X = model.sample(params, 20, np.random.default_rng(1))[1]
    rates = (np.arange(4000) + 0.5) / 200
    log_prior = 2 * np.log(rates) - rates - np.log(2.0)
    log_given = -0.5 * np.sum((X[:, None] - rates[:, None]) ** 2, axis=2) / 1.25
    log_given -= np.log(2 * np.pi * 1.25)
    expected = logsumexp(log_prior + log_given, axis=1) - np.log(200)
    found = importance(fitted(Laplace(), model, params), model, params, X, 1000)[0]
    np.testing.assert_allclose(found, expected, atol=0.1)


def log_marginal_of_direction(X):
    """A von Mises-Fisher integral over the sphere, of noise of deviation one half."""
    pull = 4.0 * np.linalg.norm(X, axis=1)
    log_mean = np.log(np.sinh(pull) / pull) - 2.0 * (np.sum(X**2, axis=1) + 1)
    return log_mean - 1.5 * np.log(2 * np.pi * 0.25)


def test_a_series_of_directions_against_its_formula():
    model, params = function_model("directions")
    X = model.sample(params, 20, np.random.default_rng(1))[1]
    expected = log_marginal_of_direction(X[:, :3]) + log_marginal_of_direction(X[:, 3:])
    found = importance(fitted(Laplace(), model, params), model, params, X, 1000)[0]
    np.testing.assert_allclose(found, expected, atol=0.15)


def test_directions_beside_a_level_against_their_formula():
    model, params = function_model("direction")
    X = model.sample(params, 20, np.random.default_rng(1))[1]
    log_sphere = log_marginal_of_direction(X[:, :3])
    log_level = -0.5 * X[:, 3] ** 2 / 1.25 - 0.5 * np.log(2 * np.pi * 1.25)
    found = importance(fitted(Laplace(), model, params), model, params, X, 1000)[0]
    np.testing.assert_allclose(found, log_sphere + log_level, atol=0.1)


@pytest.mark.parametrize("common", [False, True])
@pytest.mark.parametrize("n_samples", [1, 2, 3, 5])
def test_any_number_of_draws_is_one_of_the_mixture(n_samples, common):
    # Components come in a cycle with a random start: for a density h that is narrow, about
    # one of them, the mean of h / q over many small samples is one.
    centre, precision = np.array([0.0, 3.0, -2.0]), np.array([1.0, 4.0, 0.5])
    mixture = StudentMixture(
        np.tile(centre[:, None, None], (1, 2, 1)),
        np.tile(precision[:, None, None, None], (1, 2, 1, 1)),
    )
    ratios, h = [], norm(3.0, 0.4)
    for seed in range(2000):
        draws = mixture.draws(n_samples, np.random.default_rng(seed), common)
        ratio = np.exp(h.logpdf(draws[:, :, 0]) - mixture.log_density(draws))
        ratios.append(ratio.mean(axis=0))
    assert np.std(ratios, axis=0).max() / np.sqrt(2000) < 0.05
    assert_means(ratios, np.ones(2))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_it_suits_latents_with_real_coordinates(name):
    model, params = function_model(name)
    space = latent_space(model, params)
    assert Laplace().suits(model, params, space) is (name != "labels")


def test_more_than_thirty_coordinates_are_refused():
    model, params = network_model(priors.Gaussian(31), 40)
    with pytest.raises(ValueError, match="Laplace is for latents with 1 to 30 real coord"):
        fitted(Laplace(), model, params)


def test_a_small_pool_will_do():
    model, params = function_model("waiting")
    posterior = fitted(Laplace(n_pool=3), model, params)
    found = importance(posterior, model, params, np.array([[1.0]]), 1000)[0]
    np.testing.assert_allclose(found, exponnorm.logpdf(1.0, 2, 0, 0.5), atol=0.1)
