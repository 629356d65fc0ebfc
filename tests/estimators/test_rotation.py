"""Laws of rotations of factors."""

import numpy as np
import pytest

from skaws.estimators.rotation import canonical_order, principal_rotation, simple_rotation

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
