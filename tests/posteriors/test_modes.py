"""Modes are found where they are known."""

import autograd.numpy as anp
import numpy as np

from skaws.posteriors import modes as modes_module
from skaws.posteriors.modes import find_modes


def gaussians(n_rows=30, k=3):
    rng = np.random.default_rng(0)
    centre, root = rng.standard_normal((n_rows, k)), rng.standard_normal((n_rows, k, k))
    precision = root @ root.transpose(0, 2, 1) + 0.1 * np.eye(k)

    def log_density(u, rows):
        error = u - centre[rows]
        return -0.5 * anp.einsum("mi,mij,mj->m", error, precision[rows], error)

    return log_density, centre, precision, 10 * rng.standard_normal((n_rows, k))


def test_gaussian_modes_and_precisions_row_by_row():
    log_density, centre, precision, start = gaussians()
    modes, values, found = find_modes(log_density, start)
    # Half the squared distance, in standard deviations, is what is left to gain.
    left = log_density(centre, np.arange(30)) - log_density(modes, np.arange(30))
    assert np.all(left < 1e-6) and np.abs(modes - centre).max() < 1e-3
    np.testing.assert_allclose(values, log_density(modes, np.arange(30)), atol=1e-12)
    np.testing.assert_allclose(found, precision, rtol=1e-4, atol=1e-4)


def test_chunks_change_nothing(monkeypatch):
    log_density, *_, start = gaussians()
    expected = find_modes(log_density, start)
    monkeypatch.setattr(modes_module, "N_AT_ONCE", 20)
    for one, other in zip(find_modes(log_density, start), expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


def test_log_concave_mode_beyond_an_edge_is_approached_from_inside():
    def log_density(u, rows):
        return anp.where(u[:, 0] > 0, -((u[:, 0] + 1) ** 2), -np.inf)

    modes, values, _ = find_modes(log_density, np.array([[0.5], [2.0]]))
    assert np.all((modes > 0) & (modes < 0.01)) and np.isfinite(values).all()


def test_a_start_without_density_stays():
    def log_density(u, rows):
        return anp.where(u[:, 0] > 0, -(u[:, 0] ** 2), -np.inf)

    modes, values, precision = find_modes(log_density, np.array([[-1.0], [1.0]]))
    assert modes[0] == -1.0 and values[0] == -np.inf and modes[1] < 0.01
    assert np.isfinite(precision).all()


def test_saddles_are_left_uphill():
    def log_density(u, rows):
        return anp.sum(u**2 - 0.25 * u**4, axis=1)

    modes, _, precision = find_modes(log_density, np.array([[1e-3, -1e-3]]))
    np.testing.assert_allclose(modes, [[np.sqrt(2), -np.sqrt(2)]], atol=1e-3)
    np.testing.assert_allclose(precision[0], 4 * np.eye(2), atol=1e-2)


def test_steps_are_no_longer_than_they_may_be():
    seen = []

    def log_density(u, rows):
        seen.append(np.array(getattr(u, "_value", u))[0])
        return -0.5 * anp.sum((u - 100.0) ** 2, axis=1)

    modes, _, _ = find_modes(log_density, np.zeros((1, 2)), longest=np.array([3.0, 30.0]))
    np.testing.assert_allclose(modes, 100.0, atol=1e-3)
    assert np.max(np.abs(np.diff(seen, axis=0))) <= 3.0 + 1e-9


def test_a_row_does_not_depend_on_the_others():
    centre = np.array([[1.0], [100.0], [-3.0]])

    def climb(own):
        def log_density(u, rows):
            return -anp.log(1 + (u - centre[own][rows])[:, 0] ** 2)

        return find_modes(log_density, np.zeros((len(own), 1)))[0]

    np.testing.assert_allclose(climb([0, 1, 2])[[0]], climb([0]), atol=1e-12)
    # Newton's own steps lead away from such a mode.
    np.testing.assert_allclose(climb([0, 1, 2]), centre, atol=1e-3)
