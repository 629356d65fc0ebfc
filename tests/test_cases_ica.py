"""Independent components of dependent columns, and of columns in units of their own."""

import warnings

import numpy as np
import pytest
from sklearn.datasets import load_digits

from skaws import AmortisedICA
from skaws.estimators.searches import with_noise
from skaws.models import LinearMixing
from skaws.models.linear_mixing import numerical_rank
from skaws.priors import Laplace

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def mixtures(n_rows=1500, n_features=3):
    rng = np.random.default_rng(0)
    return rng.laplace(size=(n_rows, n_features)) @ rng.standard_normal((n_features,) * 2)


def labels(X):
    return np.eye(4)[np.digitize(X[:, 0], [-1.0, 0.0, 1.0])]


def composition(X):
    shares = np.exp(X)
    return shares / shares.sum(axis=1, keepdims=True)


# Cases 03, 04, 53, 54: tables with the number of linearly independent columns.
DEPENDENT = {
    "average reference": (lambda X: X - X.mean(axis=1, keepdims=True), 2),
    "composition": (composition, 2),
    "one-hot": (labels, 3),
    "constant": (lambda X: np.c_[X, np.full(len(X), 3.3)], 3),
    "doubled": (lambda X: np.c_[X, X[:, 0]], 3),
    "doubled in other units": (lambda X: np.c_[X, 1e-9 * X[:, 0]], 3),
    "nearly doubled": (lambda X: np.c_[X, X[:, 0] + 1e-9 * X[:, 1]], 3),
    "total": (lambda X: np.c_[X, X.sum(axis=1)], 3),
}


@pytest.mark.parametrize("name", DEPENDENT)
def test_dependent_columns_are_told_and_fitted(name):
    change, rank = DEPENDENT[name]
    X = change(mixtures())
    told = f"takes {rank} components: only {rank} of {X.shape[1]} columns"
    with pytest.warns(UserWarning, match=told):
        model = AmortisedICA(random_state=0, max_iter=60).fit(X)
    assert model.n_components_ == rank
    assert model.mixing_.shape == (X.shape[1], rank)
    assert 0 < model.noise_variance_ < 1e-3 * X.var(axis=0).mean()
    assert np.isfinite(model.score(X[:100]))
    assert np.isfinite(model.transform(X[:100])).all()


@pytest.mark.parametrize("units", [1.0, 1e-5, 1e5])
def test_independent_columns_in_other_units_are_all_taken(units):
    X = mixtures(500) * [1.0, 1.0, units]
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "AmortisedICA with n_components=None")
        model = AmortisedICA(random_state=0, max_iter=5).fit(X)
    assert model.n_components_ == 3


def test_more_components_than_independent_columns_are_refused_at_once():
    X = np.c_[mixtures(200), np.ones(200)]
    with pytest.raises(ValueError, match="3 of 4 columns of X.*Set n_components=3"):
        AmortisedICA(4, random_state=0).fit(X)
    AmortisedICA(3, random_state=0, max_iter=3).fit(X)


def test_rank_knows_no_units_constants_or_holes():
    X = mixtures(n_features=5)
    rng = np.random.default_rng(1)
    holes = np.where(rng.random(X.shape) < 0.6, np.nan, X)
    assert numerical_rank(X) == numerical_rank(holes) == 5
    assert numerical_rank(X * 10.0 ** np.arange(-150, 150, 60)) == 5
    assert numerical_rank(X + 1e4) == 5
    assert numerical_rank(np.c_[X, X[:, 0] - X[:, 1]]) == 5
    assert numerical_rank(np.full((10, 3), 0.1)) == 0
    # Pixels that are black in all images, three of 64.
    assert numerical_rank(load_digits().data) == 61


# Case 13: noise of each column's own has that column's units.

UNITS = np.array([1.0, 1.0, 1.0, 1e3, 1e6, 1e-6])


def noisy(n_rows=2000):
    rng = np.random.default_rng(0)
    signal = rng.laplace(size=(n_rows, 3)) @ rng.standard_normal((3, 6))
    return signal + 0.3 * rng.standard_normal((n_rows, 6))


def test_noise_per_feature_does_not_depend_on_units():
    # It was 43 nats at 1 : 1e6.
    X = noisy()
    plain, scaled = (
        AmortisedICA(3, noise="per_feature", random_state=0, max_iter=100).fit(rows)
        for rows in (X, X * UNITS)
    )
    log_jacobian = np.log(UNITS).sum()
    assert abs(scaled.score(X * UNITS) + log_jacobian - plain.score(X)) < 0.05
    ratio = scaled.noise_variance_ / UNITS**2 / plain.noise_variance_
    np.testing.assert_allclose(ratio, 1.0, rtol=0.3)


def test_noise_levels_of_a_square_mixing_do_not_depend_on_units():
    X = noisy(300)
    model = LinearMixing(Laplace(6), per_feature=True, learned_noise=False)
    start, scaled = (
        model.init_params(rows, np.random.default_rng(0)) for rows in (X, X * UNITS)
    )
    louder, scaled = (
        with_noise(params, 3.0 * params["noise_variance"].mean())
        for params in (start, scaled)
    )
    expected, found = (
        signal_covariance(params) / np.outer(units, units)
        for params, units in ((louder, np.ones(6)), (scaled, UNITS))
    )
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8)
    ratio = scaled["noise_variance"] / UNITS**2 / louder["noise_variance"]
    np.testing.assert_allclose(ratio, 1.0)


def signal_covariance(params):
    loadings = params["mixing"] @ params["basis"]
    return loadings.T @ loadings


@pytest.mark.parametrize("per_feature", [True, False])
def test_start_has_the_units_of_noise(per_feature):
    X = noisy(300)
    model = LinearMixing(Laplace(3), per_feature=per_feature)
    one, other = (
        model.init_params(rows, np.random.default_rng(0)) for rows in (X, X * UNITS)
    )
    np.testing.assert_allclose(one["mean"] * UNITS, other["mean"])
    equal = np.allclose(one["noise_variance"] * UNITS**2, other["noise_variance"], atol=0)
    assert equal == per_feature
    if per_feature:
        expected, found = (start["basis"].T @ start["basis"] for start in (one, other))
        np.testing.assert_allclose(found / np.outer(UNITS, UNITS), expected)
