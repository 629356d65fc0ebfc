"""Importance sampling agrees with exact answers where there are some."""

import numpy as np
import pytest
from scipy.stats import laplace, norm

from skaws.decoders import Linear
from skaws.evaluation import (
    importance_posterior,
    log_marginal_likelihood,
    posterior_mean,
)
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.models import FunctionModel, LatentVariableModel
from skaws.priors import Gaussian, Laplace

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
        total = np.trapezoid(density, grid)
        answers.append((np.log(total), np.trapezoid(grid * density, grid) / total))
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
    log_marginal, mean = importance_posterior(model, PARAMS, X)
    # Draws are matched to a Gaussian posterior: nothing is left to chance.
    np.testing.assert_allclose(log_marginal, model.log_marginal(PARAMS, X), rtol=1e-10)
    np.testing.assert_allclose(mean, model.posterior_mean(PARAMS, X), atol=1e-10)
    np.testing.assert_array_equal(
        log_marginal_likelihood(model, PARAMS, X), model.log_marginal(PARAMS, X)
    )
    np.testing.assert_array_equal(
        posterior_mean(model, PARAMS, X), model.posterior_mean(PARAMS, X)
    )


def test_a_row_depends_on_itself_alone(X):
    whole = importance_posterior(model_of(Laplace(1)), PARAMS, X)
    part = importance_posterior(model_of(Laplace(1)), PARAMS, X[3:7])
    np.testing.assert_allclose(whole[0][3:7], part[0])
    np.testing.assert_allclose(whole[1][3:7], part[1])


def test_models_of_unknown_support_are_told():
    def sample(params, n_samples, rng):
        return rng.standard_normal((n_samples, 1)), np.zeros((n_samples, 1))

    model = FunctionModel(sample, None, None)
    with pytest.raises(NotImplementedError, match="FunctionModel has no log_marginal"):
        log_marginal_likelihood(model, {}, np.zeros((2, 1)))


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
