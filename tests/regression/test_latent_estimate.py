"""Laws of latent estimates."""

import pickle

import numpy as np
import pytest

from skaws.models import FunctionModel
from skaws.regression import LatentEstimate

from ..common import gaussian_model, gaussian_params, with_holes

N = 1000


@pytest.fixture
def params():
    params = gaussian_params(2, 4, np.random.default_rng(0))
    params["decoder"]["components"] *= 2.0
    return params


@pytest.fixture
def exact():
    return gaussian_model(2, per_feature=True)


@pytest.fixture
def plain(exact):
    """The same model without any closed form."""
    return FunctionModel(exact.sample, exact.log_joint, exact.init_params)


def fitted(model, params, seed=1):
    pairs = model.sample(params, N, np.random.default_rng(seed))
    return LatentEstimate().fit(model, params, *pairs)[0], *pairs


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_closed_form_is_taken_where_there_is_one(exact, params, share):
    estimate, _, x = fitted(exact, params)
    x = with_holes(x, share, np.random.default_rng(2))
    np.testing.assert_array_equal(estimate(x), exact.latent_estimate(params, x))


def test_ridge_regression_is_taken_where_there_is_none(plain, params):
    # Written out: standardised columns, centred latents, penalty 1.
    estimate, z, x = fitted(plain, params)
    Z = (x - x.mean(axis=0)) / x.std(axis=0)
    slopes = np.linalg.solve(Z.T @ Z + np.eye(4), Z.T @ (z - z.mean(axis=0)))
    expected = np.clip(z.mean(axis=0) + Z @ slopes, z.min(axis=0), z.max(axis=0))
    np.testing.assert_allclose(estimate(x), expected, atol=1e-10)


def test_ridge_estimate_explains_what_the_posterior_mean_does(exact, plain, params):
    # The best linear estimate leaves the posterior variance, the fitted one d / N of it
    # more; the mean of 2000 squared errors has a standard error of 3.2 %: five are 16 %.
    # The prior mean would leave 1.
    estimate, *_ = fitted(plain, params)
    z, x = plain.sample(params, 2000, np.random.default_rng(3))
    covariance = exact.linear_gaussian(params).posterior_covariance(x[:1])[0]
    left = np.mean((estimate(x) - z) ** 2, axis=0)
    assert np.all(left < 1.2 * np.diag(covariance)) and np.all(left < 0.7)


def test_ridge_estimate_stays_within_the_simulated_range(plain, params):
    estimate, z, x = fitted(plain, params)
    far = estimate(1e3 * x)
    assert np.all((far >= z.min(axis=0)) & (far <= z.max(axis=0)))
    assert np.any(far == z.min(axis=0)) and np.any(far == z.max(axis=0))


def test_ridge_estimate_takes_missing_entries_for_the_mean(plain, params):
    estimate, _, x = fitted(plain, params)
    holes = with_holes(x, 0.3, np.random.default_rng(2))
    filled = np.where(np.isnan(holes), x.mean(axis=0), x)
    np.testing.assert_allclose(estimate(holes), estimate(filled), atol=1e-12)


def test_ridge_estimate_is_fitted_on_rows_with_missing_entries(plain, params):
    z, x = plain.sample(params, N, np.random.default_rng(1))
    holes = with_holes(x, 0.3, np.random.default_rng(2))
    estimate, _ = LatentEstimate().fit(plain, params, z, holes)
    left = np.mean((estimate(holes) - z) ** 2, axis=0)
    assert np.all(np.isfinite(left)) and np.all(left < 0.9)  # of a prior variance of 1


def test_ridge_estimate_ignores_a_column_that_never_varies(plain, params):
    _, z, x = fitted(plain, params)
    wider = np.column_stack([x, np.full(N, 0.1)])
    estimate, _ = LatentEstimate().fit(plain, params, z, wider)
    other = np.column_stack([x, np.full(N, 0.1 + 1e-3)])
    np.testing.assert_allclose(estimate(other), estimate(wider), atol=1e-2)


@pytest.mark.parametrize("kind", ["exact", "plain"])
def test_estimates_come_with_their_values_at_the_simulations(kind, params, request):
    model = request.getfixturevalue(kind)
    pairs = model.sample(params, N, np.random.default_rng(1))
    estimate, values = LatentEstimate().fit(model, params, *pairs)
    np.testing.assert_array_equal(values, estimate(pairs[1]))


@pytest.mark.parametrize("kind", ["exact", "plain"])
def test_estimates_have_a_row_a_row_and_a_column_a_latent(kind, params, request):
    estimate, *_ = fitted(request.getfixturevalue(kind), params)
    assert estimate(np.zeros((7, 4))).shape == (7, 2)


def sample(params, n_samples, rng):
    z = rng.standard_normal((n_samples, 1))
    return z, z + rng.standard_normal((n_samples, 3))


def log_joint(params, z, x):
    return -0.5 * np.sum(z**2, axis=1) - 0.5 * np.sum((x - z) ** 2, axis=1)


def init_params(X, rng):
    return {}


@pytest.mark.parametrize("kind", ["closed form", "ridge"])
def test_estimates_pickle(kind, exact, params):
    if kind == "ridge":
        exact, params = FunctionModel(sample, log_joint, init_params), {}
    estimate, _, x = fitted(exact, params)
    again = pickle.loads(pickle.dumps(estimate))
    np.testing.assert_array_equal(again(x), estimate(x))
