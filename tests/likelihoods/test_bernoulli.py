"""Laws of binary entries."""

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import bernoulli

from skaws.likelihoods import Bernoulli

from .registry import (
    assert_derivative,
    assert_exponential_family,
    assert_information,
    assert_samples_have_mean_and_variance,
)

LOCATION = np.array([-2.0, 0.1, 0.5])


@pytest.fixture
def X():
    return Bernoulli().sample({}, LOCATION * np.ones((20, 3)), np.random.default_rng(0))


def test_samples_have_the_mean_and_variance_of_the_family():
    p = expit(LOCATION)
    assert_samples_have_mean_and_variance(Bernoulli(), {}, LOCATION, p * (1 - p))
    np.testing.assert_allclose(Bernoulli().information({}, LOCATION, None), p * (1 - p))


def test_log_density_is_scipys(X):
    got = Bernoulli().log_density({}, LOCATION * np.ones(X.shape), X)
    np.testing.assert_allclose(got, bernoulli(expit(LOCATION)).logpmf(X), rtol=1e-12)


def test_large_log_odds_do_not_overflow():
    got = Bernoulli().log_density({}, np.array([-1e4, 1e4]), np.array([1.0, 1.0]))
    assert got.tolist() == [-1e4, 0.0]


def test_exponential_family_form_and_derivative(X):
    location = LOCATION * np.ones(X.shape)
    assert_exponential_family(Bernoulli(), location, X)
    assert_derivative(Bernoulli(), {}, location, X)
    assert_information(Bernoulli(), {}, location, X)
