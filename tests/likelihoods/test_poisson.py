"""Laws of Poisson counts."""

import numpy as np
import pytest
from scipy.stats import poisson

from skaws.decoders import MLP
from skaws.likelihoods import Gaussian, Poisson
from skaws.likelihoods.poisson import log_factorial, sparse_poisson
from skaws.models import LatentVariableModel
from skaws.priors import Gaussian as Prior

from ..common import assert_means
from .registry import (
    assert_derivative,
    assert_exponential_family,
    assert_information,
    assert_samples_have_mean_and_variance,
    assert_slopes,
)

LOCATION = np.array([0.3, 2.0, 30.0])
LINKS = {"identity": LOCATION, "log": np.log(LOCATION)}


@pytest.fixture
def X():
    return np.random.default_rng(0).poisson(LOCATION, (20, 3)).astype(float)


@pytest.mark.parametrize("link", LINKS)
def test_samples_scatter_as_much_as_their_mean(link):
    assert_samples_have_mean_and_variance(Poisson(link), {}, LINKS[link], LOCATION)


def test_rare_counts_scatter_as_much_as_their_mean():
    # Below a mean of one half entries are drawn all at once.
    location = np.array([0.02, 0.1, 0.3, 1.0])
    assert_samples_have_mean_and_variance(Poisson(), {}, location, location)
    assert not sparse_poisson(np.zeros((50, 2)), np.random.default_rng(0)).any()


def test_rare_counts_are_those_of_the_plain_sampler():
    rate = np.full((20_000, 2), 0.4)
    rare = sparse_poisson(rate, np.random.default_rng(0))
    for value in range(3):
        assert_means((rare == value) * 1.0, poisson(0.4).pmf(value))


@pytest.mark.parametrize("link", LINKS)
def test_log_density_is_scipys(link, X):
    location = LINKS[link] * np.ones(X.shape)
    got = Poisson(link).log_density({}, location, X)
    np.testing.assert_allclose(got, poisson(LOCATION).logpmf(X), rtol=1e-10)


@pytest.mark.parametrize("link", LINKS)
def test_exponential_family_form_is_the_log_density(link, X):
    assert_exponential_family(Poisson(link), LINKS[link] * np.ones(X.shape), X)


@pytest.mark.parametrize("link", LINKS)
def test_derivative_written_out_is_that_of_the_density(link, X):
    assert_derivative(Poisson(link), {}, LINKS[link] * np.ones(X.shape), X)


@pytest.mark.parametrize("link", LINKS)
def test_slopes_are_the_parts_of_the_derivative(link, X):
    assert_slopes(Poisson(link), {}, LINKS[link] * np.ones(X.shape), X)


def test_slopes_of_gaussian_noise_are_parts_whatever_the_sign(X):
    location = LOCATION * np.ones(X.shape)
    assert_slopes(Gaussian(), {"noise_variance": 2.0}, location, X - 3.0)


@pytest.mark.parametrize("link", LINKS)
def test_information_is_the_curvature(link, X):
    location = LINKS[link] * np.ones(X.shape)
    assert_information(Poisson(link), {}, location, X)


def test_information_at_the_rate_is_one_over_it():
    location = LOCATION * np.ones((2, 3))
    np.testing.assert_allclose(Poisson().information({}, location, location), 1 / location)


def test_log_factorials_from_the_table_and_beyond():
    X = np.array([0.0, 1.0, 5.0, 2000.0, 2.5])
    expected = [0.0, 0.0, np.log(120.0)]
    np.testing.assert_allclose(log_factorial(X[:3]), expected, atol=1e-14)
    np.testing.assert_allclose(log_factorial(X)[:3], expected, atol=1e-14)
    assert log_factorial(X)[3] == pytest.approx(2000 * np.log(2000) - 2000, rel=1e-3)


def test_a_rate_of_zero_forbids_all_but_zero():
    got = Poisson().log_density({}, np.zeros((1, 2)), np.array([[0.0, 1.0]]))
    assert got[0, 0] == 0.0 and got[0, 1] < -20


def test_link_is_checked():
    with pytest.raises(ValueError, match="link must be 'identity' or 'log'; got 'exp'"):
        Poisson("exp")


@pytest.mark.parametrize("rate", [1e16, np.inf, np.nan])
def test_rates_that_ran_away_are_told(rate):
    with pytest.raises(FloatingPointError, match="run away.*Lower learning_rate"):
        sparse_poisson(np.array([[1.0, rate]]), np.random.default_rng(0))


def test_logarithms_of_counts_are_where_a_decoder_starts():
    # From the counts themselves rates would be their exponentials.
    X = np.random.default_rng(0).poisson(200.0, (300, 4)).astype(float)
    X[0, 0] = 0.0
    assert np.isfinite(Poisson("log").location_of(X)).all()
    model = LatentVariableModel(Prior(2), MLP((10,)), Poisson("log"))
    rng = np.random.default_rng(1)
    drawn = model.sample(model.init_params(X, rng), 1000, rng)[1]
    assert 150 < np.median(drawn) < 260
