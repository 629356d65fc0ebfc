"""Draws chosen among candidates come closer to the model's own posterior."""

import pickle

import numpy as np
import pytest
from scipy.integrate import cumulative_trapezoid
from scipy.stats import kstest
from sklearn.base import clone

from skaws.decoders import Linear
from skaws.likelihoods import Gaussian
from skaws.models import FunctionModel, LatentVariableModel
from skaws.posteriors import MixtureNetwork, Resampled
from skaws.priors import Beta, Gamma
from skaws.simulations import Simulations, simulate
from skaws.spaces import Space
from skaws.supports import Binary, Positive


def sample(params, n_samples, rng):
    z = rng.standard_normal((n_samples, 1))
    return z, z + rng.standard_normal((n_samples, 3))


def log_joint(params, z, x):
    return -0.5 * np.sum(z**2, axis=1) - 0.5 * np.sum((x - z) ** 2, axis=1)


class Recorded:
    """A log joint that remembers what it was asked."""

    def __init__(self, function=log_joint):
        self.function = function
        self.calls = []

    def __call__(self, params, z, x):
        self.calls.append((z, x))
        return self.function(params, z, x)


def simulated(model=sample, n=500, support=None, seed=0):
    latents, observations = model({}, n, np.random.default_rng(seed))
    return Simulations(latents, observations, Space(latents, support, batched=True))


def fitted(function=log_joint, simulations=None, n_candidates=5, sample=sample, **options):
    model = FunctionModel(sample, function, None)
    description = Resampled(MixtureNetwork(**options), n_candidates)
    simulations = simulated() if simulations is None else simulations
    return description.fit(model, {}, simulations, np.random.default_rng(0))


def distance(draws, X):
    """Of draws to the exact posterior: mean a quarter of the sum, variance a quarter."""
    white = (draws[:, :, 0] - X.sum(axis=1) / 4) / 0.5
    return kstest(white.ravel(), "norm").statistic


def test_candidates_bring_draws_to_the_exact_posterior():
    rng = np.random.default_rng(1)
    _, X = sample({}, 300, rng)
    distances = {}
    for n_candidates in (1, 5, 50):
        posterior = fitted(n_candidates=n_candidates, n_first_steps=3)
        distances[n_candidates] = distance(posterior.sample(X, 10, rng)[0], X)
    assert distances[50] < 0.03
    assert distances[50] < 0.5 * distances[5] < 0.5 * distances[1]
    assert distances[1] > 0.1


def test_both_sides_of_a_density_get_their_weight():
    # The network sees mirrored pairs only; the log joint knows that z is mostly positive.
    def lopsided(params, z, x):
        return np.where(z[:, 0] > 0, np.log(0.9), np.log(0.1))

    def mirrored(params, n_samples, rng):
        return rng.standard_normal((n_samples, 1)), np.zeros((n_samples, 1))

    rng = np.random.default_rng(1)
    posterior = fitted(lopsided, simulated(mirrored), n_candidates=200, sample=mirrored)
    # Half of the candidates lie on either side, but flat weights go with their width.
    latents, _ = posterior.inner.sample(np.zeros((1, 1)), 20_000, rng)
    log_weight = lopsided({}, latents[:, 0], None) - posterior.inner.log_prob(
        latents[:, 0], np.zeros((20_000, 1))
    )
    weight = np.exp(log_weight - log_weight.max())
    exact = weight[latents[:, 0, 0] > 0].sum() / weight.sum()
    draws, _ = posterior.sample(np.zeros((500, 1)), 1, rng)
    assert abs(np.mean(draws > 0) - exact) < 0.06
    assert exact > 0.8


@pytest.mark.parametrize(
    ("prior", "params", "high"),
    [
        (Gamma(1), {"shape": np.array([0.8])}, 5.0),
        (Beta(1), {"a": np.array([0.7]), "b": np.array([1.5])}, 0.9999),
    ],
    ids=["positive", "interval"],
)
def test_draws_of_bounded_latents_have_the_posterior_distribution(prior, params, high):
    # One row, over and over: the exact posterior is a density on a line.
    model = LatentVariableModel(prior, Linear(), Gaussian())
    decoder = {"components": np.ones((1, 1)), "mean": np.zeros(1)}
    noise = {"noise_variance": 0.05}
    params = {"prior": params, "decoder": decoder, "likelihood": noise}
    rng = np.random.default_rng(0)
    posterior = Resampled(n_candidates=30)
    fitted = posterior.fit(model, params, simulate(model, params, 1000, rng), rng)
    drawn = fitted.sample(np.full((1000, 1), 0.2), 1, rng)[0].ravel()
    assert np.all(drawn > 0)
    grid = np.logspace(-12, np.log10(high), 4000)
    density = np.exp(model.log_joint(params, grid[:, None], np.full((4000, 1), 0.2)))
    shares = cumulative_trapezoid(density, grid, initial=0.0)
    exact = np.interp(drawn, grid, shares / shares[-1])
    assert kstest(exact, "uniform").pvalue > 1e-3
    # Those of a network that has hardly learnt are not.
    hasty = MixtureNetwork(n_first_steps=20)
    hasty = hasty.fit(model, params, simulate(model, params, 1000, rng), rng)
    rough = hasty.sample(np.full((1000, 1), 0.2), 1, rng)[0].ravel()
    assert kstest(np.interp(rough, grid, shares / shares[-1]), "uniform").pvalue < 1e-3


