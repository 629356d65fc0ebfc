"""The network learns posterior means, and goes on learning."""

import numpy as np
import pytest
from scipy.integrate import cumulative_trapezoid
from scipy.stats import kstest

from skaws.decoders import Linear
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.models import LatentVariableModel
from skaws.priors import Beta, Gamma, Gaussian
from skaws.regression import NetworkMean, RecognitionDraw


def pairs(n, rng, turn=0.0):
    angle = rng.uniform(-np.pi, np.pi, n)
    z = np.column_stack([np.sin(angle + turn), np.cos(angle + turn)])
    x = np.exp(np.cos(angle[:, None] - np.arange(6)))
    return z, x + 0.05 * rng.standard_normal(x.shape)


def error(function, z, x):
    return np.mean((function(x) - z) ** 2) / np.mean(z**2)


def test_means_of_a_curved_posterior_are_learnt_and_followed():
    rng = np.random.default_rng(0)
    network, test = NetworkMean(), pairs(500, rng)
    function, estimates = network.fit(None, None, *pairs(200, rng))
    assert estimates.shape == (200, 2)
    first = error(function, *test)
    for _ in range(200):
        function, _ = network.fit(None, None, *pairs(200, rng))
    assert error(function, *test) < min(0.02, first)
    # The model turns: so does the network, from where it was.
    turned = pairs(500, rng, turn=1.0)
    before = error(function, *turned)
    for _ in range(300):
        function, _ = network.fit(None, None, *pairs(200, rng, turn=1.0))
    assert error(function, *turned) < 0.2 * before


def test_missing_entries_count_as_the_mean():
    rng = np.random.default_rng(0)
    z, x = pairs(100, rng)
    function, _ = NetworkMean().fit(None, None, z, x)
    holes = np.where(np.arange(6) == 2, np.nan, x)
    filled = np.where(np.arange(6) == 2, x.mean(axis=0), x)
    np.testing.assert_allclose(function(holes), function(filled))


def linear_gaussian(n):
    model = LatentVariableModel(Gaussian(1), Linear(), GaussianNoise())
    params = {
        "decoder": {"components": np.array([[1.0, 0.5]]), "mean": np.zeros(2)},
        "likelihood": {"noise_variance": 0.5},
    }
    return model, params, model.sample(params, n, np.random.default_rng(0))


def test_draws_have_the_posterior_distribution():
    model, params, (latents, observations) = linear_gaussian(1000)
    estimate = RecognitionDraw(n_candidates=20)
    for _ in range(3):
        function, _ = estimate.fit(model, params, latents, observations)
        drawn = function(observations)
    exact = model.posterior_mean(params, observations)
    deviation = np.sqrt(1 / (1 + 1.25 / 0.5))
    white = (drawn - exact)[:, 0] / deviation
    assert kstest(white, "norm").pvalue > 1e-3
    # The network's means are no such thing: they have no spread.
    means = function.inputs(observations)
    assert kstest((means - exact)[:, 0] / deviation, "norm").pvalue < 1e-9


def test_candidates_without_density_are_not_kept():
    model, params, (latents, observations) = linear_gaussian(300)

    class Positive(LatentVariableModel):
        def log_joint(self, params, latents, observations):
            values = super().log_joint(params, latents, observations)
            return np.where(latents[:, 0] > 0, values, -np.inf)

    model = Positive(model.prior, model.decoder, model.likelihood)
    positive = latents[:, 0] > 0
    pairs = latents[positive], observations[positive]
    function, _ = RecognitionDraw().fit(model, params, *pairs)
    assert (function(observations) > 0).all()


def test_simulations_without_a_candidate_keep_their_latents():
    # A density on a set that candidates never hit: where latents are whole.
    class Whole(LatentVariableModel):
        def log_joint(self, params, latents, observations):
            values = super().log_joint(params, latents, observations)
            return np.where(latents[:, 0] == np.round(latents[:, 0]), values, -np.inf)

    model, params, (latents, observations) = linear_gaussian(300)
    model = Whole(model.prior, model.decoder, model.likelihood)
    latents = np.round(latents)
    _, estimates = RecognitionDraw().fit(model, params, latents, observations)
    np.testing.assert_array_equal(estimates, latents)


@pytest.mark.parametrize(
    ("prior", "params"),
    [
        (Gamma(1), {"shape": np.array([0.8])}),
        (Beta(1), {"a": np.array([0.7]), "b": np.array([1.5])}),
    ],
    ids=["nonnegative", "unit"],
)
def test_draws_of_bounded_latents_have_the_posterior_distribution(prior, params):
    # One row, over and over: the exact posterior is a density on a line.
    model = LatentVariableModel(prior, Linear(), GaussianNoise())
    rng = np.random.default_rng(0)
    params = {
        "prior": params,
        "decoder": {"components": np.ones((1, 1)), "mean": np.zeros(1)},
        "likelihood": {"noise_variance": 0.05},
    }
    pairs = model.sample(params, 1000, rng)
    row = np.full((1000, 1), 0.2)
    estimate = RecognitionDraw(n_candidates=30)
    for _ in range(3):
        function, _ = estimate.fit(model, params, *pairs)
        drawn = function(row)[:, 0]
    assert np.all(drawn > 0)
    grid = np.logspace(-12, np.log10(0.9999 if model.latent_support == "unit" else 5), 4000)
    density = np.exp(model.log_joint(params, grid[:, None], np.full((4000, 1), 0.2)))
    shares = cumulative_trapezoid(density, grid, initial=0.0)
    exact = np.interp(drawn, grid, shares / shares[-1])
    assert kstest(exact, "uniform").pvalue > 1e-3
