"""Missing entries filled, and what rows say of their rest, beside exact answers."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from skaws import (
    AmortisedFactorAnalysis,
    AmortisedICA,
    AmortisedLearner,
    AmortisedNMF,
)
from skaws.decoders import MLP
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.models import FunctionModel, LatentVariableModel
from skaws.priors import Gaussian

RNG = np.random.default_rng(0)
X = RNG.standard_normal((300, 2)) @ RNG.standard_normal((2, 5)) + [1.0, 0, 0, 2, 0]
X = X + 0.3 * RNG.standard_normal(X.shape)
HOLES = np.where(RNG.random(X.shape) < 0.2, np.nan, X)
HOLES[np.isnan(HOLES).all(axis=1), 0] = 0.0
FACTORS = AmortisedFactorAnalysis(2, random_state=0).fit(X)
MEAN, COVARIANCE = FACTORS.mean_, FACTORS.get_covariance()


def conditional(row):
    """Mean and covariance of missing entries given the others, exactly."""
    gone, seen = np.isnan(row), ~np.isnan(row)
    slope = np.linalg.solve(COVARIANCE[np.ix_(seen, seen)], COVARIANCE[np.ix_(seen, gone)])
    mean = MEAN[gone] + (row[seen] - MEAN[seen]) @ slope
    return mean, COVARIANCE[np.ix_(gone, gone)] - COVARIANCE[np.ix_(gone, seen)] @ slope


def test_factor_analysis_fills_with_exact_conditional_means():
    filled = FACTORS.impute(HOLES)
    for row, own in zip(HOLES[:50], filled, strict=False):
        np.testing.assert_array_equal(own[~np.isnan(row)], row[~np.isnan(row)])
        np.testing.assert_allclose(own[np.isnan(row)], conditional(row)[0], rtol=1e-6)


def test_draws_have_the_conditional_moments():
    row = np.array([[2.0, np.nan, 0.5, np.nan, -0.5]])
    mean, covariance = conditional(row[0])
    draws = FACTORS.impute(row, n_draws=20_000, random_state=0)[:, 0][:, [1, 3]]
    # Four standard errors of means; covariances to 4 sqrt(2 / 20000) of variances.
    error = np.sqrt(np.diag(covariance) / 20_000)
    assert np.all(np.abs(draws.mean(axis=0) - mean) < 4 * error)
    np.testing.assert_allclose(
        np.cov(draws.T), covariance, atol=0.04 * np.diag(covariance).max()
    )


def test_score_of_the_rest_is_the_conditional_density():
    known = np.array([True, False, True, True, False])
    found = FACTORS.conditional_score_samples(X[:20], known)
    for row, score in zip(X[:20], found, strict=True):
        exact = multivariate_normal(*conditional(np.where(known, row, np.nan)))
        assert score == pytest.approx(exact.logpdf(row[~known]), abs=1e-6)
    of_each = np.tile(known, (20, 1))
    np.testing.assert_allclose(FACTORS.conditional_score_samples(X[:20], of_each), found)
    nothing = np.zeros(5, dtype=bool)
    np.testing.assert_allclose(
        FACTORS.conditional_score_samples(X[:20], nothing), FACTORS.score_samples(X[:20])
    )


@pytest.mark.parametrize(
    "estimator",
    [
        AmortisedICA(2, max_iter=50, random_state=0),
        AmortisedLearner(
            LatentVariableModel(Gaussian(2), MLP((8,)), GaussianNoise()),
            max_iter=300,
            random_state=0,
        ),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_others_fill_better_than_means(estimator):
    filled = estimator.fit(HOLES).impute(HOLES, random_state=0)
    gone = np.isnan(HOLES)
    error = np.mean((filled - X)[gone] ** 2)
    of_means = np.mean((np.broadcast_to(np.nanmean(HOLES, axis=0), X.shape) - X)[gone] ** 2)
    assert error < 0.7 * of_means
    assert estimator.impute(HOLES[:3], n_draws=4, random_state=0).shape == (4, 3, 5)


def test_counts_are_filled_with_counts():
    rng = np.random.default_rng(0)
    counts = rng.poisson(5.0, (80, 6)).astype(float)
    counts[:10, 0] = np.nan
    model = AmortisedNMF(2, max_iter=30, random_state=0).fit(counts)
    assert np.all(model.impute(counts)[:10, 0] > 0)
    draws = model.impute(counts, n_draws=3, random_state=0)[:, :10, 0]
    np.testing.assert_array_equal(draws, np.round(draws))


def test_given_columns_count():
    rng = np.random.default_rng(0)
    given = rng.standard_normal((300, 1))
    rows = 3 * given + 0.1 * rng.standard_normal((300, 2))
    model = LatentVariableModel(Gaussian(1), MLP((8,)), GaussianNoise())
    learner = AmortisedLearner(model, max_iter=300, random_state=0).fit(rows, given=given)
    holes = rows.copy()
    holes[:, 1] = np.nan
    filled = learner.impute(holes, random_state=0, given=given)
    assert np.mean((filled - rows)[:, 1] ** 2) < 0.1 * rows[:, 1].var()


def test_what_cannot_be_filled_is_said():
    def sample(params, n_samples, rng):
        z = rng.standard_normal((n_samples, 1))
        return z, z + rng.standard_normal((n_samples, 2))

    def log_joint(params, z, x):
        return -0.5 * (z**2)[:, 0] - 0.5 * ((x - z - params["m"]) ** 2).sum(axis=1)

    model = FunctionModel(sample, log_joint, lambda X, rng: {"m": 0.0})
    learner = AmortisedLearner(model, max_iter=5, random_state=0).fit(X[:, :2])
    with pytest.raises(NotImplementedError, match="cannot say what is observed"):
        learner.impute(X[:, :2])
    with pytest.raises(ValueError, match="context must be booleans"):
        FACTORS.conditional_score_samples(X, [0, 1, 2])
