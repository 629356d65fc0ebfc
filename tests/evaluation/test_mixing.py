"""Standard errors of mixings: those of theory, and those of fits of many tables."""

import numpy as np
import pytest

from skaws import AmortisedICA
from skaws.evaluation import mixing_standard_errors
from skaws.models import LinearMixing
from skaws.priors import Laplace

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def drawn(mixing, noise_variance=1e-6, n_samples=20_000):
    model = LinearMixing(Laplace(len(mixing)))
    params = {
        "mixing": np.eye(len(mixing)),
        "basis": mixing,
        "mean": np.zeros(mixing.shape[1]),
        "noise_variance": noise_variance,
    }
    X = model.sample(params, n_samples, np.random.default_rng(0))[1]
    return model, params, X


def test_without_noise_they_are_those_of_theory():
    # Laplace sources of unit variance have information 2 of a shift and 1 of a stretch: a
    # step of one source by another has variance 2 / (2^2 - 1) / n, one by itself 1 / n.
    model, params, X = drawn(np.eye(3))
    expected = np.sqrt(np.where(np.eye(3), 1.0, 2 / 3) / len(X))
    found = mixing_standard_errors(model, params, X)
    assert np.allclose(
        found, expected, rtol=0.1
    )  # kernels smooth kinks: 7% at most in seven draws
    assert not np.allclose(
        mixing_standard_errors(model, params, X[::2]), expected, rtol=0.1
    )


def test_across_the_span_they_are_those_of_principal_directions():
    mixing = np.array([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    model, params, X = drawn(mixing, noise_variance=0.25)
    found = mixing_standard_errors(model, params, X)[:, 2]
    sizes = np.array([2.0, 1.0])
    assert np.allclose(found, np.sqrt(0.25 * (1 + 0.25 / sizes**2) / len(X)))


def test_a_weight_of_two_is_a_row_that_came_twice():
    model, params, X = drawn(np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 1.0]]), 0.1, 2000)
    twice = mixing_standard_errors(model, params, np.vstack([X, X]))
    weighted = mixing_standard_errors(model, params, X, np.full(len(X), 2.0))
    assert np.allclose(weighted, twice, rtol=1e-6)


def test_they_grow_where_entries_are_missing():
    model, params, X = drawn(np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 1.0]]), 0.1, 5000)
    holes = np.random.default_rng(1).random(X.shape) < 0.4
    with_holes = mixing_standard_errors(model, params, np.where(holes, np.nan, X))
    assert np.all(with_holes > 1.1 * mixing_standard_errors(model, params, X))


def test_estimates_scatter_as_they_say():
    # Mean square of 75 standardised errors, expected 1.  Errors of one fit are correlated:
    # in twelve groups of five tables it was 0.63 to 1.50.  Halved standard errors would
    # give four times as much, doubled ones a quarter.
    mixing = np.random.default_rng(99).standard_normal((3, 5))
    found = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        X = rng.laplace(size=(2000, 3)) / np.sqrt(2) @ mixing
        X += 0.3 * rng.standard_normal(X.shape)
        ica = AmortisedICA(3, random_state=0).fit(X)
        cosines = np.corrcoef(ica.mixing_.T, mixing)[:3, 3:]
        own = np.argmax(np.abs(cosines), axis=1)
        signs = np.sign(cosines[np.arange(3), own])
        assert sorted(own) == [0, 1, 2]
        errors = (ica.mixing_ * signs - mixing[own].T) / ica.mixing_standard_errors(X)
        found.append(np.mean(errors**2))
    assert 0.35 < np.mean(found) < 2.4


def test_directions_that_rows_do_not_tell_have_large_errors():
    rng = np.random.default_rng(0)
    scales = np.array([3.0, 2.0, 0.3, 0.3])
    peaked = rng.laplace(size=(2000, 4)) * scales / np.sqrt(2)
    of_peaked = AmortisedICA(2, random_state=0).fit(peaked).mixing_standard_errors(peaked)
    X = rng.standard_normal((2000, 4)) * scales
    with pytest.warns(UserWarning, match="look Gaussian"):
        ica = AmortisedICA(2, random_state=0).fit(X)
    assert ica.mixing_standard_errors(X)[:2].min() > 2 * of_peaked[:2].max()


def test_where_the_log_joint_is_not_split_there_are_none():
    X = np.random.default_rng(0).laplace(size=(300, 2))
    ica = AmortisedICA(3, max_iter=5, n_simulations=50, random_state=0).fit(X)
    with pytest.raises(ValueError, match="not split over the sources"):
        ica.mixing_standard_errors(X)
