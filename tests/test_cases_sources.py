"""Sources that FastICA finds, and rows that decide: heavy tails, glitches, skew.

Margins: figures of the seeds in design stand beside each test.
"""

import warnings

import numpy as np
import pytest
from scipy import stats
from sklearn.decomposition import FastICA

from skaws import AmortisedICA
from skaws.models import LinearMixing
from skaws.priors import Laplace
from skaws.starts import line_start

from .estimators.test_ica import amari, matched_cosines, mixtures, sparse

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def standard(x):
    return (x - x.mean(axis=0)) / x.std(axis=0)


def fastica(X, n_components=None):
    model = FastICA(n_components, whiten="unit-variance", random_state=0, max_iter=1000)
    return model.fit(X).components_


# Case 70: scikit-learn's own test of FastICA, whose second source is Cauchy's.


@pytest.mark.parametrize("n_rows", [999, 1000])
@pytest.mark.parametrize("seed", [0, 1, 2, 42])
def test_a_square_wave_beside_a_heavy_tail(seed, n_rows):
    # 1.000 in all eight; where noise was compared by plain likelihood, 0.006 to 0.7.
    wave = np.where(np.sin(np.linspace(0, 100, 1000)) > 0, 1.0, -1.0)
    heavy = stats.t.rvs(1, size=1000, random_state=seed)
    sources = standard(np.c_[wave, heavy][:n_rows])
    angle = 0.6
    turn = np.array([[np.cos(angle), np.sin(angle)], [np.sin(angle), -np.cos(angle)]])
    X = standard(sources @ turn.T)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the row that is far out
        found = AmortisedICA(random_state=seed).fit_transform(X)
    correlations = np.abs(np.corrcoef(found.T, sources.T)[:2, 2:])
    assert correlations.max(axis=0).min() > 0.98


# Case 71: one glitched cell.


@pytest.mark.parametrize("size", [0, 20, 50, 100, 300])
def test_one_glitched_cell(size):
    # Amari errors 0.056 0.051 0.059 0.145 0.485, FastICA's 0.054 0.081 0.322 0.533 0.458
    # (in units of the case; at 300 1.06 times as much, which the bound of 1.1 allows);
    # without the robust comparison 0.58 from 50 on.
    rng, n = np.random.default_rng(0), 2000
    sources = np.c_[
        rng.laplace(size=(n, 2)), rng.uniform(-1.7, 1.7, size=n), rng.laplace(size=n)
    ]
    mixing = rng.normal(size=(4, 4))
    X = sources @ mixing.T
    if size:
        X[123, 1] = size * X[:, 1].std()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = AmortisedICA(random_state=0).fit(X)
    assert amari(model.components_, mixing) < 1.1 * amari(fastica(X), mixing)
    warned = [one for one in caught if "One row of X makes" in str(one.message)]
    assert len(warned) == (size >= 50)
    if warned:
        assert "in column 1" in str(warned[0].message) and warned[0].filename == __file__


# Cases 72, 73: skewed sources.

SKEWED = {
    "exponential": lambda rng, size: rng.exponential(size=size),
    "log-normal, 0.7": lambda rng, size: np.exp(0.7 * rng.standard_normal(size)),
    "log-normal, 1": lambda rng, size: np.exp(rng.standard_normal(size)),
}


def skewed(name, n_features, noise, seed):
    rng = np.random.default_rng(seed)
    sources = standard(SKEWED[name](rng, (1500, 3)))
    mixing = rng.standard_normal((n_features, 3))
    scatter = noise * rng.standard_normal((1500, n_features))
    return sources @ mixing.T + scatter, mixing, sources


@pytest.mark.parametrize(("n_features", "noise"), [(3, 0.0), (6, 0.1)])
@pytest.mark.parametrize("name", SKEWED)
def test_skewed_sources_are_found_with_their_signs(name, n_features, noise):
    # Geometric means of five seeds: 0.18 to 0.36 of FastICA's error (single ones to 0.86);
    # with symmetric sources 0.8 to 2.7 times.
    ratios = []
    for seed in range(2):
        X, mixing, sources = skewed(name, n_features, noise, seed)
        model = AmortisedICA(3, random_state=0).fit(X)
        ratios.append(amari(model.components_, mixing) / amari(fastica(X, 3), mixing))
        # Signs are those of the mixing's largest entries, and skews follow them.
        found = model.transform(X)
        skews = stats.skew(found, axis=0)
        assert np.all(np.sign(skews) == np.sign(model.params_["prior"]["skew"]))
        largest = np.argmax(np.abs(model.mixing_), axis=0)
        assert np.all(model.mixing_[largest, range(3)] > 0)
    assert np.sqrt(np.prod(ratios)) < 0.8


def test_symmetric_sources_are_said_to_be_symmetric():
    X, _, _ = mixtures(4, 6, 0.3, 5000, seed=0)
    model = AmortisedICA(4, random_state=0).fit(X)
    # The standard error of a skew is 1 / sqrt(0.45 n) without noise, here about 0.03.
    assert np.abs(model.params_["prior"]["skew"]).max() < 0.15


# More sources than columns.


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_more_sources_than_columns_are_found_along_lines(noise):
    # Five seeds: 0.963 to 1.000 (median 0.999); random starts 0.877 to 0.996 (0.976).
    X, mixing, _ = mixtures(4, 3, noise, 5000, seed=0, kind=sparse)
    model = AmortisedICA(4, random_state=0).fit(X)
    assert matched_cosines(model.mixing_, mixing).mean() > 0.99


def test_gaussian_rows_have_no_lines():
    X, mixing, _ = mixtures(4, 3, 0.1, 5000, seed=0, kind=sparse)
    rng = np.random.default_rng(0)
    params = LinearMixing(Laplace(4)).init_params(X, rng)
    assert line_start(params, X, rng) is not params
    assert line_start(params, rng.standard_normal((5000, 4)) @ mixing.T, rng) is params
    assert line_start(params, X[:300], rng) is params  # too few rows


# Case 38: Gaussian sources, of which nothing tells the rotation.


def test_gaussian_sources_are_warned_of():
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((6, 3))
    sources = np.c_[rng.standard_normal((3000, 2)), rng.laplace(size=3000)]
    X = sources @ mixing.T + 0.3 * rng.standard_normal((3000, 6))
    with pytest.warns(UserWarning, match="look Gaussian: rows do not tell") as caught:
        AmortisedICA(3, random_state=0).fit(X)
    assert {one.filename for one in caught} == {__file__}
    one = np.c_[rng.laplace(size=(3000, 2)), rng.standard_normal(3000)]
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # one alone is found all the same
        AmortisedICA(3, random_state=0).fit(
            one @ mixing.T + 0.3 * rng.standard_normal((3000, 6))
        )
