"""Laws of Gaussian noise."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import make_vjp
from scipy.stats import norm

from skaws.likelihoods import Gaussian
from skaws.likelihoods.gaussian import gaussian_log_density
from skaws.spaces import Space, shift

from ..common import assert_means, with_holes

N, D = 20, 3
VARIANCES = {"shared": np.array(0.7), "per feature": np.array([0.2, 1.0, 5.0])}


@pytest.fixture
def location():
    return np.random.default_rng(0).standard_normal((N, D))


@pytest.fixture
def X():
    return 2 * np.random.default_rng(1).standard_normal((N, D))


@pytest.fixture(params=VARIANCES)
def params(request):
    return {"noise_variance": VARIANCES[request.param]}


def test_log_density_is_the_textbook_one(params, location, X):
    expected = norm(location, np.sqrt(params["noise_variance"])).logpdf(X)
    np.testing.assert_allclose(Gaussian().log_density(params, location, X), expected)


def test_samples_have_the_location_for_mean_and_the_noise_variance(params):
    location = np.array([-1.0, 0.0, 10.0]) * np.ones((20_000, 1))
    x = Gaussian().sample(params, location, np.random.default_rng(0))
    assert_means(x, location[0])
    assert_means((x - location) ** 2, params["noise_variance"])


def test_noise_of_different_entries_is_independent(params):
    x = Gaussian().sample(params, np.zeros((20_000, D)), np.random.default_rng(0))
    assert_means(x * np.roll(x, 1, axis=1), 0.0)
    assert_means(x[1:] * x[:-1], 0.0)


def plain_log_density(location, variance, X):
    return -0.5 * ((X - location) ** 2 / variance + anp.log(2 * np.pi * variance))


@pytest.mark.parametrize("argument", [0, 1], ids=["location", "variance"])
@pytest.mark.parametrize("n_variances", [1, D])
def test_derivative_written_out_is_that_of_the_plain_formula(
    argument, n_variances, location, X
):
    rng = np.random.default_rng(2)
    arguments = [location, rng.uniform(0.1, 3.0, n_variances), X]
    g = rng.standard_normal((N, D))

    def gradient(function):
        def of_argument(value):
            return function(*arguments[:argument], value, *arguments[argument + 1 :])

        return make_vjp(of_argument)(arguments[argument])[0](g)

    expected = gradient(plain_log_density)
    assert expected.shape == arguments[argument].shape
    np.testing.assert_allclose(gradient(gaussian_log_density), expected, rtol=1e-12)


def test_log_density_leaves_its_arguments_as_they_were(location, X):
    before = location.copy(), X.copy()
    gaussian_log_density(location, np.ones(1), X)
    np.testing.assert_array_equal(location, before[0])
    np.testing.assert_array_equal(X, before[1])


def test_exponential_family_form_is_the_log_density(params, location, X):
    # log p(x | location) = eta . S(x) - Psi + log h(x)
    noise = Gaussian()
    natural = noise.natural_parameters(params, location)
    statistics = noise.sufficient_statistics(X)
    product = sum(eta * s for eta, s in zip(natural, statistics, strict=True))
    normalizer = noise.log_normalizer(params, location)
    np.testing.assert_allclose(
        product - normalizer + noise.log_base_measure(X),
        noise.log_density(params, location, X),
        rtol=1e-11,
    )


def test_sufficient_statistics_have_the_normalizers_gradient_for_mean(params):
    # E[S(x)] = dPsi / deta; here as moments of samples, within 5 standard errors.
    location = np.array([-1.0, 0.0, 10.0]) * np.ones((20_000, 1))
    noise = Gaussian()
    x = noise.sample(params, location, np.random.default_rng(0))
    first, second = noise.sufficient_statistics(x)
    assert_means(first, location[0])
    assert_means(second, location[0] ** 2 + params["noise_variance"])


def test_noise_variance_and_scale_are_variance_and_standard_deviation(params, location):
    variance = Gaussian().noise_variance(params, location)
    assert variance.shape == location.shape
    np.testing.assert_array_equal(variance, params["noise_variance"] * np.ones((N, D)))
    np.testing.assert_allclose(Gaussian().scale(params) ** 2, params["noise_variance"])


def starting_variance(noise, X, location):
    params = noise.init_params(X, location, np.random.default_rng(0))
    Space(params, noise.constraints)  # raises outside the support
    return params["noise_variance"]


def test_start_is_the_variance_that_locations_leave(X):
    # Locations of variance 1 under columns of variance 4, 9 and 16.
    white = (X - X.mean(axis=0)) / X.std(axis=0)
    got = starting_variance(Gaussian(per_feature=True), white * [2.0, 3.0, 4.0], white)
    np.testing.assert_allclose(got, [3.0, 8.0, 15.0])


def test_start_leaves_a_twentieth_where_locations_explain_all(X):
    got = starting_variance(Gaussian(per_feature=True), X, 2 * X)
    np.testing.assert_allclose(got, 0.05 * X.var(axis=0))


def test_shared_start_is_the_mean_of_the_features_starts(X, location):
    one = starting_variance(Gaussian(), X, location)
    each = starting_variance(Gaussian(per_feature=True), X, location)
    assert np.shape(one) == () and one == pytest.approx(each.mean())


def test_shared_variance_is_one_number_above_all_floors(X, location):
    # Floors above all variances, so that they decide.
    one = starting_variance(Gaussian(floor=np.array([50.0, 90.0, 70.0])), X, location)
    assert np.shape(one) == () and one > 90.0


def test_start_looks_at_observed_entries_only(X, location):
    holes = with_holes(X, 0.4, np.random.default_rng(2))
    got = starting_variance(Gaussian(per_feature=True), holes, 0 * location)
    np.testing.assert_allclose(got, np.nanvar(holes, axis=0))


@pytest.mark.parametrize("per_feature", [False, True])
@pytest.mark.parametrize("column", [0.1, 1e6 / 3])
def test_constant_columns_start_alike_whatever_their_value(column, per_feature):
    # The variance of a constant column need not be zero: rounding of its mean.
    X = 2 * np.random.default_rng(1).standard_normal((300, D))

    def start(value):
        X[:, 1] = value
        return starting_variance(Gaussian(per_feature), X, 0 * X)

    assert np.all(start(0.0) > 0)
    np.testing.assert_allclose(start(column), start(0.0), rtol=1e-6)


def test_start_is_positive_where_no_column_varies(location):
    got = starting_variance(Gaussian(per_feature=True), np.ones((N, D)), 0 * location)
    assert np.all(got > 0)


@pytest.mark.parametrize("floor", [10.0, np.array([0.0, 10.0, 50.0])])
def test_floor_is_respected_at_the_start_and_by_any_step(floor, X, location):
    noise = Gaussian(per_feature=True, floor=floor)
    start = {"noise_variance": starting_variance(noise, X, location)}
    assert np.all(start["noise_variance"] > floor)
    space = Space(start, noise.constraints)
    moved = space.unflatten(space.flatten(start) - 10.0)
    assert np.all(moved["noise_variance"] > floor)


@pytest.mark.parametrize("per_feature", [False, True])
def test_variances_that_are_not_learnt_stay_where_they_start(per_feature, X, location):
    for learned in (False, True):
        noise = Gaussian(per_feature, floor=0.1, learned=learned)
        start = noise.init_params(X, location, np.random.default_rng(0))
        space = Space(start, noise.constraints)
        assert space.size == learned * np.size(start["noise_variance"])
        moved = shift(start, space.split(np.ones(space.size)), noise.constraints)
        stays = moved["noise_variance"] == start["noise_variance"]
        assert np.all(stays) == (not learned)


def test_floors_are_stored_as_they_are():
    floor = np.array([0.1, 2.0, 0.3])
    for per_feature in (False, True):
        noise = Gaussian(per_feature, floor=floor)
        assert noise.floor is floor
        lowest = noise.constraints["noise_variance"].lower
        np.testing.assert_array_equal(lowest, floor if per_feature else 2.0)
