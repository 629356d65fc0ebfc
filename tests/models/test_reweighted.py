"""Estimates of latents that outliers do not move, against the posterior itself."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import elementwise_grad

from skaws.likelihoods import StudentT
from skaws.models.linear_gaussian import LinearGaussian
from skaws.models.reweighted import ReweightedGaussian

from ..common import altered, with_holes

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


def reweighted(linear_map, noise, **options):
    return ReweightedGaussian(*linear_map, *MOMENTS, StudentT(), noise, **options)


def linear(linear_map, noise):
    variance = StudentT().noise_variance(noise, np.zeros(D))
    return LinearGaussian(*linear_map, variance, *MOMENTS)


def test_it_comes_to_a_mode_of_the_posterior(X, linear_map, noise):
    mode = reweighted(linear_map, noise, n_steps=300).posterior_mean(X)
    slope = elementwise_grad(lambda z: log_joint(z, X, linear_map, noise))
    assert np.abs(slope(mode)).max() < 1e-6
    near = mode + 0.1 * np.random.default_rng(2).standard_normal((20, M, K))
    highest = log_joint(mode, X, linear_map, noise)
    assert all(np.all(log_joint(z, X, linear_map, noise) < highest) for z in near)
    # The linear estimate does not, even where noise is nearly Gaussian.
    assert np.abs(slope(linear(linear_map, noise).posterior_mean(X))).max() > 1.0


def test_few_steps_come_close_to_it(X, linear_map, noise):
    mode, covariance = reweighted(linear_map, noise, n_steps=300).posterior(X)
    deviation = np.sqrt(np.einsum("mkk->mk", covariance))

    def error(estimate):
        return np.sqrt(np.mean(((estimate - mode) / deviation) ** 2))

    assert error(reweighted(linear_map, noise).posterior_mean(X)) < 0.3
    assert error(linear(linear_map, noise).posterior_mean(X)) > 1.0


def test_a_wild_entry_is_as_good_as_missing(X, linear_map, noise):
    X = np.nan_to_num(X)
    wild, hidden = X.copy(), X.copy()
    wild[:, 3], hidden[:, 3] = 1e6, np.nan
    twin = reweighted(linear_map, noise)
    for found, expected in zip(twin.posterior(wild), twin.posterior(hidden), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-3)
    follows = linear(linear_map, noise).posterior_mean
    assert np.abs(follows(wild) - follows(hidden)).min() > 100


def test_entries_of_like_weight_give_the_linear_answers(X, linear_map, noise):
    gaussian = altered(
        StudentT(),
        relative_precision=lambda params, distance: np.ones(distance.shape),
        information=lambda params, location, X: np.ones(X.shape) / params["scale"] ** 2,
    )
    mean, covariance = ReweightedGaussian(*linear_map, *MOMENTS, gaussian, noise).posterior(
        X
    )
    exact = LinearGaussian(*linear_map, SCALE**2, *MOMENTS)
    np.testing.assert_allclose(mean, exact.posterior_mean(X), rtol=1e-12)
    np.testing.assert_allclose(covariance, exact.posterior_covariance(X), rtol=1e-12)


def test_noise_of_many_degrees_of_freedom_gives_the_linear_answers(X, linear_map):
    nearly = {"scale": SCALE, "dof": 1e9}
    expected = linear(linear_map, nearly).posterior_mean(X)
    found = reweighted(linear_map, nearly).posterior_mean(X)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_rows_do_not_notice_one_another(X, linear_map, noise):
    twin = reweighted(linear_map, noise)
    X[5] = np.nan
    before, (mean, covariance) = X.copy(), twin.posterior(X)
    np.testing.assert_allclose(mean[5], MOMENTS[0])
    np.testing.assert_allclose(covariance[5], MOMENTS[1].T @ MOMENTS[1])
    for part, whole in zip(twin.posterior(X[3:7]), (mean, covariance), strict=True):
        np.testing.assert_allclose(part, whole[3:7], rtol=1e-9)
    np.testing.assert_array_equal(X, before)
