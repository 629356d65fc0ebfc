"""Latent draws have the posterior's spread, and share their noise."""

import numpy as np
import pytest

from skaws.decoders import Linear
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.models import LatentVariableModel
from skaws.priors import Gaussian, Laplace
from skaws.regression import LatentDraw, WideEstimate

PARAMS = {
    "decoder": {"components": np.array([[1.0, 0.5], [0.0, 1.0]]), "mean": np.zeros(2)},
    "likelihood": {"noise_variance": 0.5},
}


def fitted(prior, n_candidates=1, n_simulations=4000):
    model = LatentVariableModel(prior, Linear(), GaussianNoise())
    pairs = model.sample(PARAMS, n_simulations, np.random.default_rng(0))
    function, drawn = LatentDraw(n_candidates).fit(model, PARAMS, *pairs)
    return model, pairs, function, drawn


@pytest.mark.parametrize("n_candidates", [1, 8])
def test_draws_have_the_law_of_the_latents(n_candidates):
    # Pairs (draw, x) and (z, x) have the same second moments: within 5 standard errors
    # of a covariance of 4000 rows, sqrt(2 / 4000) times the largest variance.
    _, (latents, observations), _, drawn = fitted(Gaussian(2), n_candidates)
    expected = np.cov(np.hstack([latents, observations]), rowvar=False)
    found = np.cov(np.hstack([drawn, observations]), rowvar=False)
    assert np.abs(found - expected).max() < 5 * np.sqrt(2 / 4000) * expected.max()


def test_the_estimate_itself_has_too_little_spread():
    model, (latents, observations), _, _ = fitted(Gaussian(2))
    estimates = model.latent_estimate(PARAMS, observations)
    assert np.all(estimates.var(axis=0) < 0.8 * latents.var(axis=0))


def test_resampled_draws_are_more_likely():
    # Laplace latents are peaked: draws kept by their density must lie higher on it.
    model, (_, observations), _, plain = fitted(Laplace(2))
    *_, kept = fitted(Laplace(2), n_candidates=8)
    gain = model.log_joint(PARAMS, kept, observations)
    gain = gain - model.log_joint(PARAMS, plain, observations)
    assert gain.mean() > 5 * gain.std() / np.sqrt(len(gain))


@pytest.mark.parametrize("n_candidates", [1, 4])
def test_rows_share_the_left_overs_of_simulations(n_candidates):
    _, (_, observations), function, drawn = fitted(Gaussian(2), n_candidates, 50)
    np.testing.assert_array_equal(function(observations), drawn)
    assert function(np.tile(observations, (3, 1))[:120]).shape == (120, 2)


def test_wide_estimates_shrink_less():
    model, (latents, observations), _, _ = fitted(Gaussian(2))
    best = model.latent_estimate(PARAMS, observations)
    function, same = WideEstimate(spread=1.0).fit(model, PARAMS, latents, observations)
    np.testing.assert_allclose(same, best)
    np.testing.assert_array_equal(function(observations), same)
    wide = WideEstimate().fit(model, PARAMS, latents, observations)[1]
    assert np.all(wide.var(axis=0) > best.var(axis=0))
    # And are worse, on average, where the model holds.
    assert np.mean((wide - latents) ** 2) > np.mean((best - latents) ** 2)
