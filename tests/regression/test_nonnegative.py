"""Estimates of bounded latents are modes of their posterior in unbounded coordinates."""

import numpy as np
import pytest
from scipy.special import expit

from skaws.decoders import Linear, LogOdds
from skaws.likelihoods import Bernoulli, Gaussian, NegativeBinomial, Poisson
from skaws.models import LatentVariableModel
from skaws.priors import Gamma, UnitUniform
from skaws.regression import LogOddsMode, MultiplicativeMode

from ..common import with_holes

K, D = 3, 12
NOISES = {
    "Poisson": (Poisson(), {}),
    "Gaussian": (Gaussian(), {"noise_variance": 0.5}),
    "NegativeBinomial": (NegativeBinomial(), {"size": 2.0}),
}


def gamma_model(name, seed=0):
    """Model, params and rows of one likelihood."""
    likelihood, noise = NOISES[name]
    model = LatentVariableModel(Gamma(K), Linear(nonnegative=True), likelihood)
    rng = np.random.default_rng(seed)
    params = {
        "prior": {"shape": np.array([0.2, 1.0, 3.0])},
        "decoder": {"components": rng.gamma(0.5, 5.0, (K, D)) + 0.01},
        "likelihood": noise,
    }
    return model, params, model.sample(params, 40, rng)[1]


def slopes(model, params, X, u, to_latents):
    """Differences of the log density of unbounded coordinates u, shape of u."""
    h, answer = 1e-5, np.empty_like(u)

    def log_density(u):
        latents, log_slope = to_latents(u)
        return model.log_joint(params, latents, X) + log_slope.sum(axis=1)

    for j in range(u.shape[1]):
        step = h * (np.arange(u.shape[1]) == j)
        answer[:, j] = (log_density(u + step) - log_density(u - step)) / (2 * h)
    return answer


def from_log(u):
    return np.exp(u), u


def from_log_odds(u):
    z = expit(u)
    return z, np.log(z) + np.log1p(-z)


@pytest.mark.parametrize("share", [0.0, 0.3], ids=["complete", "with holes"])
@pytest.mark.parametrize("name", NOISES)
def test_multiplicative_updates_come_to_the_mode_in_log_z(name, share):
    model, params, X = gamma_model(name)
    X = with_holes(X, share, np.random.default_rng(1))
    few, many = (MultiplicativeMode(n).at(model, params)(X) for n in (10, 3000))
    slope = slopes(model, params, X, np.log(many), from_log)
    assert np.abs(slope).max() < 1e-3
    # Ten are most of the way, and no slope is left as large as it was at the start.
    one = MultiplicativeMode(0).at(model, params)(X)
    gain = model.log_joint(params, few, X) - model.log_joint(params, one, X)
    gain += np.sum(np.log(few / one), axis=1)
    assert np.mean(gain) > 0 and np.all(few > 0)


def test_poisson_updates_never_go_down():
    # They are EM's: the log posterior of log z rises at each.
    model, params, X = gamma_model("Poisson")
    paths = [MultiplicativeMode(n).at(model, params)(X) for n in range(6)]
    heights = [model.log_joint(params, z, X) + np.log(z).sum(axis=1) for z in paths]
    assert np.all(np.diff(heights, axis=0) > -1e-9)


@pytest.mark.parametrize("share", [0.0, 0.3], ids=["complete", "with holes"])
def test_log_odds_steps_come_to_the_mode_and_never_go_down(share):
    model = LatentVariableModel(UnitUniform(K), LogOdds(), Bernoulli())
    rng = np.random.default_rng(0)
    params = {
        "decoder": {
            "components": rng.gamma(1.0, 1.0, (K, D)),
            "intercept": rng.standard_normal(D),
        }
    }
    X = with_holes(model.sample(params, 40, rng)[1], share, rng)
    paths = [LogOddsMode(n).at(model, params)(X) for n in (1, 2, 3, 4, 500)]
    heights = [
        model.log_joint(params, z, X) + (np.log(z) + np.log1p(-z)).sum(axis=1)
        for z in paths
    ]
    assert np.all(np.diff(heights, axis=0) > -1e-9)
    log_odds = np.log(paths[-1]) - np.log1p(-paths[-1])
    assert np.abs(slopes(model, params, X, log_odds, from_log_odds)).max() < 1e-4


def test_fit_returns_the_function_and_its_values():
    model, params, X = gamma_model("Poisson")
    function, estimates = MultiplicativeMode().fit(model, params, None, X)
    np.testing.assert_array_equal(function(X), estimates)
    np.testing.assert_allclose(function(X[3:5]), estimates[3:5])
