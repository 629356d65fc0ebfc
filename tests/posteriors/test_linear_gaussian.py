"""Exact answers against the formulas of a multivariate normal, row by row."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from skaws import priors
from skaws.posteriors import (
    ExactGaussian,
    GaussianApproximation,
    LinearGaussian,
    LinearMoments,
    linear_gaussian,
)
from skaws.simulations import simulate

from ..common import assert_means, with_holes
from .models import fitted, function_model, linear_model

K, D, M = 2, 5, 12
ANSWERS = ["mean", "covariance", "log_marginal"]


@pytest.fixture
def moments():
    rng = np.random.default_rng(0)
    return LinearMoments(
        mean=rng.standard_normal(D),
        components=rng.standard_normal((K, D)),
        latent_mean=np.array([1.0, -2.0]),
        latent_factor=np.array([[0.5, 0.2], [0.0, 2.0]]),
        noise_variance=rng.uniform(0.2, 2.0, D),
    )


@pytest.fixture
def X():
    return 3 * np.random.default_rng(1).standard_normal((M, D))


def dense_answers(moments, x):
    """The same three answers by the joint covariance of latents and observed entries."""
    mean, components, latent_mean, factor, noise = moments
    seen = ~np.isnan(x)
    cross = factor.T @ factor @ components[:, seen]
    covariance = components[:, seen].T @ cross + np.diag(noise[seen])
    gain = np.linalg.solve(covariance, cross.T).T
    expected = (mean + latent_mean @ components)[seen]
    return {
        "mean": latent_mean + gain @ (x[seen] - expected),
        "covariance": factor.T @ factor - gain @ cross.T,
        "log_marginal": multivariate_normal(expected, covariance).logpdf(x[seen]),
    }


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("share", [0.0, 0.4], ids=["complete", "with holes"])
def test_answers_are_those_of_the_joint_normal(answer, share, moments, X):
    X = with_holes(X, share, np.random.default_rng(2))
    got = getattr(ExactGaussian(moments), answer)(X)
    expected = [dense_answers(moments, x)[answer] for x in X]
    np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("answer", ANSWERS)
def test_complete_rows_do_not_notice_holes_elsewhere(answer, moments, X):
    exact = getattr(ExactGaussian(moments), answer)
    holes = X.copy()
    holes[M // 2 :, 0] = np.nan
    np.testing.assert_allclose(exact(holes)[: M // 2], exact(X)[: M // 2], rtol=1e-12)


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("chunk_numbers", [1, 2 * D])
def test_chunks_change_nothing(answer, chunk_numbers, moments, X, monkeypatch):
    X[1::3, 2] = np.nan
    expected = getattr(ExactGaussian(moments), answer)(X)
    monkeypatch.setattr(linear_gaussian, "CHUNK_NUMBERS", chunk_numbers)
    got = getattr(ExactGaussian(moments), answer)(X)
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_a_row_without_observed_entries_knows_the_prior_only(moments, X):
    X[3] = np.nan
    exact = ExactGaussian(moments)
    covariance = moments.latent_factor.T @ moments.latent_factor
    np.testing.assert_allclose(exact.mean(X)[3], moments.latent_mean)
    np.testing.assert_allclose(exact.covariance(X)[3], covariance)
    assert exact.log_marginal(X)[3] == 0.0


@pytest.mark.parametrize("answer", ANSWERS)
def test_rows_are_left_as_they_were(answer, moments, X):
    X[3, 1] = np.nan
    before = X.copy()
    getattr(ExactGaussian(moments), answer)(X)
    np.testing.assert_array_equal(X, before)


@pytest.mark.parametrize("answer", ANSWERS[:2])
def test_weights_divide_the_noise_variance(answer, moments, X):
    weights = np.random.default_rng(4).uniform(0.1, 10.0, X.shape)
    X[3, 1] = np.nan
    got = getattr(ExactGaussian(moments), answer)(X, weights)
    for row, x, own in zip(got, X, weights, strict=True):
        noisy = moments._replace(noise_variance=moments.noise_variance / own)
        np.testing.assert_allclose(row, dense_answers(noisy, x)[answer], rtol=1e-9)


@pytest.mark.parametrize("answer", ANSWERS[:2])
def test_an_entry_of_weight_zero_is_missing(answer, moments, X):
    exact = getattr(ExactGaussian(moments), answer)
    hidden = np.random.default_rng(5).random(X.shape) < 0.3
    expected = exact(np.where(hidden, np.nan, X))
    np.testing.assert_allclose(exact(X, (~hidden).astype(float)), expected, rtol=1e-12)


def test_more_latents_than_features_are_no_obstacle():
    rng = np.random.default_rng(3)
    components = rng.standard_normal((4, 2))
    moments = LinearMoments(np.zeros(2), components, np.zeros(4), np.eye(4), np.ones(2))
    X = rng.standard_normal((3, 2))
    expected = [dense_answers(moments, x)["mean"] for x in X]
    np.testing.assert_allclose(ExactGaussian(moments).mean(X), expected)


@pytest.mark.parametrize("common", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.4], ids=["complete", "with holes"])
def test_draws_are_those_of_the_posterior(common, share, moments, X):
    X = with_holes(X, share, np.random.default_rng(2))
    exact, rng = ExactGaussian(moments), np.random.default_rng(6)
    latents, log_prob = exact.sample(X, 4000, rng, common)
    for row, x in enumerate(X):
        mean, covariance = (dense_answers(moments, x)[name] for name in ANSWERS[:2])
        expected = multivariate_normal(mean, covariance).logpdf(latents[:, row])
        np.testing.assert_allclose(log_prob[:, row], expected, rtol=1e-9)
        error = latents[:, row] - mean
        assert_means(error, np.zeros(K))
        # Antithetic pairs have the same products: errors are those of half the draws.
        products = (error[:, :, None] * error[:, None, :])[:2000].reshape(-1, K * K)
        assert_means(products, covariance.ravel())


def test_only_the_exact_posterior_has_a_log_marginal(moments):
    assert hasattr(ExactGaussian(moments), "log_marginal")
    assert not hasattr(GaussianApproximation(moments), "log_marginal")
    gaussian = linear_model(priors.Gaussian(2))
    assert not hasattr(fitted(LinearGaussian(), *gaussian), "log_marginal")


def test_a_widening_is_that_of_the_variance_of_latents(X):
    model, params = linear_model(priors.Laplace(2))
    moments = model.linear_moments(params)
    wider = moments._replace(latent_factor=np.sqrt(5.0) * moments.latent_factor)
    found = fitted(LinearGaussian(widening=5.0), model, params)
    np.testing.assert_allclose(found.mean(X), ExactGaussian(wider).mean(X))
    narrow = fitted(LinearGaussian(), model, params)
    np.testing.assert_allclose(narrow.mean(X), ExactGaussian(moments).mean(X))
    assert np.all(found.mean(X).var(axis=0) > narrow.mean(X).var(axis=0))


class WithoutFormula:
    """A linear model that shows its draws only."""

    def __init__(self, model, n_given=0):
        self._model, self.n_given = model, n_given

    def sample(self, params, n_samples, rng):
        return self._model.sample(params, n_samples, rng)


def test_moments_without_a_formula_come_from_simulations(X):
    # 600 pairs: errors of regressions are near 1 / sqrt(600) = 0.04 of the noise's,
    # five of them and as much of the gain stay below 0.4 posterior deviations.
    model, params = linear_model(priors.Gaussian(2))
    exact = ExactGaussian(model.linear_moments(params))
    simulations = simulate(model, params, 10, np.random.default_rng(0))
    hidden, rng = WithoutFormula(model), np.random.default_rng(1)
    found = LinearGaussian().fit(hidden, params, simulations, rng)
    # Rows of the model, since errors grow with the distance from its mean.
    rows = with_holes(model.sample(params, 50, np.random.default_rng(2))[1], 0.3, rng)
    sd = np.sqrt(np.diagonal(exact.covariance(rows), axis1=1, axis2=2))
    assert np.abs((found.mean(rows) - exact.mean(rows)) / sd).max() < 0.4
    # Negative control: estimates of a model with other loadings are further away.
    components = -params["decoder"]["components"]
    other = {**params, "decoder": {**params["decoder"], "components": components}}
    wrong = LinearGaussian().fit(hidden, other, simulations, rng)
    assert np.abs((wrong.mean(rows) - exact.mean(rows)) / sd).max() > 1
    with pytest.raises(ValueError, match="has given columns and no linear_moments"):
        LinearGaussian().fit(WithoutFormula(model, 1), params, simulations, rng)


def test_a_column_that_never_varies_says_nothing():
    class Still(WithoutFormula):
        def sample(self, params, n_samples, rng):
            latents, X = super().sample(params, n_samples, rng)
            X[:, 0] = 0.0
            return latents, X

    model, params = linear_model(priors.Gaussian(2))
    simulations = simulate(model, params, 10, np.random.default_rng(0))
    found = LinearGaussian().fit(
        Still(model), params, simulations, np.random.default_rng(1)
    )
    X = model.sample(params, 5, np.random.default_rng(2))[1]
    hidden = X.copy()
    hidden[:, 0] = np.nan
    np.testing.assert_allclose(found.mean(X), found.mean(hidden), atol=1e-12)


def test_latents_that_are_not_real_are_refused():
    model, params = function_model("waiting")
    with pytest.raises(ValueError, match="LinearGaussian is for latents that are real"):
        fitted(LinearGaussian(), model, params)


def least_squares(moments, x):
    """Posterior mean of one row by one least-squares problem, which loses no digits."""
    seen, k = ~np.isnan(x), len(moments.latent_mean)
    sd = np.sqrt(moments.noise_variance[seen])
    loadings = (moments.latent_factor @ moments.components)[:, seen] / sd
    location = moments.mean + moments.latent_mean @ moments.components
    target = np.concatenate([np.zeros(k), (x - location)[seen] / sd])
    white = np.linalg.lstsq(np.vstack([np.eye(k), loadings.T]), target, rcond=None)[0]
    return moments.latent_mean + white @ moments.latent_factor


@pytest.mark.parametrize("sharp", [True, False])
def test_little_noise_leaves_the_digits_of_rows_with_holes(monkeypatch, sharp):
    # A precision of 1e10 has an inverse of relative error 1e-6: the control shows it.
    if not sharp:
        monkeypatch.setattr(linear_gaussian, "SHARP", np.inf)
    rng, k, d = np.random.default_rng(0), 6, 8
    parts = np.zeros(d), rng.standard_normal((k, d)), np.zeros(k), np.eye(k)
    moments = LinearMoments(*parts, np.full(d, 1e-11))
    X = with_holes(rng.standard_normal((50, k)) @ moments.components, 0.4, rng)
    X = X[~np.isnan(X).all(axis=1)]
    found = GaussianApproximation(moments).mean(X)
    expected = np.array([least_squares(moments, x) for x in X])
    error = np.abs(found - expected).max()
    assert error < 1e-8 if sharp else error > 1e-7


def test_little_noise_leaves_the_digits_of_likelihoods():
    rng, k, d = np.random.default_rng(0), 3, 6
    parts = np.zeros(d), rng.standard_normal((k, d)), np.zeros(k), np.eye(k)
    moments = LinearMoments(*parts, np.full(d, 1e-9))
    noise = np.sqrt(1e-9) * rng.standard_normal((20, d))
    X = with_holes(rng.standard_normal((20, k)) @ moments.components + noise, 0.2, rng)
    found = ExactGaussian(moments).log_marginal(X)
    covariance = moments.components.T @ moments.components + 1e-9 * np.eye(d)
    for value, x in zip(found, X, strict=True):
        seen = ~np.isnan(x)
        own = 2 * np.pi * covariance[np.ix_(seen, seen)]
        distance = 2 * np.pi * x[seen] @ np.linalg.solve(own, x[seen])
        assert abs(value + 0.5 * (distance + np.linalg.slogdet(own)[1])) < 1e-4
