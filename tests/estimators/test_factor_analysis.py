"""Factor analysis: as likely as EM's, exact where there are formulas, holes or not.

Of scikit-learn's ``test_factor_analysis.py``, with the class swapped, apply: recovery of
the covariance structure, agreement of ``score_samples`` and ``score``, precision times
covariance, and rotations.  ``noise_variance_init``, ``svd_method`` and ``loglike_`` belong
to its algorithm and have no counterpart.
"""

import tracemalloc

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.decomposition import FactorAnalysis
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.preprocessing import StandardScaler

from skaws import AmortisedFactorAnalysis

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning"  # asserted where it matters
)


def digits():
    X = load_digits().data
    X = StandardScaler().fit_transform(X[:, X.std(axis=0) > 0])
    return X[:, np.abs(X).max(axis=0) < 8]


def breast_cancer():
    return StandardScaler().fit_transform(load_breast_cancer().data)


def planted(n_samples, seed, n_components=3, n_features=8):
    """Rows of a factor model, and its covariance."""
    rng = np.random.default_rng(seed)
    components = rng.standard_normal((n_components, n_features))
    noise = rng.uniform(0.2, 1.0, n_features)
    latents = rng.standard_normal((n_samples, n_components))
    scatter = np.sqrt(noise) * rng.standard_normal((n_samples, n_features))
    X = 1.0 + latents @ components + scatter
    return X, components.T @ components + np.diag(noise)


def with_holes(X, share, seed=0):
    return np.where(np.random.default_rng(seed).random(X.shape) < share, np.nan, X)


@pytest.fixture(scope="module")
def fitted():
    return AmortisedFactorAnalysis(3, random_state=0).fit(planted(600, 0)[0])


@pytest.fixture(scope="module")
def X():
    return planted(50, 1)[0]


# Likelihood


@pytest.mark.parametrize(
    "table, n_components, margin",
    # Over five splits and seeds held-out scores differed from EM's by -0.02 to 0.04 on
    # digits and by -0.07 to 0.01 on breast cancer (make bench); without factors they
    # would be 12 and 25 nats lower.
    [(digits, 10, 0.05), (breast_cancer, 5, 0.1)],
)
def test_held_out_likelihood_is_that_of_em(table, n_components, margin):
    train, test = train_test_split(table(), test_size=0.3, random_state=0)
    em = FactorAnalysis(n_components, tol=1e-6, max_iter=5000).fit(train)
    model = AmortisedFactorAnalysis(n_components, random_state=0).fit(train)
    assert abs(model.score(test) - em.score(test)) < margin
    assert model.converged_


def test_missing_entries_cost_little():
    # Over five splits 30% missing cost 0.11 to 0.28 nats, 0.21 in the mean, and exact EM
    # on the same holes 0.20 (make bench); column means cost several nats.
    train, test = train_test_split(digits(), test_size=0.3, random_state=1)
    holes = with_holes(train, 0.3)
    complete = AmortisedFactorAnalysis(10, random_state=0).fit(train).score(test)
    model = AmortisedFactorAnalysis(10, random_state=0).fit(holes)
    assert complete - model.score(test) < 0.25
    filled = FactorAnalysis(10).fit(np.where(np.isnan(holes), 0.0, holes))
    assert complete - filled.score(test) > 1.0


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_planted_covariance_is_recovered(share):
    # Relative to the sampling error of an entry of the covariance of 4000 rows, about
    # 2% of the largest variance; 5% leaves room for the holes.
    X, covariance = planted(4000, 3)
    model = AmortisedFactorAnalysis(3, random_state=0).fit(with_holes(X, share))
    assert np.abs(model.get_covariance() - covariance).max() < 0.05 * covariance.max()


def test_covariance_structure_as_scikit_learn_tests_it():
    rng = np.random.default_rng(0)
    W = rng.standard_normal((3, 5))
    noise = rng.gamma(1, size=5) * rng.standard_normal((20, 5))
    X = rng.standard_normal((20, 3)) @ W + noise
    model = AmortisedFactorAnalysis(3, random_state=0).fit(X)
    assert model.transform(X).shape == (20, 3)
    gap = np.abs(np.cov(X, rowvar=False, bias=True) - model.get_covariance())
    assert gap.sum() / W.size < 0.1


# Exact answers


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_score_is_the_gaussian_marginal(fitted, X, share):
    X = with_holes(X, share)
    covariance = fitted.get_covariance()
    expected = [
        multivariate_normal(fitted.mean_[seen], covariance[np.ix_(seen, seen)]).logpdf(
            row[seen]
        )
        for row, seen in zip(X, ~np.isnan(X), strict=True)
    ]
    np.testing.assert_allclose(fitted.score_samples(X), expected)
    np.testing.assert_allclose(fitted.score(X), np.mean(expected))


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_posterior_is_the_gaussian_conditional(fitted, X, share):
    X = with_holes(X, share)
    means, covariances = fitted.transform(X), fitted.posterior_covariance(X)
    assert covariances.shape == (50, 3, 3)
    for row, mean, covariance in zip(X, means, covariances, strict=True):
        seen = ~np.isnan(row)
        loadings, noise = fitted.components_[:, seen], fitted.noise_variance_[seen]
        precision = np.eye(3) + loadings / noise @ loadings.T
        np.testing.assert_allclose(covariance, np.linalg.inv(precision), atol=1e-12)
        score = loadings / noise @ (row[seen] - fitted.mean_[seen])
        np.testing.assert_allclose(mean, np.linalg.solve(precision, score))


