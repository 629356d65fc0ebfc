"""Estimates of latents that outliers do not move, against the posterior itself."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import elementwise_grad

from skaws.likelihoods import StudentT
from skaws.posteriors import GaussianApproximation, LinearMoments, Robust, Wide
from skaws.posteriors.robust import FittedRobust

from ..common import altered, with_holes
from .models import fitted, function_model, importance, robust_model
from .quadrature import by_quadrature, grid

K, D, M = 2, 8, 40
MOMENTS = np.array([1.0, -2.0]), np.array([[0.5, 0.2], [0.0, 2.0]])
SCALE = np.linspace(0.2, 1.0, D)


@pytest.fixture
def linear_map():
    rng = np.random.default_rng(0)
    return rng.standard_normal(D), rng.standard_normal((K, D))


@pytest.fixture(params=[2.2, 4.0, 30.0], ids="dof {}".format)
def noise(request):
    return {"scale": SCALE, "dof": request.param}


@pytest.fixture
def X(linear_map, noise):
    """Rows of the model, of which each has an outlying entry, and some have holes."""
    rng = np.random.default_rng(1)
    mean, components = linear_map
    latents = MOMENTS[0] + rng.standard_normal((M, K)) @ MOMENTS[1]
    X = StudentT().sample(noise, mean + latents @ components, rng)
    X[np.arange(M), rng.integers(D, size=M)] += rng.choice([-20.0, 20.0], M)
    return with_holes(X, 0.1, rng)


def log_joint(latents, X, linear_map, noise):
    """Of Gaussian latents with the given moments, less a constant."""
    white = (latents - MOMENTS[0]) @ np.linalg.inv(MOMENTS[1])
    location = linear_map[0] + anp.dot(latents, linear_map[1])
    seen = ~np.isnan(X)
    entries = StudentT().log_density(noise, location, np.where(seen, X, 0.0))
    return anp.sum(anp.where(seen, entries, 0.0), axis=1) - 0.5 * anp.sum(white**2, 1)


def robust(linear_map, noise, n_steps=5, likelihood=None):
    moments = LinearMoments(*linear_map, *MOMENTS, SCALE**2)
    likelihood = StudentT() if likelihood is None else likelihood
    linear = GaussianApproximation(moments)
    return FittedRobust(moments, linear, likelihood, noise, n_steps)


def linear(linear_map, noise):
    variance = StudentT().noise_variance(noise, np.zeros(D))
    return GaussianApproximation(LinearMoments(*linear_map, *MOMENTS, variance))


def test_it_comes_to_a_mode_of_the_posterior(X, linear_map, noise):
    mode = robust(linear_map, noise, n_steps=300).mean(X)
    slope = elementwise_grad(lambda z: log_joint(z, X, linear_map, noise))
    assert np.abs(slope(mode)).max() < 1e-6
    near = mode + 0.1 * np.random.default_rng(2).standard_normal((20, M, K))
    highest = log_joint(mode, X, linear_map, noise)
    assert all(np.all(log_joint(z, X, linear_map, noise) < highest) for z in near)
    # The linear estimate does not, even where noise is nearly Gaussian.
    assert np.abs(slope(linear(linear_map, noise).mean(X))).max() > 1.0


def test_few_steps_come_close_to_it(X, linear_map, noise):
    exact = robust(linear_map, noise, n_steps=300)
    deviation = np.sqrt(np.einsum("mkk->mk", exact.covariance(X)))

    def error(estimate):
        return np.sqrt(np.mean(((estimate - exact.mean(X)) / deviation) ** 2))

    assert error(robust(linear_map, noise).mean(X)) < 0.3
    assert error(linear(linear_map, noise).mean(X)) > 1.0


def test_a_far_outlier_is_as_good_as_missing(X, linear_map, noise):
    X = np.nan_to_num(X)
    outlying, hidden = X.copy(), X.copy()
    outlying[:, 3], hidden[:, 3] = 1e6, np.nan
    posterior = robust(linear_map, noise)
    for answer in (posterior.mean, posterior.covariance):
        np.testing.assert_allclose(answer(outlying), answer(hidden), atol=1e-3)
    follows = linear(linear_map, noise).mean
    assert np.abs(follows(outlying) - follows(hidden)).min() > 100


def test_entries_of_like_weight_give_the_linear_answers(X, linear_map, noise):
    gaussian = altered(
        StudentT(),
        relative_precision=lambda params, distance: np.ones(distance.shape),
        information=lambda params, location, X: np.ones(X.shape) / params["scale"] ** 2,
    )
    found = robust(linear_map, noise, likelihood=gaussian)
    exact = GaussianApproximation(LinearMoments(*linear_map, *MOMENTS, SCALE**2))
    np.testing.assert_allclose(found.mean(X), exact.mean(X), rtol=1e-12)
    np.testing.assert_allclose(found.covariance(X), exact.covariance(X), rtol=1e-12)


def test_noise_of_many_degrees_of_freedom_gives_the_linear_answers(X, linear_map):
    nearly = {"scale": SCALE, "dof": 1e9}
    expected = linear(linear_map, nearly).mean(X)
    np.testing.assert_allclose(robust(linear_map, nearly).mean(X), expected, atol=1e-4)


def test_a_row_without_observed_entries_knows_the_prior_only(X, linear_map, noise):
    X[5] = np.nan
    before, posterior = X.copy(), robust(linear_map, noise)
    mean, covariance = posterior.mean(X), posterior.covariance(X)
    np.testing.assert_allclose(mean[5], MOMENTS[0])
    np.testing.assert_allclose(covariance[5], MOMENTS[1].T @ MOMENTS[1])
    np.testing.assert_array_equal(X, before)


@pytest.mark.parametrize("dof", [2.5, 4.0])
@pytest.mark.parametrize("k", [1, 2])
def test_rows_with_outliers_against_quadrature(k, dof):
    model, params = robust_model(k, dof)
    X = model.sample(params, 10, np.random.default_rng(0))[1]
    X[np.arange(10), np.arange(10)] += np.linspace(8.0, 16.0, 10) * np.tile([1, -1], 5)
    X[::3, 1] = np.nan
    z, cell = grid(-6.0, 6.0, 4000 if k == 1 else 400, k)
    exact = by_quadrature(model, params, X, z, 0.0, cell)
    # Of 200 draws at least 50 are effective: errors below 14%.
    found = importance(fitted(Wide(Robust()), model, params), model, params, X)
    np.testing.assert_allclose(found[0], exact[0], atol=0.14)
    np.testing.assert_allclose(found[1], exact[1], atol=0.14)


def test_latents_that_are_not_real_are_refused():
    with pytest.raises(ValueError, match="Robust is for latents that are real"):
        fitted(Robust(), *function_model("waiting"))
