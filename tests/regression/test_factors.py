"""One-dimensional regressions as tables, and the information of what they predict."""

import pickle
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.kernel_ridge import KernelRidge

from skaws.regression import FactorRegression
from skaws.regression.factors import EDGE, N_NODES, Information, Places

UNIFORM = np.full(400, 1 / 400)


def fitted(n_updates=30, n=400, **settings):
    """Of sources s, two of them: what is the mean of s and of s^2 given s plus noise?"""
    rng, regression = np.random.default_rng(0), FactorRegression(**settings)
    owners = np.array([0, 1, 0, 1])
    for _ in range(n_updates):
        sources = rng.standard_normal((n, 2))
        estimates = sources + rng.standard_normal((n, 2))
        values = np.hstack([sources, sources**2])
        regression.update(estimates, lambda rows, values=values: (values[rows], owners))
    return regression, estimates


def at(regression, points):
    points = np.repeat(np.array(points, dtype=float)[:, None], 2, axis=1)
    places = regression.places(points, np.full(len(points), 1 / len(points)))
    return places.values(regression.tables_[:2]), places.values(regression.tables_[2:])


def test_predictions_are_posterior_means():
    # Half the estimate, and half plus a quarter of its square.  An average of nine fits of
    # 100 pairs each, whose noise has a variance of 0.5: a standard error of about 0.08.
    regression, _ = fitted()
    points = [-1.5, 0.0, 1.5]
    first, second = at(regression, points)
    np.testing.assert_allclose(
        first, np.repeat([[-0.75], [0.0], [0.75]], 2, axis=1), atol=0.25
    )
    expected = 0.5 + 0.25 * np.square(points)
    np.testing.assert_allclose(second, np.repeat(expected[:, None], 2, axis=1), atol=0.4)
    assert abs(regression.error_ - 0.5) < 0.15


def test_a_regression_that_predicts_nothing_says_so():
    regression, _ = fitted(regressor=KernelRidge(alpha=1e9, kernel="precomputed"))
    first, _ = at(regression, [-1.5, 1.5])
    assert np.abs(first).max() < 0.2 and regression.error_ > 0.9


def test_estimates_further_out_than_all_simulations_count_as_the_last_of_these():
    regression, estimates = fitted()
    last = np.repeat([[estimates.max(axis=0).max()]], 2, axis=1)
    far, near = (regression.places(x, np.ones(1)) for x in (np.full((1, 2), 1e6), last))
    assert np.array_equal(
        far.values(regression.tables_[:2]), near.values(regression.tables_[:2])
    )


def test_places_interpolate_and_their_histogram_has_the_mean():
    rng, nodes = np.random.default_rng(0), np.linspace(-EDGE, EDGE, N_NODES)
    coordinates, table = rng.uniform(-3, 3, (400, 2)), rng.standard_normal((2, N_NODES))
    coordinates[0] = EDGE
    places, found = Places(coordinates, UNIFORM), None
    found = places.values(table)
    for j in range(2):
        np.testing.assert_allclose(
            found[:, j], np.interp(coordinates[:, j], nodes, table[j])
        )
    np.testing.assert_allclose(np.sum(places.histogram * table, axis=1), found.mean(axis=0))


def test_what_is_seen_of_rows_is_that_of_their_predictions():
    regression, estimates = fitted()
    weights = np.random.default_rng(1).dirichlet(np.ones(400))
    seen = regression.seen(estimates, weights, 4)
    shifts = regression.places(estimates, weights).values(regression.tables_[:2])
    away = estimates - weights @ estimates
    np.testing.assert_allclose(seen.mixing, away.T @ (weights[:, None] * shifts))
    np.testing.assert_allclose(seen.means[:2], weights @ shifts)
    square = weights @ (away[:, 0] * shifts[:, 1]) ** 2
    np.testing.assert_allclose(seen.squares[0, 1], square)
    cross = weights @ np.prod(away * shifts, axis=1)
    np.testing.assert_allclose([seen.crosses[0, 1], seen.crosses[1, 0]], cross)
    assert np.all(seen.scores[[0, 2]][:, [1, 3]] == 0)  # of different sources


def test_roots_of_the_information_make_it_one():
    scores = np.array([[2.0, 0.5], [0.5, 1.0]])
    squares, crosses = (
        np.array([[1.0, 3.0], [2.0, 1.0]]),
        np.array([[1.0, 0.7], [0.7, 1.0]]),
    )
    seen = SimpleNamespace(squares=squares, crosses=crosses, scores=scores)
    information = Information()
    for _ in range(3000):  # its prior fades
        information.update(seen, seen)
    along, across, own = information.roots
    block = np.array([[3.0, 0.7], [0.7, 2.0]])
    root = np.array([[along[0, 1], across[0, 1]], [across[1, 0], along[1, 0]]])
    np.testing.assert_allclose(root @ block @ root, np.eye(2), atol=1e-3)
    np.testing.assert_allclose(
        own @ (scores + 0.02 * np.eye(2)) @ own, np.eye(2), atol=1e-9
    )


def test_rows_that_scatter_more_widely_than_simulations_have_more_information():
    regression, estimates = fitted()
    seen, wide = (regression.seen(scale * estimates, UNIFORM, 4) for scale in (1, 5))
    plain, cautious = Information(), Information()
    plain.update(seen, seen)
    cautious.update(seen, wide)
    assert np.all(cautious.roots[0][0, 1] < plain.roots[0][0, 1])


def test_clones_have_learnt_nothing_and_pickles_all():
    regression, estimates = fitted()
    loaded = pickle.loads(pickle.dumps(regression))
    assert np.array_equal(at(loaded, [0.3])[0], at(regression, [0.3])[0])
    assert not hasattr(clone(regression), "tables_")


@pytest.mark.parametrize("n", [2, 7, 60])
def test_few_simulations_are_enough_to_go_on(n):
    regression, _ = fitted(n_updates=3, n=n)
    assert np.isfinite(regression.tables_).all() and np.isfinite(regression.error_)
