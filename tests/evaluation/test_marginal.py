"""Importance sampling agrees with exact answers where there are some."""

import numpy as np
import pytest
from scipy.integrate import trapezoid
from scipy.stats import laplace, norm

from skaws.decoders import Linear
from skaws.evaluation import (
    fit_posterior,
    importance_posterior,
    log_marginal_likelihood,
    posterior_mean,
    sample_posterior,
)
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.models import FunctionModel, LatentVariableModel
from skaws.posteriors import Exact, Wide
from skaws.priors import Categorical, Gaussian, Laplace
from skaws.supports import Positive

from ..common import altered
from ..estimators.functions import ATOMS, TIMES

PARAMS = {
    "decoder": {"components": np.array([[1.0, -0.5, 2.0]]), "mean": np.zeros(3)},
    "likelihood": {"noise_variance": 0.25},
}


def model_of(prior):
    return LatentVariableModel(prior, Linear(), GaussianNoise())


@pytest.fixture
def X():
    rows = model_of(Laplace(1)).sample(PARAMS, 50, np.random.default_rng(0))[1]
    rows[::5, 1] = np.nan
    return rows


def by_quadrature(X):
    """Log marginal and posterior mean of the Laplace model on a fine grid."""
    grid = np.linspace(-15, 15, 20_001)
    location = grid[:, None] * PARAMS["decoder"]["components"]
    log_prior = laplace.logpdf(grid, scale=np.sqrt(0.5))
    answers = []
    for row in X:
        seen = ~np.isnan(row)
        log_joint = log_prior + norm.logpdf(row[seen], location[:, seen], 0.5).sum(axis=1)
        density = np.exp(log_joint)
        total = trapezoid(density, grid)
        answers.append((np.log(total), trapezoid(grid * density, grid) / total))
    return np.array(answers).T


def test_one_laplace_latent_against_quadrature(X):
    log_marginal, mean = importance_posterior(model_of(Laplace(1)), PARAMS, X, n_draws=2000)
    expected = by_quadrature(X)
    # 2000 draws with weights of relative variance below one: errors of about 2%.
    np.testing.assert_allclose(log_marginal, expected[0], atol=0.08)
    np.testing.assert_allclose(mean[:, 0], expected[1], atol=0.08)
    default = log_marginal_likelihood(model_of(Laplace(1)), PARAMS, X)
    assert abs(np.mean(default - expected[0])) < 0.03


def test_gaussian_latents_against_the_formula(X):
    model = model_of(Gaussian(1))
    wide = fit_posterior(model, PARAMS, posterior=Wide(Exact()))
    log_marginal, mean = importance_posterior(model, PARAMS, X, posterior=wide)
    # Draws are matched to a Gaussian posterior: nothing is left to chance.
    exact = model.posterior(PARAMS)
    np.testing.assert_allclose(log_marginal, exact.log_marginal(X), rtol=1e-10)
    np.testing.assert_allclose(mean, exact.mean(X), atol=1e-10)
    np.testing.assert_array_equal(
        log_marginal_likelihood(model, PARAMS, X), exact.log_marginal(X)
    )
    np.testing.assert_array_equal(posterior_mean(model, PARAMS, X), exact.mean(X))


def test_a_row_depends_on_itself_alone(X):
    whole = importance_posterior(model_of(Laplace(1)), PARAMS, X)
    part = importance_posterior(model_of(Laplace(1)), PARAMS, X[3:7])
    np.testing.assert_allclose(whole[0][3:7], part[0])
    np.testing.assert_allclose(whole[1][3:7], part[1])


def test_models_that_no_posterior_suits_are_told():
    model, params = FunctionModel(**ATOMS), {"rate": 1.0, "sd": 0.5}
    for answer in (log_marginal_likelihood, posterior_mean):
        with pytest.raises(NotImplementedError, match="No posterior suits FunctionModel"):
            answer(model, params, np.zeros((2, 1)))


def test_support_that_nobody_declared_is_read_off():
    declared, plain = (FunctionModel(**TIMES, latent_support=s) for s in (Positive(), None))
    params = {"rate": 0.4, "sd": 0.5}
    X = plain.sample(params, 50, np.random.default_rng(0))[1]
    for answer in (log_marginal_likelihood, posterior_mean):
        np.testing.assert_array_equal(answer(plain, params, X), answer(declared, params, X))


