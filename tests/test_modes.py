"""Modes are found where they are known."""

import autograd.numpy as anp
import numpy as np

from skaws.modes import find_modes


def test_gaussian_modes_and_precisions_row_by_row():
    rng = np.random.default_rng(0)
    centre, root = rng.standard_normal((30, 3)), rng.standard_normal((30, 3, 3))
    precision = root @ root.transpose(0, 2, 1) + 0.1 * np.eye(3)

    def log_density(u):
        error = u - centre
        return -0.5 * anp.einsum("mi,mij,mj->m", error, precision, error)

    modes, found = find_modes(log_density, 10 * rng.standard_normal((30, 3)))
    np.testing.assert_allclose(modes, centre, atol=1e-4)
    np.testing.assert_allclose(found, precision, rtol=1e-4, atol=1e-4)


def test_log_concave_mode_beyond_an_edge_is_approached_from_inside():
    def log_density(u):
        return anp.where(u[:, 0] > 0, -((u[:, 0] + 1) ** 2), -np.inf)

    modes, _ = find_modes(log_density, np.array([[0.5], [2.0]]))
    assert np.all((modes > 0) & (modes < 0.01))


def test_saddles_are_left_uphill():
    def log_density(u):
        return anp.sum(u**2 - 0.25 * u**4, axis=1)

    modes, precision = find_modes(log_density, np.array([[1e-3, -1e-3]]))
    np.testing.assert_allclose(modes, [[np.sqrt(2), -np.sqrt(2)]], atol=1e-5)
    np.testing.assert_allclose(precision[0], 4 * np.eye(2), atol=1e-3)


def test_a_row_does_not_depend_on_the_others():
    centre = np.array([[1.0], [100.0], [-3.0]])

    def climb(rows):
        start = np.zeros((len(rows), 1))
        return find_modes(lambda u: -anp.log(1 + (u - centre[rows])[:, 0] ** 2), start)[0]

    np.testing.assert_allclose(climb([0, 1, 2])[[0]], climb([0]), atol=1e-12)
