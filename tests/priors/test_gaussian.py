"""Laws of standard normal latents."""

import numpy as np
import pytest
from autograd import grad
from scipy.stats import multivariate_normal

from skaws.priors import Gaussian

from ..common import assert_means

N_LATENTS = [1, 3]


def drawn(n_latents, n_samples=20_000):
    return Gaussian(n_latents).sample({}, n_samples, np.random.default_rng(0))


@pytest.mark.parametrize("k", N_LATENTS)
def test_log_density_is_the_textbook_one(k):
    z = 3 * drawn(k, 20)
    expected = multivariate_normal(np.zeros(k)).logpdf(z)
    np.testing.assert_allclose(Gaussian(k).log_density({}, z), expected, rtol=1e-12)


@pytest.mark.parametrize("k", N_LATENTS)
def test_samples_have_mean_zero_and_unit_covariance(k):
    z = drawn(k)
    assert z.shape == (20_000, k)
    assert_means(z, 0.0)
    products = z[:, :, None] * z[:, None, :]
    assert_means(products.reshape(len(z), -1), np.eye(k).ravel())


@pytest.mark.parametrize("k", N_LATENTS)
def test_samples_and_log_density_are_of_one_law(k):
    # Stein: E[f(z) d log p(z) / dz + f'(z)] = 0, here for f(z) = z and f(z) = tanh z.
    z = drawn(k)
    score = grad(lambda latents: Gaussian(k).log_density({}, latents).sum())(z)
    assert_means(z * score, -1.0)
    assert_means(np.tanh(z) * score + 1 - np.tanh(z) ** 2, 0.0)


@pytest.mark.parametrize("k", N_LATENTS)
def test_moments_are_those_of_the_samples(k):
    mean, factor = Gaussian(k).moments({})
    assert mean.shape == (k,) and factor.shape == (k, k)
    assert_means(drawn(k), mean)
    assert_means((drawn(k) - mean) ** 2, np.diag(factor.T @ factor))


def test_same_seed_gives_the_same_latents():
    np.testing.assert_array_equal(drawn(3), drawn(3))


def test_has_no_params():
    prior = Gaussian(2)
    rng = np.random.default_rng(0)
    assert prior.init_params(np.zeros((5, 3)), rng) == {} and prior.constraints == {}


@pytest.mark.parametrize(
    "correlation", [np.eye(3), [[1.0, 2.0], [2.0, 1.0]], [[1.0, 0.5], [0.1, 1.0]]]
)
def test_correlations_that_cannot_be(correlation):
    with pytest.raises(ValueError, match="symmetric and positive definite, of shape"):
        Gaussian(2, correlation=correlation)


def test_correlated_density():
    correlation = np.array([[1.0, 0.6], [0.6, 1.0]])
    prior, z = Gaussian(2, correlation), drawn(2, 20)
    expected = multivariate_normal(np.zeros(2), correlation).logpdf(z)
    np.testing.assert_allclose(prior.log_density({}, z), expected)
    found = np.cov(prior.sample({}, 100_000, np.random.default_rng(0)).T)
    np.testing.assert_allclose(found, correlation, atol=0.02)  # five standard errors
