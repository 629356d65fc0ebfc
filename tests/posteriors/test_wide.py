"""Importance sampling from a wide Student's t."""

import numpy as np
import pytest

from skaws import priors
from skaws.posteriors import LinearGaussian, Robust, SharedResiduals, Wide

from ..common import with_holes
from .models import fitted, importance, linear_model, robust_model
from .quadrature import by_quadrature, grid


def rows(model, params, share, n=8):
    rng = np.random.default_rng(0)
    return with_holes(model.sample(params, n, rng)[1], share, rng)


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("share", [0.0, 0.3], ids=["complete", "with holes"])
def test_a_gaussian_posterior_is_sampled_without_error(k, share):
    model, params = linear_model(priors.Gaussian(k))
    X, exact = rows(model, params, share), model.posterior(params)
    posterior = fitted(Wide(LinearGaussian()), model, params)
    log_marginal, mean = importance(posterior, model, params, X, n_samples=4 * k)
    np.testing.assert_allclose(log_marginal, exact.log_marginal(X), atol=1e-9)
    np.testing.assert_allclose(mean, exact.mean(X), atol=1e-9)


@pytest.mark.parametrize("n_samples", [4 * 5 - 2, 4 * 5 + 1])
def test_draws_that_are_too_few_or_odd_are_not_matched(n_samples):
    # The control of the law above: without matching there is an error.
    model, params = linear_model(priors.Gaussian(5))
    X, exact = rows(model, params, 0.0), model.posterior(params)
    posterior = fitted(Wide(LinearGaussian()), model, params)
    log_marginal, _ = importance(posterior, model, params, X, n_samples)
    error = np.abs(log_marginal - exact.log_marginal(X))
    assert np.all(error > 1e-6) and np.all(error < 1.5)


@pytest.mark.parametrize("prior", [priors.Laplace, priors.Uniform])
def test_other_latents_against_quadrature(prior):
    model, params = linear_model(prior(2))
    X = rows(model, params, 0.2)
    exact = by_quadrature(model, params, X, *with_slope(grid(-9.0, 9.0, 500, 2)))
    posterior = fitted(Wide(LinearGaussian()), model, params)
    log_marginal, mean = importance(posterior, model, params, X, n_samples=2000)
    # 2000 draws whose weights have a relative variance of one: 0.02; of the worst of 8
    # rows three times that.
    np.testing.assert_allclose(log_marginal, exact[0], atol=0.07)
    np.testing.assert_allclose(mean, exact[1], atol=0.07)


def with_slope(latents_and_cell):
    latents, cell = latents_and_cell
    return latents, 0.0, cell


def test_mean_and_covariance_are_those_of_the_posterior_inside():
    model, params = robust_model(2)
    X = rows(model, params, 0.2)
    wide, inner = (fitted(one, model, params) for one in (Wide(Robust()), Robust()))
    np.testing.assert_array_equal(wide.mean(X), inner.mean(X))
    np.testing.assert_array_equal(wide.covariance(X), inner.covariance(X))


def test_a_posterior_without_covariance_is_refused():
    with pytest.raises(TypeError, match="has no covariance once fitted"):
        fitted(Wide(SharedResiduals()), *linear_model(priors.Laplace(2)))
