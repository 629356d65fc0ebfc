"""Laws of rotations of factors."""

import numpy as np
import pytest
from sklearn.decomposition import FactorAnalysis
from statsmodels.multivariate.factor_rotation import rotate_factors

from skaws import AmortisedFactorAnalysis
from skaws.estimators.rotation import (
    canonical_order,
    oblique_rotation,
    principal_rotation,
    simple_rotation,
)

METHODS = ["varimax", "quartimax"]


@pytest.fixture(params=[(1, 4), (2, 6), (4, 9)], ids=str)
def components(request):
    return np.random.default_rng(0).standard_normal(request.param)


def plane_rotation(angle):
    return np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def simplicity(components, method):
    """Kaiser's criteria: sum over factors of the variance, or mean square, of squares."""
    squares = components**2
    measure = np.var if method == "varimax" else lambda s, axis: np.mean(s**2, axis=axis)
    return np.sum(measure(squares, axis=1))


def best_in_the_plane(components, method):
    """Largest criterion over a fine grid of angles; it has a period of a right angle."""
    angles = np.linspace(0, np.pi / 2, 3601)
    return max(simplicity(plane_rotation(a) @ components, method) for a in angles)


def assert_orthogonal(rotation):
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(len(rotation)), atol=1e-12)


def test_principal_rotation_makes_factors_independent_given_x(components):
    noise_variance = np.random.default_rng(1).uniform(0.2, 3.0, components.shape[1])
    rotation = principal_rotation(components, noise_variance)
    assert_orthogonal(rotation)
    rotated = rotation @ components
    information = (rotated / noise_variance) @ rotated.T
    diagonal = np.diag(information)
    np.testing.assert_allclose(information, np.diag(diagonal), atol=1e-12 * diagonal.max())
    assert np.all(np.diff(diagonal) <= 0)


@pytest.mark.parametrize("method", METHODS)
def test_simple_rotation_is_a_rotation(method, components):
    assert_orthogonal(simple_rotation(components, method))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("max_iter", [1, 2, 5, 200])
def test_criterion_does_not_decrease_with_iterations(method, max_iter, components):
    before = components
    if max_iter > 1:
        before = simple_rotation(components, method, max_iter - 1) @ components
    after = simple_rotation(components, method, max_iter) @ components
    gain = simplicity(after, method) - simplicity(before, method)
    assert gain > -1e-12 * simplicity(components, method)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", range(10))
