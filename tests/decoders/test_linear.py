"""Laws of the linear decoder."""

import numpy as np
import pytest

from skaws.decoders import Linear
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.likelihoods import Poisson
from skaws.models import LatentVariableModel
from skaws.priors import Categorical
from skaws.spaces import Space
from skaws.supports import (
    Binary,
    Integer,
    Interval,
    OneHot,
    Positive,
    Real,
    Simplex,
    Sphere,
)

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
    Space(params)  # raises if not finite
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


@pytest.fixture
def counts():
    rng = np.random.default_rng(0)
    return rng.poisson(rng.gamma(0.5, 2.0, (N, K)) @ rng.gamma(0.5, 4.0, (K, D))) * 1.0


@pytest.mark.parametrize("start", ["nndsvd", "rows"])
@pytest.mark.parametrize("share", [0.0, 0.3], ids=["complete", "with holes"])
@pytest.mark.parametrize("n_latents", [1, K, D + 2])
def test_nonnegative_start_predicts_the_mean_row_at_latents_of_one(
    counts, start, share, n_latents
):
    X = with_holes(counts, share, np.random.default_rng(5))
    decoder = Linear(nonnegative=True, start=start)
    params = decoder.init_params(X, n_latents, np.random.default_rng(2))
    assert Space(params, decoder.constraints).size == n_latents * D
    location = decoder.location(params, np.ones((1, n_latents)))
    # Half is the mean row; all components together have its total.
    mean = np.nanmean(X, axis=0)
    assert location.sum() == pytest.approx(mean.sum(), rel=1e-6)
    assert np.all(location[0] > 0.45 * mean)


def test_nonnegative_start_of_a_table_of_zeros_is_positive():
    decoder = Linear(nonnegative=True)
    params = decoder.init_params(np.zeros((6, 3)), 2, np.random.default_rng(0))
    assert np.all(params["components"] > 0)


def test_nonnegative_map_has_no_offset_and_keeps_steps():
    decoder, rng = Linear(nonnegative=True), np.random.default_rng(0)
    params = {"components": rng.random((K, D))}
    z = rng.random((4, K))
    np.testing.assert_allclose(decoder.location(params, z), z @ params["components"])
    mean, components = decoder.linear_map(params)
    np.testing.assert_array_equal(mean, np.zeros(D))
    np.testing.assert_array_equal(components, params["components"])
    assert decoder.in_units(params, 7.0) is params


def test_locations_are_nonnegative_where_components_and_latents_are():
    nonnegative = [
        *(Positive(), Positive(2.0), Interval(0.0, 1.0), Interval(1.0, 5.0)),
        *(Binary(), OneHot(), Simplex(), Integer(0, 3)),
    ]
    others = [Real(), Sphere(), Interval(-1.0, 1.0), Integer(-1, 1), Positive(-1.0)]
    for latents in nonnegative:
        assert Linear(nonnegative=True).location_support(latents) == Positive()
    for latents in others:
        assert Linear(nonnegative=True).location_support(latents) == Real()
    assert {repr(Linear().location_support(z)) for z in nonnegative + others} == {"Real()"}


def clusters(n, rng):
    centres = 5.0 * np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0], [1, 1, 1]])
    labels = rng.integers(4, size=n)
    return centres, centres[labels] + 0.5 * rng.standard_normal((n, 3))


def test_labels_start_at_means_of_clusters():
    centres, X = clusters(200, np.random.default_rng(0))
    holes = with_holes(X, 0.05, np.random.default_rng(1))
    for rows in (X, holes, X * [1.0, 1.0, 1000.0]):
        start = Linear().init_labels(rows, 4, np.random.default_rng(0))
        found = start["mean"] + start["components"]
        unit = [1.0, 1.0, 1000.0 if rows.max() > 100 else 1.0]
        gaps = np.linalg.norm(centres[:, None] - found / unit, axis=2)
        assert gaps.min(axis=1).max() < 1.5  # half of what parts the centres: 2.5
        assert sorted(gaps.argmin(axis=1)) == [0, 1, 2, 3]


def test_eight_labels_are_told_apart():
    rng = np.random.default_rng(2)
    centres = 1.5 * rng.standard_normal((8, 10))
    X = centres[rng.integers(8, size=1000)] + rng.standard_normal((1000, 10))
    model = LatentVariableModel(Categorical(8), Linear(), GaussianNoise())
    start = model.init_params(X, rng)["decoder"]
    gaps = np.linalg.norm(centres[:, None] - start["mean"] - start["components"], axis=2)
    assert sorted(gaps.argmin(axis=1)) == list(range(8))


def test_labels_of_non_negative_parts_start_about_the_mean_row():
    # One label at a time: their components have the total of the mean row, each.
    X = np.random.default_rng(0).gamma(2.0, size=(50, 4))
    start = Linear(nonnegative=True).init_labels(X, 3, np.random.default_rng(0))
    assert np.all(start["components"] > 0) and "mean" not in start
    np.testing.assert_allclose(start["components"].sum(axis=1), X.mean(axis=0).sum(), 1e-6)


def test_labels_over_non_negative_parts_are_mixtures_of_counts(counts):
    model = LatentVariableModel(Categorical(3), Linear(nonnegative=True), Poisson())
    rng = np.random.default_rng(0)
    params = model.init_params(counts, rng)
    _, drawn = model.sample(params, 5000, rng)
    mean = counts.mean(axis=0)
    assert drawn.mean(axis=0).sum() == pytest.approx(mean.sum(), rel=0.05)
    assert np.all(drawn.mean(axis=0) > 0.45 * mean)
