"""Draws have the posterior's variance, and real rows share their noise with simulations."""

import numpy as np
import pytest

from skaws import priors
from skaws.posteriors import LinearGaussian, Ridge, SharedResiduals
from skaws.simulations import simulate

from .models import function_model, linear_model


def fit(posterior, model, params, n_simulations=4000):
    rng = np.random.default_rng(0)
    simulations = simulate(model, params, n_simulations, rng)
    return simulations, posterior.fit(model, params, simulations, rng)


def draw(posterior, X, n_samples=1, common=False):
    return posterior.sample(X, n_samples, np.random.default_rng(0), common)[0]


def test_draws_have_the_law_of_the_latents():
    # Pairs (draw, x) and (z, x) have the same second moments: within 5 standard errors
    # of a covariance of 4000 rows, sqrt(2 / 4000) times the largest variance.
    (z, x, *_), posterior = fit(SharedResiduals(), *linear_model(priors.Gaussian(2)))
    expected = np.cov(np.hstack([z, x]), rowvar=False)
    drawn = draw(posterior, x)[0]
    bound = 5 * np.sqrt(2 / 4000) * expected.max()
    assert np.abs(np.cov(np.hstack([drawn, x]), rowvar=False) - expected).max() < bound
    # Means themselves vary too little.
    too_little = np.cov(np.hstack([posterior.mean(x), x]), rowvar=False)
    assert np.abs(too_little - expected).max() > 0.05


def test_row_and_simulation_of_one_number_share_their_residuals():
    model, params = linear_model(priors.Laplace(2))
    (z, x, *_), posterior = fit(SharedResiduals(), model, params, 50)
    X = x[::-1] + 1.0
    residuals = z - posterior.mean(x)
    for rows in (x, X, x[:7], np.tile(x, (3, 1))[:120]):
        drawn = draw(posterior, rows, 3)
        for s in range(3):
            error = drawn[s] - posterior.mean(rows)
            expected = np.resize(np.roll(residuals, -1 - s, axis=0), error.shape)
            np.testing.assert_allclose(error, expected, atol=1e-12)


def test_rows_with_common_numbers_all_take_the_same_residuals():
    model, params = linear_model(priors.Laplace(2))
    (_, x, *_), posterior = fit(SharedResiduals(), model, params, 50)
    error = draw(posterior, x, 3, common=True) - posterior.mean(x)
    assert np.ptp(error, axis=1).max() < 1e-12 < np.ptp(error, axis=0).min()


def test_log_prob_is_gaussian_with_the_covariance_of_the_residuals():
    model, params = linear_model(priors.Laplace(2))
    (z, x, *_), posterior = fit(SharedResiduals(), model, params)
    drawn, log_prob = posterior.sample(x, 2, np.random.default_rng(0))
    residuals = drawn[1] - posterior.mean(x)
    precision = np.linalg.inv(residuals.T @ residuals / len(residuals))
    expected = -0.5 * np.einsum("ni,ij,nj->n", residuals, precision, residuals)
    expected += 0.5 * np.linalg.slogdet(precision / (2 * np.pi))[1]
    np.testing.assert_allclose(log_prob[1], expected, atol=1e-3)


def test_mean_is_that_of_the_posterior_inside():
    model, params = linear_model(priors.Laplace(2))
    wide = LinearGaussian(widening=5.0)
    simulations, posterior = fit(SharedResiduals(wide), model, params)
    x = simulations.observations
    expected = wide.fit(model, params, simulations, None).mean(x)
    np.testing.assert_array_equal(posterior.mean(x), expected)
    np.testing.assert_array_equal(posterior.mean(x[3:7]), expected[3:7])


@pytest.mark.parametrize("name", ["waiting", "tree", "path"])
def test_draws_of_other_latents_stay_in_their_support(name):
    simulations, posterior = fit(SharedResiduals(Ridge()), *function_model(name), 200)
    drawn = posterior.draw(simulations.observations, np.random.default_rng(0))
    assert simulations.space.contains(drawn)


def test_labels_are_refused():
    with pytest.raises(ValueError, match="SharedResiduals is for latents with real coord"):
        fit(SharedResiduals(), *function_model("labels"), 200)
