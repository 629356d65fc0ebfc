"""Exact answers against the formulas of a multivariate normal, row by row."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from skaws.models import linear_gaussian
from skaws.models.linear_gaussian import LinearGaussian

from ..common import with_holes

K, D, M = 2, 5, 12
ANSWERS = ["posterior_mean", "posterior_covariance", "log_marginal"]


@pytest.fixture
def moments():
    """Mean, components, noise variance; mean and covariance factor of the latents."""
    rng = np.random.default_rng(0)
    return (
        rng.standard_normal(D),
        rng.standard_normal((K, D)),
        rng.uniform(0.2, 2.0, D),
        np.array([1.0, -2.0]),
        np.array([[0.5, 0.2], [0.0, 2.0]]),
    )


@pytest.fixture
def X():
    return 3 * np.random.default_rng(1).standard_normal((M, D))


def dense_answers(moments, x):
    """The same three answers by the joint covariance of latents and observed entries."""
    mean, components, noise, latent_mean, factor = moments
    seen = ~np.isnan(x)
    cross = factor.T @ factor @ components[:, seen]
    covariance = components[:, seen].T @ cross + np.diag(noise[seen])
    gain = np.linalg.solve(covariance, cross.T).T
    expected = (mean + latent_mean @ components)[seen]
    return {
        "posterior_mean": latent_mean + gain @ (x[seen] - expected),
        "posterior_covariance": factor.T @ factor - gain @ cross.T,
        "log_marginal": multivariate_normal(expected, covariance).logpdf(x[seen]),
    }


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("share", [0.0, 0.4], ids=["complete", "with holes"])
def test_answers_are_those_of_the_joint_normal(answer, share, moments, X):
    X = with_holes(X, share, np.random.default_rng(2))
    got = getattr(LinearGaussian(*moments), answer)(X)
    expected = [dense_answers(moments, x)[answer] for x in X]
    np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("answer", ANSWERS)
def test_complete_rows_do_not_notice_holes_elsewhere(answer, moments, X):
    exact = getattr(LinearGaussian(*moments), answer)
    holes = X.copy()
    holes[M // 2 :, 0] = np.nan
    np.testing.assert_allclose(exact(holes)[: M // 2], exact(X)[: M // 2], rtol=1e-12)


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("chunk_numbers", [1, 2 * D])
def test_chunks_change_nothing(answer, chunk_numbers, moments, X, monkeypatch):
    X[1::3, 2] = np.nan
    expected = getattr(LinearGaussian(*moments), answer)(X)
    monkeypatch.setattr(linear_gaussian, "CHUNK_NUMBERS", chunk_numbers)
    got = getattr(LinearGaussian(*moments), answer)(X)
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_a_row_without_observed_entries_knows_the_prior_only(moments, X):
    X[3] = np.nan
    exact = LinearGaussian(*moments)
    np.testing.assert_allclose(exact.posterior_mean(X)[3], moments[3])
    np.testing.assert_allclose(exact.posterior_covariance(X)[3], moments[4].T @ moments[4])
    assert exact.log_marginal(X)[3] == 0.0


@pytest.mark.parametrize("answer", ANSWERS)
def test_rows_are_left_as_they_were(answer, moments, X):
    X[3, 1] = np.nan
    before = X.copy()
    getattr(LinearGaussian(*moments), answer)(X)
    np.testing.assert_array_equal(X, before)


@pytest.mark.parametrize("answer", ANSWERS[:2])
def test_weights_divide_the_noise_variance(answer, moments, X):
    weights = np.random.default_rng(4).uniform(0.1, 10.0, X.shape)
    X[3, 1] = np.nan
    got = getattr(LinearGaussian(*moments), answer)(X, weights)
    for row, x, own in zip(got, X, weights, strict=True):
        noisy = (*moments[:2], moments[2] / own, *moments[3:])
        np.testing.assert_allclose(row, dense_answers(noisy, x)[answer], rtol=1e-9)


@pytest.mark.parametrize("answer", ANSWERS[:2])
def test_an_entry_of_weight_zero_is_missing(answer, moments, X):
    exact = getattr(LinearGaussian(*moments), answer)
    hidden = np.random.default_rng(5).random(X.shape) < 0.3
    expected = exact(np.where(hidden, np.nan, X))
    np.testing.assert_allclose(exact(X, (~hidden).astype(float)), expected, rtol=1e-12)


def test_more_latents_than_features_are_no_obstacle():
    rng = np.random.default_rng(3)
    moments = (
        np.zeros(2),
        rng.standard_normal((4, 2)),
        np.ones(2),
        np.zeros(4),
        np.eye(4),
    )
    X = rng.standard_normal((3, 2))
    expected = [dense_answers(moments, x)["posterior_mean"] for x in X]
    np.testing.assert_allclose(LinearGaussian(*moments).posterior_mean(X), expected)