def test_two_factors_reach_the_best_of_all_angles(method, seed):
    # A grid of step h misses the best by a share (4 h)^2 / 2 at most: 2e-6.
    components = np.random.default_rng(seed).standard_normal((2, 6))
    got = simplicity(simple_rotation(components, method) @ components, method)
    assert got == pytest.approx(best_in_the_plane(components, method), rel=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_two_clusters_are_found_from_their_general_and_bipolar_factor(method):
    # The principal position of two equal clusters is the least simple one of all.
    simple = np.repeat(np.eye(2), 3, axis=1)
    components = plane_rotation(np.pi / 4) @ simple
    got = simplicity(simple_rotation(components, method) @ components, method)
    assert got == pytest.approx(simplicity(simple, method), rel=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_simple_structure_is_found_again_up_to_order_and_signs(method):
    simple = np.kron(np.eye(3), np.array([1.0, 0.8, 0.6]))
    rotation = np.linalg.qr(np.random.default_rng(2).standard_normal((3, 3)))[0]
    components = rotation @ simple
    rotated = simple_rotation(components, method) @ components
    overlap = np.abs(rotated @ simple.T) / np.sum(simple[0] ** 2)
    np.testing.assert_allclose(np.sort(overlap, axis=1), [[0, 0, 1]] * 3, atol=1e-3)


def test_kaisers_rotation_does_not_depend_on_units(components):
    units = np.geomspace(0.01, 100, components.shape[1])
    plain, scaled = (
        [simple_rotation(own, method) for own in (components, components * units)]
        for method in ("kaiser", "varimax")
    )
    np.testing.assert_allclose(plain[0], plain[1], atol=1e-8)
    if len(components) > 1:
        assert np.abs(scaled[0] - scaled[1]).max() > 0.01
    even = components / np.linalg.norm(components, axis=0)
    np.testing.assert_allclose(plain[0], simple_rotation(even, "varimax"), atol=1e-8)


def test_kaisers_rotation_leaves_features_without_loadings(components):
    components = np.hstack([components, np.zeros((len(components), 1))])
    assert_orthogonal(simple_rotation(components, "kaiser"))


@pytest.mark.parametrize("by_variance", [False, True])
def test_canonical_order_is_idempotent(by_variance, components):
    once = canonical_order(components, by_variance) @ components
    np.testing.assert_array_equal(canonical_order(once, by_variance), np.eye(len(once)))


@pytest.mark.parametrize("by_variance", [False, True])
def test_canonical_order_is_the_same_for_any_signs_and_by_variance_for_any_order(
    by_variance, components
):
    rng = np.random.default_rng(3)
    expected = canonical_order(components, by_variance) @ components
    other = components * rng.choice((-1.0, 1.0), (len(components), 1))
    if by_variance:
        other = rng.permutation(other)
    np.testing.assert_array_equal(canonical_order(other, by_variance) @ other, expected)


@pytest.mark.parametrize("by_variance", [False, True])
def test_largest_loading_in_canonical_order_is_positive(by_variance, components):
    rows = canonical_order(components, by_variance) @ components
    assert np.all(rows.max(axis=1) == np.abs(rows).max(axis=1))


def test_canonical_order_by_variance_comes_by_decreasing_sum_of_squares(components):
    rows = canonical_order(components, by_variance=True) @ components
    assert np.all(np.diff(np.sum(rows**2, axis=1)) <= 0)


def test_canonical_order_otherwise_keeps_the_order(components):
    rows = canonical_order(components, by_variance=False) @ components
    np.testing.assert_array_equal(np.abs(rows), np.abs(components))


def test_a_row_of_zeros_has_a_canonical_order():
    assert np.all(np.abs(canonical_order(np.zeros((1, 3)), True)) == 1.0)


# Oblique rotations, beside others' figures


@pytest.fixture
def ability_rows():
    """Six tests of ability in 112 people: covariances of R's ``ability.cov``.

    Published by Bartholomew & Knott (1990); R's help page of ``factanal`` shows the fit.
    """
    lower = [
        [24.641],
        [5.991, 6.700],
        [33.520, 18.137, 149.831],
        [6.023, 1.782, 19.424, 12.711],
        [20.755, 4.936, 31.430, 4.757, 52.604],
        [29.701, 7.204, 50.753, 9.075, 66.762, 135.292],
    ]
    covariance = np.zeros((6, 6))
    for i, row in enumerate(lower):
        covariance[i, : i + 1] = covariance[: i + 1, i] = row
    units = np.sqrt(np.diag(covariance))
    white = np.random.default_rng(0).standard_normal((112, 6))
    white = np.linalg.qr(white - white.mean(axis=0))[0] * np.sqrt(112)
    return white @ np.linalg.cholesky(covariance / np.outer(units, units)).T


@pytest.fixture
def ability(ability_rows):
    """Loadings of the maximum, in principal position."""
    how = {"tol": 1e-12, "max_iter": 50_000, "svd_method": "lapack"}
    fitted = FactorAnalysis(2, **how).fit(ability_rows)
    return fitted.components_ * np.sign(fitted.components_.sum(axis=1, keepdims=True))


R_VARIMAX = [
    [0.499, 0.156, 0.206, 0.109, 0.956, 0.785],
    [0.543, 0.622, 0.860, 0.468, 0.182, 0.225],
]
R_PROMAX = [[0.364, 0.811], [0.470, 0.671, 0.932, 0.508]]  # those above 0.1


def upright(components):
    return components * np.sign(components.sum(axis=1, keepdims=True))


def test_kaisers_varimax_is_rs(ability):
    # R stops when the criterion changes by 1e-5, which leaves 0.004 of the angle open.
    rotated = upright(simple_rotation(ability, "kaiser") @ ability)
    np.testing.assert_allclose(rotated, R_VARIMAX, atol=0.005)


def test_promax_is_rs(ability):
    rotation, correlation = oblique_rotation(ability, "promax")
    rotated = upright(rotation @ ability)
    np.testing.assert_allclose(rotated[0, [0, 5]], R_PROMAX[0], atol=0.002)
    np.testing.assert_allclose(rotated[1, :4], R_PROMAX[1], atol=0.002)
    assert rotated[0, 4] == pytest.approx(1.023, abs=0.002)
    assert abs(correlation[0, 1]) == pytest.approx(0.557, abs=0.002)
    assert np.abs(simple_rotation(ability, "kaiser") @ ability - rotated).max() > 0.05


@pytest.mark.parametrize("seed", range(5))
def test_the_whole_fit_is_rs(seed, ability_rows):
    # The uniquenesses, which 112 rows leave nearly open, were off by 0.06 at most, and the
    # correlation by 0.006.
    how = {"rotation": "promax", "n_simulations": 500, "max_iter": 1000, "tol": 1e-5}
    fitted = AmortisedFactorAnalysis(2, random_state=seed, **how).fit(ability_rows)
    uniquenesses = [0.455, 0.589, 0.218, 0.769, 0.052, 0.334]
    np.testing.assert_allclose(fitted.noise_variance_, uniquenesses, atol=0.1)
    assert abs(fitted.factor_correlation_[0, 1]) == pytest.approx(0.557, abs=0.02)


@pytest.mark.parametrize("seed", range(5))
def test_oblimin_is_statsmodels(seed):
    rng = np.random.default_rng(seed)
    simple = np.kron(np.eye(3), [1.0, 0.8, 0.6]) + 0.1 * rng.standard_normal((3, 9))
    components = np.linalg.cholesky(0.6 * np.eye(3) + 0.4).T @ simple
    rotation, correlation = oblique_rotation(components, "oblimin")
    theirs, axes = rotate_factors(components.T, "oblimin", 0, "oblique")

    def value(loadings):
        squares = loadings**2
        return np.sum(squares * (squares.sum(axis=0) - squares))

    assert value(rotation @ components) == pytest.approx(value(theirs.T), rel=1e-4)
    for found, expected in (
        (rotation @ components, theirs.T),
        (correlation, axes.T @ axes),
    ):
        ordered = np.sort(np.abs(found), axis=None), np.sort(np.abs(expected), axis=None)
        np.testing.assert_allclose(*ordered, atol=2e-3)


@pytest.mark.parametrize("method", ["promax", "oblimin"])
def test_oblique_factors_explain_the_same(method, components):
    rotation, correlation = oblique_rotation(components, method)
    rotated = rotation @ components
    explained = rotated.T @ correlation @ rotated
    np.testing.assert_allclose(explained, components.T @ components, atol=1e-8)
    np.testing.assert_allclose(np.diag(correlation), 1.0)


@pytest.mark.parametrize("method", ["promax", "oblimin"])
def test_correlated_clusters_are_found_again(method):
    # Pure clusters of factors with correlation 0.5: promax has powers for a target, and
    # comes near it only.
    simple = np.kron(np.eye(2), [1.0, 0.8, 0.6])
    components = np.linalg.cholesky(np.array([[1.0, 0.5], [0.5, 1.0]])).T @ simple
    rotation, correlation = oblique_rotation(components, method)
    precision = 0.15 if method == "promax" else 1e-4
    assert abs(correlation[0, 1]) == pytest.approx(0.5, abs=precision)
    overlap = np.sort(np.abs(rotation @ components), axis=0)
    np.testing.assert_allclose(overlap[0], 0.0, atol=precision)
