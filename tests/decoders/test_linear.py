"""Laws of the linear decoder."""

import numpy as np
import pytest

from skaws.decoders import Linear
from skaws.params import ParameterSpace

from ..common import gaussian_params, with_holes

N, D, K = 500, 5, 2
UNITS = np.array([0.01, 1.0, 1.0, 10.0, 100.0])


@pytest.fixture
def X():
    rng = np.random.default_rng(0)
    factors = rng.standard_normal((N, K)) @ rng.standard_normal((K, D))
    return 7 + UNITS * (factors + 0.5 * rng.standard_normal((N, D)))


@pytest.fixture
def params():
    return gaussian_params(K, D, np.random.default_rng(1))["decoder"]


def started(X, n_latents=K, seed=2):
    params = Linear().init_params(X, n_latents, np.random.default_rng(seed))
    assert params["components"].shape == (n_latents, X.shape[1])
    ParameterSpace(params)  # raises if not finite
    return params


def test_location_is_linear_with_an_offset(params):
    z = np.random.default_rng(3).standard_normal((4, K))
    expected = np.einsum("nk,kd->nd", z, params["components"]) + params["mean"]
    np.testing.assert_allclose(Linear().location(params, z), expected, rtol=1e-12)


def test_linear_map_is_that_of_the_location(params):
    mean, components = Linear().linear_map(params)
    at_units = Linear().location(params, np.vstack([np.zeros(K), np.eye(K)]))
    np.testing.assert_allclose(at_units, np.vstack([mean, mean + components]))


def test_a_step_in_units_moves_locations_by_so_many_units(params):
    step = gaussian_params(K, D, np.random.default_rng(4))["decoder"]
    z = np.random.default_rng(3).standard_normal((4, K))
    natural = Linear().in_units(step, UNITS)
    moved = {name: params[name] + natural[name] for name in params}
    change = Linear().location(moved, z) - Linear().location(params, z)
    np.testing.assert_allclose(change / UNITS, Linear().location(step, z), rtol=1e-10)


@pytest.mark.parametrize("share", [0.0, 0.3], ids=["complete", "with holes"])
def test_starts_at_the_mean_of_what_is_observed(X, share):
    X = with_holes(X, share, np.random.default_rng(5))
    np.testing.assert_allclose(started(X)["mean"], np.nanmean(X, axis=0))


def test_starts_at_probabilistic_principal_components_of_standardised_columns(X):
    # Tipping & Bishop (1999): W W' = U (L - s^2) U'.  Loadings are perturbed by 0.01
    # standard normal; a column's have length at most 1, so that entries of W W' move by
    # 0.01 sqrt(2) at most: five times this.
    correlation = np.corrcoef(X.T)
    variances, directions = np.linalg.eigh(correlation)
    left = variances[:-K].mean()
    top = directions[:, -K:]
    expected = top * (variances[-K:] - left) @ top.T
    loadings = started(X)["components"] / X.std(axis=0)
    assert np.abs(expected).max() > 0.5
    tolerance = 5 * 0.01 * np.sqrt(2)
    np.testing.assert_allclose(loadings.T @ loadings, expected, atol=tolerance)


def test_start_follows_the_units_of_columns(X):
    factor = np.array([1.0, 2.0, 4.0, 0.5, 2.0**-10])  # without rounding
    expected = started(X)["components"] * factor
    np.testing.assert_allclose(started(X * factor)["components"], expected, rtol=1e-10)


def test_constant_columns_get_no_loading(X):
    X[:, 2] = 4.0
    params = started(X)
    assert np.all(params["components"][:, 2] == 0.0) and params["mean"][2] == 4.0


def test_latents_beyond_the_features_start_off_the_saddle_at_zero(X):
    components = started(X, n_latents=D + 2)["components"] / X.std(axis=0)
    beyond = components[D:]
    # 2 D standard normals times 0.01: none is zero, none beyond 5 standard deviations.
    assert np.all(beyond != 0.0) and np.abs(beyond).max() < 0.05


def test_all_latents_start_apart_on_columns_without_correlation():
    components = started(np.random.default_rng(0).standard_normal((N, D)), D)["components"]
    assert np.linalg.matrix_rank(components) == D