def test_precision_inverts_covariance(fitted):
    product = fitted.get_covariance() @ fitted.get_precision()
    np.testing.assert_allclose(product, np.eye(8), atol=1e-10)


def test_inverse_transform_is_the_location(fitted, X):
    latents = fitted.transform(X)
    expected = fitted.mean_ + latents @ fitted.components_
    np.testing.assert_allclose(fitted.inverse_transform(latents), expected)


def test_samples_have_the_fitted_moments(fitted):
    # 20 000 rows: 5 standard errors of a mean, and of a covariance (at most 2 v v' / n).
    rows = fitted.sample(20_000, random_state=0)
    covariance = fitted.get_covariance()
    deviation = np.sqrt(np.diag(covariance))
    error = 5 * deviation / np.sqrt(20_000)
    assert np.all(np.abs(rows.mean(axis=0) - fitted.mean_) < error)
    gap = np.abs(np.cov(rows, rowvar=False) - covariance)
    assert np.all(gap < np.sqrt(2) * error[:, None] * deviation)
    np.testing.assert_array_equal(rows, fitted.sample(20_000, random_state=0))


# One answer


def test_refits_give_the_same_table():
    # Factors of unlike information, each with one loading larger than all others: then
    # order and signs are no matter of chance.
    rng = np.random.default_rng(0)
    components = np.array([[3.0, 2, 2, 0, 0, 0], [0, 0, 0, -2.0, 1, 1]])
    X = rng.standard_normal((1000, 2)) @ components + rng.standard_normal((1000, 6))
    first, *others = (
        AmortisedFactorAnalysis(2, random_state=seed).fit(X).components_
        for seed in range(3)
    )
    assert first[0, 0] > 0 > first[1, 4]
    for other in others:
        cosines = np.sum(first * other, axis=1)
        cosines /= np.linalg.norm(first, axis=1) * np.linalg.norm(other, axis=1)
        assert np.all(cosines > 0.98)  # measured over six seeds: above 0.99


def test_components_are_in_principal_position(fitted):
    weighted = fitted.components_ / fitted.noise_variance_ @ fitted.components_.T
    information = np.diag(weighted)
    assert np.all(np.diff(information) < 0)
    np.testing.assert_allclose(weighted, np.diag(information), atol=1e-8 * information[0])
    largest = np.argmax(np.abs(fitted.components_), axis=1)
    assert np.all(fitted.components_[np.arange(3), largest] > 0)


def test_units_of_columns_do_not_matter():
    # Steps are relative to the noise: the path is the same up to rounding.
    X = planted(300, 4)[0]
    units = np.array([1e-3, 1.0, 1e3, 1.0, 1e6, 1.0, 1.0, 1e-6])
    plain = AmortisedFactorAnalysis(2, random_state=0).fit(X)
    scaled = AmortisedFactorAnalysis(2, random_state=0).fit(X * units)
    gap = scaled.get_covariance() / np.outer(units, units) - plain.get_covariance()
    assert np.abs(gap).max() < 1e-3 * plain.get_covariance().max()


@pytest.mark.parametrize("method", ["varimax", "quartimax"])
def test_rotation_is_scikit_learns(method):
    X = breast_cancer()
    model = AmortisedFactorAnalysis(3, rotation=method, random_state=0).fit(X)
    plain = AmortisedFactorAnalysis(3, random_state=0).fit(X)
    np.testing.assert_allclose(model.get_covariance(), plain.get_covariance())
    em = FactorAnalysis(3, rotation=method, tol=1e-6, max_iter=5000).fit(X)
    cosines = model.components_ @ em.components_.T
    cosines /= np.linalg.norm(model.components_, axis=1)[:, None]
    cosines /= np.linalg.norm(em.components_, axis=1)
    assert np.all(np.abs(cosines).max(axis=1) > 0.99)
    assert np.all(np.diff(np.sum(model.components_**2, axis=1)) <= 0)


# Limits


def test_duplicated_columns_stop_at_the_floor():
    # A Heywood case: the likelihood grows without bound as their noise vanishes.
    X = np.repeat(planted(200, 5)[0], 2, axis=1)
    model = AmortisedFactorAnalysis(8, noise_floor=1e-3, max_iter=1000, random_state=0).fit(
        X
    )
    share = model.noise_variance_ / X.var(axis=0)
    assert np.all(share > 1e-3)
    assert np.all(share < 0.1)
    assert np.isfinite(model.score(X))