def test_the_log_joint_is_called_once_and_only_where_it_is_needed():
    recorded = Recorded()
    posterior = fitted(recorded)
    X = simulated(seed=2).observations[:20]
    posterior.mean(X)
    posterior.inputs(X)
    assert not recorded.calls  # nothing was drawn for simulations
    posterior.sample(X, 3, np.random.default_rng(0))
    assert len(recorded.calls) == 1
    ((z, x),) = recorded.calls
    assert z.shape == (3 * 5 * 20, 1)
    np.testing.assert_array_equal(x, np.tile(X, (15, 1)))


def test_the_log_joint_is_never_called_outside_the_support():
    def waiting(params, n_samples, rng):
        z = rng.exponential(size=(n_samples, 1))
        return z, z + 0.3 * rng.standard_normal((n_samples, 1))

    def inside(params, z, x):
        assert np.all(z > 0)
        return -np.sum(z + 0.5 * ((x - z) / 0.3) ** 2, axis=1)

    simulations = simulated(waiting, support=Positive())
    recorded = Recorded(inside)
    posterior = fitted(recorded, simulations)
    X = np.array([[-3.0], [0.0], [1e6]])
    draws, _ = posterior.sample(X, 100, np.random.default_rng(0))
    assert recorded.calls
    assert np.all(draws > 0)


def test_where_every_candidate_is_lost_the_mean_is_taken():
    def broken(params, z, x):
        return np.where(x[:, 0] > 0, np.nan, log_joint(params, z, x))

    posterior = fitted(broken)
    X = np.array([[1.0, 1.0, 1.0], [-1.0, 1.0, 1.0]])
    draws, log_prob = posterior.sample(X, 4, np.random.default_rng(0))
    mean = posterior.mean(X)
    np.testing.assert_array_equal(draws[:, 0], np.tile(mean[0], (4, 1)))
    np.testing.assert_allclose(log_prob[:, 0], posterior.inner.log_prob(mean, X)[0])
    assert not np.any(draws[:, 1] == mean[1])


def test_lost_codes_remain_codes():
    def answers(params, n_samples, rng):
        z = rng.integers(2, size=(n_samples, 2)) * 1.0
        return z, z + rng.standard_normal((n_samples, 2))

    simulations = simulated(answers, support=Binary())
    posterior = fitted(lambda params, z, x: np.full(len(z), -np.inf), simulations)
    draws, _ = posterior.sample(np.zeros((10, 2)), 3, np.random.default_rng(0))
    assert posterior.space.contains(draws)


def test_latents_in_a_dictionary_stay_together():
    def two(params, n_samples, rng):
        z = rng.standard_normal((n_samples, 2))
        return {"a": z[:, :1], "b": z[:, 1:]}, z + rng.standard_normal((n_samples, 2))

    def joint(params, latents, x):
        z = np.hstack([latents["a"], latents["b"]])
        return -0.5 * np.sum(z**2 + (x - z) ** 2, axis=1)

    posterior = fitted(joint, simulated(two))
    X = np.zeros((6, 2))
    draws, log_prob = posterior.sample(X, 2, np.random.default_rng(0))
    assert draws["a"].shape == (2, 6, 1)
    for place in range(2):
        latents = {name: leaf[place] for name, leaf in draws.items()}
        np.testing.assert_allclose(posterior.inner.log_prob(latents, X), log_prob[place])


@pytest.mark.parametrize("common", [True, False])
def test_common_random_numbers_make_draws_of_rows_their_own(common):
    posterior, X = fitted(), simulated(seed=2).observations[:20]

    def drawn(rows):
        return posterior.sample(rows, 6, np.random.default_rng(0), common=common)[0]

    alone = np.concatenate([drawn(X[i : i + 1]) for i in range(len(X))], axis=1)
    assert np.allclose(drawn(X), alone, rtol=1e-9) == common


def test_going_on_and_keeping_are_the_inner_posteriors():
    simulations, rng = simulated(), np.random.default_rng(0)
    description = Resampled(MixtureNetwork(n_first_steps=10))
    model = FunctionModel(sample, log_joint, None)
    first = description.fit(model, {}, simulations, rng)
    first.keep(np.full((200, 1), 3.0), np.zeros((200, 3)))
    second = description.fit(model, {}, simulations, rng, previous=first)
    alone = MixtureNetwork(n_first_steps=10)
    expected = alone.fit(model, {}, simulations, rng, previous=first.inner)
    np.testing.assert_array_equal(second.inner.network.vector, expected.network.vector)
    assert second.inner.adam.n_steps == 11
    forgotten = pickle.loads(pickle.dumps(first.inner))
    without = alone.fit(model, {}, simulations, rng, previous=forgotten)
    assert not np.array_equal(second.inner.network.vector, without.network.vector)


def test_none_is_a_mixture_network_and_parameters_are_nested():
    assert repr(Resampled()) == "Resampled()"
    description = clone(Resampled(MixtureNetwork(), 3))
    description.set_params(posterior__n_components=2)
    assert description.posterior.n_components == 2
    assert Resampled().suits(None, {}, simulated().space)
    posterior = Resampled().fit(
        FunctionModel(sample, log_joint, None), {}, simulated(), np.random.default_rng(0)
    )
    assert type(posterior.inner) is type(fitted().inner)
