"""Odd tables: constant, rare and hardly observed columns, rare events."""

import warnings

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm
from sklearn.datasets import load_digits
from sklearn.decomposition import FactorAnalysis
from sklearn.exceptions import ConvergenceWarning

from skaws import AmortisedFactorAnalysis, AmortisedICA, AmortisedNMF
from skaws.estimators.validation import representative_rows

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:Column.* of X are constant:UserWarning"),
]

rng = np.random.default_rng(0)
FACTORS = rng.standard_normal((500, 2)) @ rng.standard_normal((2, 6))
FACTORS += 0.5 * rng.standard_normal(FACTORS.shape)


# Case 12: a column that never varied says nothing of the factors.


@pytest.mark.parametrize("level", [0.0, 1.0, -1e6])
@pytest.mark.parametrize("seed", [0, 1])
def test_constant_columns_do_not_move_factors(level, seed):
    X = np.c_[FACTORS, np.full(500, level)]
    model = AmortisedFactorAnalysis(2, random_state=seed).fit(X)
    moved = X[:5].copy()
    moved[:, 6] += 1.0  # a flag that was never set
    np.testing.assert_array_equal(model.components_[:, 6], 0.0)
    # The column's own term is the same for all latents: shifts up to 2.8 are now none.
    np.testing.assert_allclose(model.transform(moved), model.transform(X[:5]), atol=1e-6)
    # The other columns have the likelihood that they have alone, to a share of what the
    # truth itself is below the maximum: 24 params / (2 * 500 rows) = .024, in the mean.
    best = FactorAnalysis(2, tol=1e-8, max_iter=5000).fit(FACTORS).score(FACTORS)
    own = multivariate_normal(model.mean_[:6], model.get_covariance()[:6, :6])
    assert best - own.logpdf(FACTORS).mean() < 0.024


@pytest.mark.parametrize("noise", ["isotropic", "per_feature"])
def test_constant_columns_hardly_move_sources(noise):
    rng = np.random.default_rng(0)
    X = rng.laplace(size=(800, 2)) @ rng.standard_normal((2, 5))
    X = np.c_[X + 0.3 * rng.standard_normal(X.shape), np.full(800, 2.0)]
    model = AmortisedICA(2, noise=noise, random_state=0).fit(X)
    moved = X[:5].copy()
    moved[:, 5] += 1.0
    assert np.abs(model.transform(moved) - model.transform(X[:5])).max() < 0.1


def test_columns_that_vary_after_the_start_of_a_stream_get_their_loadings():
    late = np.vstack([FACTORS[:50]] * 2 + [FACTORS] * 12)
    late[:100, 0] = 0.0
    model = AmortisedFactorAnalysis(2, random_state=0)
    for first in range(0, len(late), 50):
        model.partial_fit(late[first : first + 50])
    assert np.abs(model.components_[:, 0]).max() > 0.3


# Cases 51, 52: columns that are hardly observed.


def test_representative_rows_show_every_column():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((30_000, 4))
    X[:, 1] = np.nan
    X[np.arange(7, 30_000, 2501), 1] = np.arange(12)  # twelve entries
    X[:, 2] = 0.0
    X[[11, 12_345, 29_998], 2] = 1.0
    rows = representative_rows(X)
    assert rows.shape == (5000, 4)
    assert np.sum(~np.isnan(rows[:, 1])) >= 10
    # Three of 30 000 are half a row of 5000: one.
    assert rows[:, 2].sum() == 1.0
    even = X[((np.arange(5000) + 0.5) * 6).astype(int)]
    same = np.all((rows == even) | np.isnan(rows), axis=1)
    assert same.sum() >= 5000 - 11 - 10  # the others are evenly spaced
    weights = np.full(30_000, 0.01)
    weights[[7, 11]] = 0.0
    weighted = representative_rows(X, weights)
    assert np.sum(~np.isnan(weighted[:, 1])) >= 10 and np.nansum(weighted[:, 2]) >= 1


@pytest.mark.parametrize("cls", [AmortisedFactorAnalysis, AmortisedNMF, AmortisedICA])
def test_columns_of_few_entries_in_long_tables_are_learnt(cls):
    rng = np.random.default_rng(0)
    X = np.abs(np.round(rng.standard_normal((20_000, 5)) * 3))
    X[:, 4] = np.nan
    X[np.arange(1, 20_000, 1801), 4] = 5.0 + np.arange(12)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # 30 iterations are few
        model = cls(2, max_iter=30, random_state=0).fit(X)
    location = model.inverse_transform(model.transform(X[:200]))[:, 4]
    assert 10.5 / 3 < location.mean() < 10.5 * 3  # the size of its entries


def test_columns_without_weight_are_named():
    X = FACTORS[:100].copy()
    X[:, 5], weights = np.nan, np.ones(100)
    X[7, 5], weights[7] = 1.0, 0.0
    for cls in (AmortisedFactorAnalysis, AmortisedICA):
        with pytest.raises(ValueError, match="Column 5 .* where rows have weight"):
            cls(2, random_state=0).fit(X, sample_weight=weights)


# Case 14: values between zero and one are no counts.


def test_shares_under_a_count_likelihood_are_told_with_the_repair():
    counts = load_digits().data[:600]
    shares = counts / 16

    def left(model, X):
        error = X - model.inverse_transform(model.transform(X))
        return np.sum(error**2) / np.sum((X - X.mean(axis=0)) ** 2)

    with pytest.warns(UserWarning, match=r"decimals \(mean 0.307\).*likelihood='gaussian'"):
        lost = AmortisedNMF(6, max_iter=150, random_state=0).fit(shares)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        # Six parts cannot describe digits, and say so.
        warnings.filterwarnings("ignore", "AmortisedNMF: real rows lie far")
        right = AmortisedNMF(6, max_iter=150, random_state=0).fit(counts)
        model = AmortisedNMF(6, likelihood="gaussian", max_iter=150, random_state=0)
        repaired = model.fit(shares)
    # What six parts leave of the variance: NMF's own .54, .93 if taken for counts.
    assert left(lost, shares) > 0.8
    assert left(right, counts) < 0.65 and left(repaired, shares) < 0.65


# Case 94: events that most rows, and all of the first start, have not.


def independent(X, weights=None):
    mean = np.average(X, axis=0, weights=weights)
    deviation = np.sqrt(np.average((X - mean) ** 2, axis=0, weights=weights))
    return np.average(norm.logpdf(X, mean, deviation).sum(axis=1), weights=weights)


def test_rare_events_are_no_runaways():
    # -53.9 nats a row, with independent columns at 7.1 and EM at 7.9.
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20_000, 2)) @ rng.standard_normal((2, 12))
    X += rng.standard_normal(X.shape)
    X[:, 6:] = 0.0
    for j in range(6, 12):
        X[rng.choice(20_000, 3, replace=False), j] = 1.0
    model = AmortisedFactorAnalysis(2, random_state=0).fit(X)
    best = FactorAnalysis(2).fit(X).score(X)
    assert model.score(X) > independent(X)
    assert model.score(X) > best - 0.15  # a tenth of a nat and its allowance by few events


@pytest.mark.parametrize("power", [1, 4])
def test_weighted_rows_of_rare_counts_are_above_independent_columns(power):
    rng = np.random.default_rng(0)
    X = rng.poisson(0.02, (900, 12)).astype(float)
    X[:, :4] += rng.standard_normal((900, 4))
    weights = rng.random(900) ** power
    model = AmortisedFactorAnalysis(2, random_state=0).fit(X, sample_weight=weights)
    assert model.score(X, sample_weight=weights) > independent(X, weights)
