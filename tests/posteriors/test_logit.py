"""Latents between zero and one, decoded through their log odds, against quadrature."""

import numpy as np
import pytest
from scipy.special import expit

from skaws import decoders, likelihoods, priors
from skaws.models import LatentVariableModel
from skaws.posteriors import Logit
from skaws.simulations import latent_space

from ..common import with_holes
from .models import binary_model, fitted, importance
from .quadrature import by_quadrature, grid


@pytest.mark.parametrize("k", [1, 2])
def test_unit_latents_against_quadrature(k):
    model, params = binary_model(k)
    X = model.sample(params, 8, np.random.default_rng(0))[1]
    X[::3, 1] = np.nan
    u, cell = grid(-25.0, 25.0, 4000 if k == 1 else 700, k)
    z = np.clip(expit(u), 1e-15, 1 - 1e-15)
    slope = (np.log(z) + np.log1p(-z)).sum(axis=1)
    exact = by_quadrature(model, params, X, z, slope, cell)
    posterior = fitted(Logit(n_steps=100), model, params)
    log_marginal, mean = importance(posterior, model, params, X, n_samples=2000)
    np.testing.assert_allclose(log_marginal, exact[0], atol=0.06)
    np.testing.assert_allclose(mean, exact[1], atol=0.03)


def height(model, params, X, u):
    """Log density of log odds u of latents."""
    z = expit(u)
    return model.log_joint(params, z, X) + np.sum(np.log(z) + np.log1p(-z), axis=1)


@pytest.mark.parametrize("share", [0.0, 0.3], ids=["complete", "with holes"])
def test_steps_come_to_the_mode_and_never_go_down(share):
    model, params = binary_model(3, n_features=12)
    rng = np.random.default_rng(0)
    params["decoder"]["intercept"] = rng.standard_normal(12)
    X = with_holes(model.sample(params, 40, rng)[1], share, rng)
    paths = [fitted(Logit(n), model, params).mean(X) for n in (1, 2, 3, 4, 500)]
    paths = [np.log(z) - np.log1p(-z) for z in paths]
    heights = [height(model, params, X, u) for u in paths]
    assert np.all(np.diff(heights, axis=0) > -1e-9)
    ahead, behind = (
        np.stack(
            [height(model, params, X, paths[-1] + side * shift) for shift in np.eye(3)]
        )
        for side in (1e-5, -1e-5)
    )
    assert np.abs(ahead - behind).max() / 2e-5 < 1e-4


SUITED = [
    (priors.UnitUniform(2), decoders.LogOdds(), likelihoods.Bernoulli(), True),
    (priors.UnitUniform(2), decoders.LogOdds(), likelihoods.Gaussian(), False),
    (priors.UnitUniform(2), decoders.Linear(), likelihoods.Bernoulli(), False),
    (priors.Gaussian(2), decoders.Linear(), likelihoods.Bernoulli(), False),
]


@pytest.mark.parametrize(("prior", "decoder", "likelihood", "suits"), SUITED)
def test_it_suits_uniform_latents_in_log_odds(prior, decoder, likelihood, suits):
    model, rng = LatentVariableModel(prior, decoder, likelihood), np.random.default_rng(0)
    params = model.init_params(rng.integers(2, size=(50, 4)).astype(float), rng)
    assert Logit().suits(model, params, latent_space(model, params)) is suits