# Draws


@pytest.mark.parametrize("prior", [Gaussian, Laplace])
def test_draws_have_the_posterior_s_moments(prior, X):
    model, n = model_of(prior(1)), 4000
    rng = np.random.default_rng(0)
    draws = sample_posterior(model, PARAMS, X, n, rng)
    assert draws.shape == (n, len(X), 1)
    mean = importance_posterior(model, PARAMS, X, n_draws=20_000)[1]
    # Draws are resampled, with repetitions, of four times as many candidates: the variance
    # of a mean is at most that of n, and of 4 n weighed ones, whose efficiency is above a
    # half.
    error = draws.std(axis=0) * np.sqrt(1 / n + 2 / (4 * n))
    assert np.all(np.abs(draws.mean(axis=0) - mean) < 5 * error + 0.005)
    narrow = 0.8 * draws  # a control
    assert np.any(np.abs(narrow.mean(axis=0) - mean) > 5 * error + 0.005)


def test_draws_of_labels_come_as_often_as_their_probability():
    model = LatentVariableModel(Categorical(3), Linear(), GaussianNoise())
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20, 2))
    params = model.init_params(X, rng)
    draws = sample_posterior(model, params, X, 3000, rng)
    assert np.all(draws.sum(axis=2) == 1) and set(np.unique(draws)) == {0.0, 1.0}
    share = posterior_mean(model, params, X)
    # Counts: five standard errors, and five of what hardly ever comes.
    error = np.sqrt(share * (1 - share) / 3000)
    assert np.all(np.abs(draws.mean(axis=0) - share) < 5 * error + 5 / 3000)


def test_draws_depend_on_rng_alone(X):
    def drawn(seed):
        rng = np.random.default_rng(seed)
        return sample_posterior(model_of(Laplace(1)), PARAMS, X, 3, rng)

    np.testing.assert_array_equal(drawn(0), drawn(0))
    assert not np.array_equal(drawn(0), drawn(1))
    # Not all the same, in a row or between rows of the same x.
    assert len(np.unique(drawn(0))) > 100


def test_one_draw_of_each_row_is_not_the_same_for_equal_rows():
    X = np.tile([[1.0, 0.0, 0.5]], (100, 1))
    rng = np.random.default_rng(0)
    assert sample_posterior(model_of(Laplace(1)), PARAMS, X, 1, rng).std() > 0.1


def test_fitted_posterior_is_used_and_nothing_is_simulated_again(X):
    model = model_of(Laplace(1))
    fitted = fit_posterior(model, PARAMS, like=X)
    silent = altered(model, sample=None)
    for answer in (log_marginal_likelihood, posterior_mean):
        np.testing.assert_array_equal(
            answer(silent, PARAMS, X, posterior=fitted), answer(model, PARAMS, X)
        )
    rng = np.random.default_rng(0)
    assert sample_posterior(silent, PARAMS, X, 2, rng, fitted).shape == (2, len(X), 1)
    with pytest.raises(TypeError):  # the control
        posterior_mean(silent, PARAMS, X)


@pytest.mark.parametrize("answer", [log_marginal_likelihood, posterior_mean])
@pytest.mark.parametrize("prior", [Gaussian, Laplace])
def test_rows_are_checked_at_the_door(answer, prior, X):
    model = model_of(prior(1))
    np.testing.assert_array_equal(
        answer(model, PARAMS, X.tolist()), answer(model, PARAMS, X)
    )
    with pytest.raises(ValueError, match="Expected 2D array"):
        answer(model, PARAMS, X[0])
    with pytest.raises(ValueError, match="infinity"):
        answer(model, PARAMS, np.where(X > 1, np.inf, X))


@pytest.mark.parametrize("answer", [log_marginal_likelihood, posterior_mean])
@pytest.mark.parametrize("n_draws", [0, -2])
def test_no_draws_are_refused(answer, n_draws, X):
    with pytest.raises(ValueError, match=f"n_draws={n_draws} must be a positive"):
        answer(model_of(Laplace(1)), PARAMS, X, n_draws=n_draws)
