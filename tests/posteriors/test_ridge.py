"""Ridge regression in real coordinates."""

import numpy as np
import pytest

from skaws import priors
from skaws.models import FunctionModel
from skaws.posteriors import Ridge
from skaws.simulations import Simulations, simulate
from skaws.spaces import Space
from skaws.supports import Positive

from ..common import with_holes
from .models import fitted, function_model, linear_model, network_model

N = 1000


@pytest.fixture
def known():
    model, params = linear_model(priors.Gaussian(2), n_features=4)
    params["decoder"]["components"] = 2.0 * params["decoder"]["components"]
    return model, params


@pytest.fixture
def simulations(known):
    return simulate(*known, N, np.random.default_rng(1))


def fit(simulations, alpha=1.0):
    return Ridge(alpha).fit(None, {}, simulations, None)


def test_it_is_ridge_regression(simulations):
    # Written out: standardised columns, centred latents, penalty 1.
    z, x, *_ = simulations
    Z = (x - x.mean(axis=0)) / x.std(axis=0)
    slopes = np.linalg.solve(Z.T @ Z + np.eye(4), Z.T @ (z - z.mean(axis=0)))
    expected = z.mean(axis=0) + Z @ slopes
    np.testing.assert_allclose(fit(simulations).mean(x), expected, atol=1e-10)
    assert np.abs(fit(simulations, 1e3).mean(x) - expected).max() > 0.1


def test_logarithms_of_positive_latents_are_regressed(simulations):
    z, x, *_ = simulations
    positive = Simulations(np.exp(z), x, Space(np.exp(z), Positive(), batched=True))
    cut = np.clip(fit(simulations).mean(x), z.min(axis=0), z.max(axis=0))
    np.testing.assert_allclose(fit(positive).mean(x), np.exp(cut))


def test_it_explains_what_the_posterior_mean_does(known, simulations):
    # The best linear estimate leaves the posterior variance, the fitted one d / N of it
    # more; the mean of 2000 squared errors has a standard error of 3.2 %: five are 16 %.
    # The prior mean would leave 1.
    model, params = known
    z, x = model.sample(params, 2000, np.random.default_rng(3))
    covariance = model.posterior(params).covariance(x[:1])[0]
    left = np.mean((fit(simulations).mean(x) - z) ** 2, axis=0)
    assert np.all(left < 1.2 * np.diag(covariance)) and np.all(left < 0.7)


def test_only_latents_that_are_not_real_are_cut_to_the_simulated_range(simulations):
    z, x, *_ = simulations
    assert np.abs(fit(simulations).mean(1e3 * x)).max() > 10 * np.abs(z).max()
    positive = Simulations(np.exp(z), x, Space(np.exp(z), Positive(), batched=True))
    far = fit(positive).mean(1e3 * x)
    low, high = np.exp(z).min(axis=0), np.exp(z).max(axis=0)
    assert np.all(far >= low * (1 - 1e-12)) and np.all(far <= high * (1 + 1e-12))
    # Inputs are not cut: real rows further out keep their order.
    assert np.abs(fit(positive).inputs(1e3 * x)).max() > 10 * np.abs(z).max()


def test_missing_entries_count_as_the_mean(simulations):
    posterior, x = fit(simulations), simulations.observations
    holes = with_holes(x, 0.3, np.random.default_rng(2))
    filled = np.where(np.isnan(holes), x.mean(axis=0), x)
    np.testing.assert_allclose(posterior.mean(holes), posterior.mean(filled), atol=1e-12)


def test_it_is_fitted_on_rows_with_missing_entries(simulations):
    z, x, space, _ = simulations
    holes = with_holes(x, 0.3, np.random.default_rng(2))
    left = np.mean((fit(Simulations(z, holes, space)).mean(holes) - z) ** 2, axis=0)
    assert np.all(np.isfinite(left)) and np.all(left < 0.9)  # of a prior variance of 1


def test_a_column_that_never_varies_is_ignored(simulations):
    z, x, space, _ = simulations
    wider = np.column_stack([x, np.full(N, 0.1)])
    posterior = fit(Simulations(z, wider, space))
    other = np.column_stack([x, np.full(N, 0.1 + 1e-3)])
    np.testing.assert_allclose(posterior.mean(other), posterior.mean(wider), atol=1e-2)


def test_draws_have_the_covariance_that_the_regression_leaves_over(simulations):
    posterior, x = fit(simulations), simulations.observations
    residual = simulations.latents - posterior.mean(x)
    expected = residual.T @ residual / N
    draws, _ = posterior.sample(x[:1], 20_000, np.random.default_rng(0))
    found = np.cov(draws[:, 0], rowvar=False)
    # Standard errors of a covariance of 20 000 draws: sqrt(2 / 20 000) of a variance.
    np.testing.assert_allclose(found, expected, atol=5 * 0.01 * expected.max())


def test_angles_on_a_circle_are_told_all_around():
    # Coordinates of a projection run off to infinity on the far side of a circle.
    model, params = network_model(priors.UniformCircle(), 5, 0.01)
    z, x = model.sample(params, N, np.random.default_rng(3))
    mean = fitted(Ridge(), model, params, N).mean(x)
    np.testing.assert_allclose(np.linalg.norm(mean, axis=1), 1.0)
    error = np.arccos(np.clip(np.sum(mean * z, axis=1), -1, 1))
    assert np.median(error) < 0.5  # that of a guess is pi / 2


@pytest.mark.parametrize("name", ["tree", "path", "direction"])
def test_latents_of_any_structure_are_explained(name):
    model, params = function_model(name)
    posterior = fitted(Ridge(), model, params, N)
    z, x = model.sample(params, N, np.random.default_rng(3))
    real = posterior.space.flatten(z)
    by_mean = np.abs(real - posterior.space.flatten(posterior.mean(x)))
    by_median = np.abs(real - np.median(real, axis=0))
    assert np.all(np.median(by_mean, axis=0) < 0.9 * np.median(by_median, axis=0))


def test_labels_are_refused():
    with pytest.raises(ValueError, match="Ridge is for latents with real coordinates"):
        fitted(Ridge(), *function_model("labels"))


def sample(params, n_samples, rng):
    z = rng.standard_normal((n_samples, 1))
    return z, z + rng.standard_normal((n_samples, 3))


def test_columns_of_one_latent_keep_their_shape():
    posterior = fitted(Ridge(), FunctionModel(sample, None, None), {})
    assert posterior.mean(np.zeros((7, 3))).shape == (7, 1)
