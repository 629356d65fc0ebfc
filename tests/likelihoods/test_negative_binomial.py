"""Laws of negative binomial counts."""

import numpy as np
import pytest
from scipy.stats import nbinom

from skaws.likelihoods import NegativeBinomial, Poisson
from skaws.spaces import Space

from .registry import (
    assert_derivative,
    assert_information,
    assert_samples_have_mean_and_variance,
    assert_slopes,
)

PARAMS = {"size": 1.7}
LOCATION = np.array([0.3, 2.0, 30.0])


@pytest.fixture
def X():
    rng = np.random.default_rng(0)
    return NegativeBinomial().sample(PARAMS, LOCATION * np.ones((20, 3)), rng)


def test_samples_have_the_mean_and_variance_of_the_family():
    variance = LOCATION + LOCATION**2 / PARAMS["size"]
    noise = NegativeBinomial()
    assert_samples_have_mean_and_variance(noise, PARAMS, LOCATION, variance)
    np.testing.assert_allclose(noise.noise_variance(PARAMS, LOCATION), variance)


def test_log_density_is_scipys(X):
    size = PARAMS["size"]
    expected = nbinom(size, size / (size + LOCATION)).logpmf(X)
    got = NegativeBinomial().log_density(PARAMS, LOCATION * np.ones(X.shape), X)
    np.testing.assert_allclose(got, expected, rtol=1e-9)


def test_large_sizes_are_nearly_poisson(X):
    location = LOCATION * np.ones(X.shape)
    got = NegativeBinomial().log_density({"size": 1e6}, location, X)
    np.testing.assert_allclose(got, Poisson().log_density({}, location, X), rtol=0.01)


def test_information_is_the_curvature_where_that_is_positive():
    location = LOCATION * np.ones((3, 1))
    for X in (0 * location, location, 3 * location):
        assert_information(NegativeBinomial(), PARAMS, location, X)


def test_derivative_and_slopes(X):
    location = LOCATION * np.ones(X.shape)
    assert_derivative(NegativeBinomial(), PARAMS, location, X)
    assert_slopes(NegativeBinomial(), PARAMS, location, X)


@pytest.mark.parametrize("column", [0.0, 3.0])
def test_start_lies_in_the_support_and_near_the_truth(column):
    # Locations that vary add to the scatter: the start is a multiple of the size.
    noise, rng = NegativeBinomial(), np.random.default_rng(0)
    for X in (np.full((50, 2), column), noise.sample(PARAMS, np.full((500, 2), 5.0), rng)):
        start = noise.init_params(X, X, rng)
        assert Space(start, noise.constraints).size == 1
    assert 0.5 < start["size"] / PARAMS["size"] < 4