def test_default_number_of_factors_is_ledermanns():
    for n_features, expected in ((1, 1), (3, 1), (5, 2), (6, 3), (10, 6)):
        X = np.random.default_rng(0).standard_normal((40, n_features))
        model = AmortisedFactorAnalysis(max_iter=3, learning_rate=1e-3).fit(X)
        assert model.components_.shape == (expected, n_features)


def test_rows_on_disk_stay_there(tmp_path):
    X = planted(200_000, 6, n_features=10)[0]
    np.save(tmp_path / "rows.npy", X)
    on_disk = np.load(tmp_path / "rows.npy", mmap_mode="r")
    tracemalloc.start()
    model = AmortisedFactorAnalysis(3, random_state=0).fit(on_disk)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.5 * X.nbytes  # measured: 6 MB, whatever the number of rows
    assert model.score(X[:1000]) > AmortisedFactorAnalysis(1).fit(X[:5000]).score(X[:1000])


# Oblique rotations


@pytest.fixture(scope="module", params=["promax", "oblimin"])
def oblique(request):
    table, _ = planted(600, 0)
    return AmortisedFactorAnalysis(3, rotation=request.param, random_state=0).fit(table)


def test_oblique_factors_leave_the_law_of_rows_as_it_is(fitted, oblique, X):
    assert np.abs(oblique.factor_correlation_ - np.eye(3)).max() > 0.05
    np.testing.assert_allclose(np.diag(oblique.factor_correlation_), 1.0)
    np.testing.assert_allclose(oblique.get_covariance(), fitted.get_covariance(), rtol=1e-8)
    identity = oblique.get_precision() @ oblique.get_covariance()
    np.testing.assert_allclose(identity, np.eye(8), atol=1e-8)
    holes = with_holes(X, 0.2)
    scores = oblique.score_samples(holes), fitted.score_samples(holes)
    np.testing.assert_allclose(*scores, rtol=1e-8)
    filled = oblique.impute(holes), fitted.impute(holes)
    np.testing.assert_allclose(*filled, rtol=1e-7, atol=1e-9)


def test_oblique_factors_have_their_conditional_law(oblique, X):
    own, precision = oblique.components_, oblique.get_precision()
    gain = oblique.factor_correlation_ @ own @ precision
    expected = (X - oblique.mean_) @ gain.T
    np.testing.assert_allclose(oblique.transform(X), expected, atol=1e-8)
    covariance = oblique.factor_correlation_ - gain @ own.T @ oblique.factor_correlation_
    np.testing.assert_allclose(oblique.posterior_covariance(X)[0], covariance, atol=1e-8)


def test_oblique_rotation_does_not_depend_on_units():
    table, _ = planted(600, 0)
    units = np.geomspace(0.01, 100, 8)
    plain, scaled = (
        AmortisedFactorAnalysis(3, rotation="oblimin", random_state=0).fit(own)
        for own in (table, table * units)
    )
    # Order and signs go by the variance explained, in the units of X.
    ordered = [
        np.sort(np.abs(model.components_) / scale, axis=0)
        for model, scale in ((plain, 1.0), (scaled, units))
    ]
    np.testing.assert_allclose(*ordered, rtol=1e-5)


# No factors


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("share", [0.0, 0.3])
def test_no_factors_are_independent_columns(X, share):
    table, weights = with_holes(X, share), np.arange(50) % 3
    table[0] = X[0]
    fitted = AmortisedFactorAnalysis(0).fit(table, sample_weight=weights)
    seen = ~np.isnan(table)
    total = weights @ seen
    mean = weights @ np.where(seen, table, 0.0) / total
    variance = weights @ np.where(seen, (table - mean) ** 2, 0.0) / total
    np.testing.assert_allclose(fitted.mean_, mean)
    np.testing.assert_allclose(fitted.noise_variance_, variance)
    single = -0.5 * (np.log(2 * np.pi * variance) + (table - mean) ** 2 / variance)
    np.testing.assert_allclose(fitted.score_samples(table), np.nansum(single, axis=1))
    assert fitted.converged_ and fitted.n_iter_ == 0
    assert fitted.transform(table).shape == (50, 0)
    assert fitted.components_.shape == (0, 8)
    assert np.all(np.isfinite(fitted.impute(table)))
    assert fitted.sample(7).shape == (7, 8)
    assert fitted.sample_posterior(table, 3).shape == (3, 50, 0)
    assert fitted.posterior_covariance(table).shape == (50, 0, 0)
    np.testing.assert_allclose(fitted.inverse_transform(np.zeros((2, 0))), [mean, mean])
    with pytest.raises(ValueError, match="has no steps to take"):
        AmortisedFactorAnalysis(0).partial_fit(table)


def test_a_search_may_start_at_no_factors():
    noise = np.random.default_rng(0).standard_normal((200, 6))
    one = np.random.default_rng(1).standard_normal((200, 1))
    for table, best in ((noise, 0), (noise + one, 1)):
        scores = [
            np.mean(cross_val_score(AmortisedFactorAnalysis(k, random_state=0), table))
            for k in (0, 1, 2)
        ]
        assert int(np.argmax(scores)) == best
