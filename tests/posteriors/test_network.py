"""A recognition network learns posteriors, and its densities are those of its draws."""

import pickle

import numpy as np
import pytest
from scipy.integrate import cumulative_trapezoid, trapezoid
from scipy.stats import kstest
from sklearn.base import clone

from skaws.decoders import Linear
from skaws.likelihoods import Bernoulli as BinaryPixels
from skaws.models import LatentVariableModel
from skaws.posteriors import MixtureNetwork
from skaws.posteriors.network import Family
from skaws.priors import Bernoulli as BinaryPrior
from skaws.simulations import Simulations, simulate
from skaws.spaces import Space, map_leaves, rows_of
from skaws.supports import (
    Binary,
    Columns,
    Integer,
    Interval,
    OneHot,
    Positive,
    Real,
    Simplex,
    Sphere,
)


def simulated(latents, observations, support=None):
    space = Space(latents, Real() if support is None else support, batched=True)
    return Simulations(latents, observations, space)


class Table:
    """A model whose samples are drawn from the rows of a table of pairs."""

    n_given = 0

    def __init__(self, latents, observations):
        self.pairs = latents, observations

    def sample(self, params, n_samples, rng):
        latents, observations = self.pairs
        rows = rng.integers(len(observations), size=n_samples)
        return map_leaves(lambda leaf: leaf[rows], latents), observations[rows]


def fitted(simulations, n_steps=0, seed=0, complete=None, **options):
    """After the first steps, on draws of the same pairs, and `n_steps` more on these."""
    rng, description = np.random.default_rng(seed), MixtureNetwork(**options)
    observations = simulations.observations if complete is None else complete
    model = Table(simulations.latents, observations)
    posterior = description.fit(model, {}, simulations, rng)
    for _ in range(n_steps):
        posterior = description.fit(model, {}, simulations, rng, previous=posterior)
    return posterior


def values_of(leaf_draws):
    return leaf_draws[:, 0, 0]


def pairs(support, rng, n=300):
    """Latents of a support, x that depends on them."""
    real = rng.standard_normal((n, 3))
    draw = {
        "real": (Real(), real),
        "positive": (Positive(), np.exp(2 * real)),
        "floor": (Positive(lower=1.0), 1.0 + np.exp(real)),
        "interval": (Interval(-np.pi, np.pi), rng.uniform(-np.pi, np.pi, (n, 3))),
        "log interval": (Interval(0.5, 50.0, log=True), rng.uniform(0.6, 40.0, (n, 3))),
        "simplex": (Simplex(), rng.dirichlet(np.full(3, 0.5), n)),
        "sphere": (Sphere(), real / np.linalg.norm(real, axis=1, keepdims=True)),
        "binary": (Binary(), rng.integers(2, size=(n, 3)) * 1.0),
        "label": (OneHot(), np.eye(3)[rng.integers(3, size=n)]),
        "levels": (Integer(-1, 2), rng.integers(-1, 3, size=(n, 3)) * 1.0),
        "columns": (
            Columns([(OneHot(), 2), (Positive(), 1)]),
            np.hstack([np.eye(2)[rng.integers(2, size=n)], np.exp(real[:, :1])]),
        ),
        "dictionary": (
            {"deep": {"label": OneHot()}, "rate": Positive()},
            {
                "deep": {"label": np.eye(3)[rng.integers(3, size=n)]},
                "free": rng.standard_normal((n, 2, 2)),
                "rate": np.exp(real),
            },
        ),
    }
    chosen, latents = draw[support]
    parts = []
    map_leaves(lambda leaf: parts.append(leaf.reshape(n, -1)), latents)
    table = np.hstack(parts)
    x = table + 0.3 * rng.standard_normal(table.shape)
    return simulated(latents, x, chosen)


SUPPORTS = [
    "real",
    "positive",
    "floor",
    "interval",
    "log interval",
    "simplex",
    "sphere",
    "binary",
    "label",
    "levels",
    "columns",
    "dictionary",
]


# Densities


def test_the_slope_is_that_of_differences_of_the_log_density():
    rng = np.random.default_rng(0)
    family = Family(2, 2, [3, 2, 3])
    outputs = 0.3 * rng.standard_normal((family.size, 5))  # inside the bounds
    u = rng.standard_normal((2, 5))
    codes = np.array([rng.integers(size, size=5) for size in (3, 2, 3)])

    def value(outputs):
        return family.mixture(outputs).log_density(u[None], codes[None]).mean()

    exact, step = np.empty_like(outputs), 1e-6
    for place in np.ndindex(outputs.shape):
        move = np.zeros_like(outputs)
        move[place] = step
        exact[place] = (value(outputs + move) - value(outputs - move)) / (2 * step)
    found = family.slope(outputs, u, codes)
    np.testing.assert_allclose(found, exact, atol=1e-8)
    assert np.all(np.abs(exact).max(axis=1) > 1e-4)  # every output counts


def test_standard_deviations_beyond_their_bounds_only_come_back():
    family = Family(1, 1, [])
    outputs = np.array([[0.0, 0.0], [0.0, 0.0], [3.0, 3.0]])  # share, mean, log sd
    slope = family.slope(outputs, np.array([[0.0, 100.0]]), np.zeros((0, 2), int))
    assert slope[2, 0] < 0  # an error of zero calls for less
    assert slope[2, 1] == 0  # a large one for more


@pytest.mark.parametrize(
    ("support", "grid"),
    [
        (Real(), np.linspace(-12, 12, 6001)),
        (Positive(), np.logspace(-9, 3, 6001)),
        (Interval(-1.0, 2.0), np.linspace(-1, 2, 8001)[1:-1]),
    ],
    ids=["real", "positive", "interval"],
)
def test_densities_in_natural_latents_integrate_to_one(support, grid):
    rng = np.random.default_rng(0)
    real = rng.standard_normal((200, 1))
    x = np.hstack([real, real**2]) + 0.5 * rng.standard_normal((200, 2))
    posterior = fitted(simulated(support.from_real(real), x, support), n_first_steps=30)
    rows = np.repeat(x[:1], len(grid), axis=0)
    density = np.exp(posterior.log_prob(grid[:, None], rows))
    np.testing.assert_allclose(trapezoid(density, grid), 1.0, atol=2e-3)
    # And draws are those of the density.
    draws, _ = posterior.sample(x[:1], 1000, rng)
    shares = cumulative_trapezoid(density, grid, initial=0.0)
    share = np.interp(values_of(draws), grid, shares / shares[-1])
    assert kstest(share, "uniform").pvalue > 1e-3


def test_densities_beside_codes_integrate_and_sum_to_one():
    simulations = pairs("columns", np.random.default_rng(0))
    posterior = fitted(simulations, n_first_steps=30)
    grid, total = np.logspace(-6, 3, 4001), 0.0
    rows = np.repeat(simulations.observations[:1], len(grid), axis=0)
    for label in np.eye(2):
        latents = np.column_stack([np.tile(label, (len(grid), 1)), grid])
        total += trapezoid(np.exp(posterior.log_prob(latents, rows)), grid)
    np.testing.assert_allclose(total, 1.0, atol=2e-3)


@pytest.mark.parametrize("support", SUPPORTS)
def test_draws_lie_in_the_support_and_have_the_density_they_come_with(support):
    rng = np.random.default_rng(0)
    simulations = pairs(support, rng)
    posterior, X = fitted(simulations, n_first_steps=20), simulations.observations[:4]
    draws, log_prob = posterior.sample(X, 50, rng)
    assert log_prob.shape == (50, 4)
    for draw, own in zip(range(50), log_prob, strict=True):
        latents = rows_of(draws, draw)
        assert posterior.space.contains(latents)
        np.testing.assert_allclose(posterior.log_prob(latents, X), own, atol=1e-6)


@pytest.mark.parametrize("support", SUPPORTS)
def test_nothing_leaves_the_support_for_rows_far_out(support):
    rng = np.random.default_rng(0)
    simulations = pairs(support, rng)
    posterior = fitted(simulations, n_first_steps=20)
    d = simulations.observations.shape[1]
    X = np.vstack([np.full(d, value) for value in (1e9, -1e9, np.nan, 0.0)])
    draws, log_prob = posterior.sample(X, 200, rng)
    assert np.all(np.isfinite(log_prob))
    flat = map_leaves(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), draws)
    assert posterior.space.contains(flat)
    mean = posterior.mean(X)
    if not posterior.space.alphabets:
        assert posterior.space.contains(mean)
    assert np.all(np.isfinite(posterior.inputs(X)))


# Known posteriors


def test_linear_gaussian_posteriors_are_found():
    def pairs(n):
        z = rng.standard_normal((n, 1))
        return z, z + rng.standard_normal((n, 3))  # variance 1 / 4, a quarter of the sum

    rng = np.random.default_rng(0)
    posterior, (_, X) = fitted(simulated(*pairs(4000))), pairs(2000)
    exact = X.sum(axis=1, keepdims=True) / 4
    error = posterior.sample(X, 20, rng)[0] - exact
    assert abs(error.mean()) < 0.03
    assert abs(np.mean(error**2) - 0.25) < 0.02
    assert np.sqrt(np.mean((posterior.mean(X) - exact) ** 2)) < 0.1
    np.testing.assert_allclose(posterior.mean(np.ones((1, 3))), 0.75, atol=0.1)


def parabola(rng, n=2000):
    z = 0.5 + rng.standard_normal((n, 1))
    return simulated(z, z**2 + 0.3 * rng.standard_normal((n, 1)))


def test_both_modes_of_a_parabola_have_their_weights():
    rng = np.random.default_rng(0)
    simulations = parabola(rng)
    grid = np.linspace(-4, 4, 4001)
    posterior, single = (fitted(simulations, 100, n_components=n) for n in (3, 1))
    for level in (0.5, 1.5):
        density = np.exp(-0.5 * (grid - 0.5) ** 2 - 0.5 * ((level - grid**2) / 0.3) ** 2)
        exact = density[grid < 0].sum() / density.sum()
        X = np.full((1, 1), level)
        draws = values_of(posterior.sample(X, 4000, rng)[0])
        shares = cumulative_trapezoid(density, grid, initial=0.0)
        distance = kstest(np.interp(draws, grid, shares / shares[-1]), "uniform").statistic
        assert abs(np.mean(draws < 0) - exact) < 0.05
        assert distance < 0.06
        # One component cannot have two modes.
        draws = values_of(single.sample(X, 4000, rng)[0])
        control = kstest(np.interp(draws, grid, shares / shares[-1]), "uniform").statistic
        assert control > 0.12


def exact_codes(simulations, X, log_density):
    """All values, and their exact probabilities in each row (m, n_values)."""
    values = simulations.space.values()
    logs = np.array([[log_density(value, row) for value in values] for row in X])
    shares = np.exp(logs - logs.max(axis=1, keepdims=True))
    return values, shares / shares.sum(axis=1, keepdims=True)


def test_bernoulli_posteriors_agree_with_enumeration():
    # Two causes of one effect: given the effect they depend on each other.
    rng = np.random.default_rng(0)
    chance = np.array([0.3, 0.4, 0.5])
    weight = np.array([[1.5, 0.0], [1.5, 0.0], [0.5, 1.0]])
    z = (rng.random((6000, 3)) < chance) * 1.0
    simulations = simulated(z, z @ weight + 0.5 * rng.standard_normal((6000, 2)), Binary())
    X = np.array([[1.5, 0.0], [3.0, 0.2], [0.1, 0.9], [1.9, 0.8]])

    def log_density(value, row):
        prior = np.log(np.where(value == 1, chance, 1 - chance)).sum()
        return prior - 0.5 * np.sum(((row - value @ weight) / 0.5) ** 2)

    values, exact = exact_codes(simulations, X, log_density)
    posterior = fitted(simulations)
    logs = [posterior.log_prob(np.tile(value, (len(X), 1)), X) for value in values]
    np.testing.assert_allclose(np.exp(logs).sum(axis=0), 1.0)
    np.testing.assert_allclose(np.exp(logs).T, exact, atol=0.08)
    np.testing.assert_allclose(posterior.mean(X), exact @ values, atol=0.06)
    draws, _ = posterior.sample(X, 4000, rng)
    np.testing.assert_allclose(draws.mean(axis=0), exact @ values, atol=0.08)
    # One product of Bernoullis does not know that one cause explains the other away.
    single = fitted(simulations, n_components=1)
    logs = [single.log_prob(np.tile(value, (len(X), 1)), X) for value in values]
    assert np.abs(np.exp(logs).T - exact).max() > 0.12


def test_inputs_of_a_circle_are_means_of_its_columns_without_a_pole():
    # Coordinates are infinite where the last column is one; columns are not.
    rng = np.random.default_rng(0)
    angle = np.linspace(-np.pi, np.pi, 400, endpoint=False)
    latents = np.stack([np.sin(angle), np.cos(angle)], axis=1)
    x = latents @ rng.standard_normal((2, 5)) + 0.01 * rng.standard_normal((400, 5))
    posterior = fitted(simulated(latents, x, Sphere()), n_steps=300)
    np.testing.assert_allclose(posterior.inputs(x), latents, atol=0.2)
    near_pole = np.abs(angle) < 0.1
    real = posterior.space.flatten(latents[near_pole])
    assert np.ptp(real) > 20 > np.ptp(posterior.inputs(x[near_pole])[:, 0])


def test_a_label_and_the_number_beside_it_depend_on_each_other():
    # x = z or x = -z, as the label says: its sign is that of the label.
    rng = np.random.default_rng(0)
    z, label = rng.standard_normal(2000), rng.integers(2, size=2000)
    latents = {"label": np.eye(2)[label], "level": z[:, None]}
    x = np.where(label, z, -z)[:, None] + 0.3 * rng.standard_normal((2000, 1))
    simulations = simulated(latents, x, {"label": OneHot()})
    posterior, X = fitted(simulations, n_steps=100), np.array([[1.0], [-1.5]])
    draws, _ = posterior.sample(X, 2000, rng)
    sign = 2 * draws["label"][:, :, 1] - 1
    same = np.sign(draws["level"][:, :, 0]) == sign * np.sign(X[:, 0])
    assert np.all(same.mean(axis=0) > 0.95)
    np.testing.assert_allclose(posterior.mean(X)["label"], 0.5, atol=0.08)
    np.testing.assert_allclose(posterior.mean(X)["level"], 0.0, atol=0.15)
    assert posterior.inputs(X).shape == (2, 3)
    np.testing.assert_allclose(posterior.inputs(X)[:, :2].sum(axis=1), 1.0, atol=5e-3)
    single, _ = fitted(simulations, n_components=1).sample(X, 2000, rng)
    sign = 2 * single["label"][:, :, 1] - 1
    same = np.sign(single["level"][:, :, 0]) == sign * np.sign(X[:, 0])
    assert np.all(same.mean(axis=0) < 0.7)


def test_means_of_codes_are_probabilities_in_their_places():
    simulations = pairs("dictionary", np.random.default_rng(0))
    posterior, X = fitted(simulations), simulations.observations[:5]
    mean, draws = posterior.mean(X), posterior.sample(X, 4000, np.random.default_rng(1))[0]
    label = mean["deep"]["label"]
    np.testing.assert_allclose(label.sum(axis=1), 1.0)
    np.testing.assert_allclose(label, draws["deep"]["label"].mean(axis=0), atol=0.05)
    np.testing.assert_allclose(mean["free"], draws["free"].mean(axis=0), atol=0.05)
    np.testing.assert_allclose(
        np.log(mean["rate"]), np.log(draws["rate"]).mean(axis=0), atol=0.05
    )


def test_outliers_do_not_set_the_scale():
    rng = np.random.default_rng(0)
    z = rng.standard_normal((1000, 1))
    x = z + 0.1 * rng.standard_normal((1000, 1))
    X, clean = np.linspace(-2, 2, 9)[:, None], fitted(simulated(z, x))
    x[:3] = 1e6
    z[:3] = 1e3
    spoilt = fitted(simulated(z, x))
    assert np.abs(clean.mean(X) - X).max() < 0.3
    assert np.abs(spoilt.mean(X) - X).max() < 0.3


def test_how_far_out_outlying_latents_lie_does_not_matter():
    vectors = []
    for far in (1e3, 1e9, 0.0):
        simulations = pairs("real", np.random.default_rng(0))
        simulations.latents[0] = far
        vectors.append(fitted(simulations, n_first_steps=20).network.vector)
    np.testing.assert_allclose(*vectors[:2], rtol=1e-12)
    assert not np.allclose(vectors[1], vectors[2])


def test_a_model_that_moves_far_from_where_it_started_is_followed():
    rng, moved = np.random.default_rng(0), 0.0
    description, posterior = MixtureNetwork(), None
    for step in range(401):
        moved = min(step / 10, 20.0)
        z = rng.standard_normal((300, 1))
        x = z + moved * np.array([1.0, -1.0]) + 0.3 * rng.standard_normal((300, 2))
        table = Table(z, x)
        posterior = description.fit(table, {}, simulated(z, x), rng, previous=posterior)
    # With inputs cut off at a fixed number all rows would look alike.
    assert np.corrcoef(posterior.mean(x)[:, 0], z[:, 0])[0, 1] > 0.9


def test_missing_entries_are_no_medians():
    # Where x is missing nothing is known of z; where it is zero nearly everything is.
    rng = np.random.default_rng(0)
    z = rng.standard_normal((2000, 1))
    x = z + 0.1 * rng.standard_normal((2000, 1))
    seen = np.where(rng.random((2000, 1)) < 0.5, np.nan, x)
    draws, _ = fitted(simulated(z, seen), complete=x).sample(
        np.array([[np.nan], [0.0]]), 2000, rng
    )
    deviations = draws.std(axis=0)[:, 0]
    assert abs(deviations[0] - 1.0) < 0.15
    assert deviations[1] < 0.3


def test_missing_entries_where_there_were_none_count_as_the_median():
    simulations = pairs("real", np.random.default_rng(0))
    posterior = fitted(simulations, n_first_steps=20)
    holes, filled = simulations.observations[:5].copy(), simulations.observations[:5].copy()
    holes[:, 1] = np.nan
    filled[:, 1] = np.median(simulations.observations[:, 1])
    np.testing.assert_allclose(posterior.mean(holes), posterior.mean(filled), atol=1e-12)
    assert np.isnan(holes[:, 1]).all()  # rows are left as they came


def test_columns_that_nobody_observed_are_no_trouble():
    simulations = pairs("real", np.random.default_rng(0))
    complete = simulations.observations.copy()
    simulations.observations[:, 0] = np.nan
    posterior = fitted(simulations, complete=complete, n_first_steps=20)
    assert np.isfinite(posterior.mean(np.zeros((1, 3)))).all()


# Randomness


@pytest.mark.parametrize("support", ["real", "columns", "dictionary"])
def test_common_random_numbers_make_draws_of_rows_their_own(support):
    simulations = pairs(support, np.random.default_rng(0))
    posterior, X = fitted(simulations, n_first_steps=20), simulations.observations[:30]

    def sample(rows):
        return posterior.sample(rows, 7, np.random.default_rng(3), common=True)

    latents, log_prob = sample(X)
    for place in (0, 11, 29):
        own, own_log_prob = sample(X[place : place + 1])
        map_leaves(
            lambda one, all_of, place=place: np.testing.assert_allclose(
                one[:, 0], all_of[:, place], rtol=1e-9
            ),
            own,
            latents,
        )
        np.testing.assert_allclose(own_log_prob[:, 0], log_prob[:, place], rtol=1e-9)


def test_rows_have_their_own_numbers_otherwise():
    simulations = pairs("real", np.random.default_rng(0))
    posterior = fitted(simulations, n_first_steps=20)
    X = np.repeat(simulations.observations[:1], 2, axis=0)
    alike, _ = posterior.sample(X, 3, np.random.default_rng(0), common=True)
    apart, _ = posterior.sample(X, 3, np.random.default_rng(0))
    np.testing.assert_array_equal(alike[:, 0], alike[:, 1])
    assert not np.any(apart[:, 0] == apart[:, 1])


def test_the_same_generator_gives_the_same_bits():
    simulations = pairs("columns", np.random.default_rng(0))
    X = simulations.observations[:3]
    one, other, third = (fitted(simulations, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.network.vector, other.network.vector)
    assert not np.any(one.network.vector == third.network.vector)
    draws = [fit.sample(X, 4, np.random.default_rng(5))[0] for fit in (one, other)]
    np.testing.assert_array_equal(*draws)


# Going on


def test_going_on_is_one_more_step():
    simulations = pairs("columns", np.random.default_rng(0))
    shorter = fitted(simulations, n_first_steps=12)
    longer = fitted(simulations, n_steps=1, n_first_steps=12)
    assert (shorter.adam.n_steps, longer.adam.n_steps) == (12, 13)
    assert not np.array_equal(shorter.network.vector, longer.network.vector)


def test_few_simulations_are_not_learnt_by_heart():
    # 30 switches of which 64 pixels say little: what is known of them is little more than
    # the prior.  Of 128 pairs the network would learn to be sure.  Over ten seeds: -20.5
    # to -20.3 nats, the prior -20.79, the same pairs again and again -53 to -51.
    rng = np.random.default_rng(0)
    weight = 0.1 * rng.standard_normal((30, 64))
    parts = BinaryPrior(30), Linear(), BinaryPixels()
    params = {
        "prior": {"probability": np.full(30, 0.5)},
        "decoder": {"components": weight, "mean": np.zeros(64)},
    }
    model = LatentVariableModel(*parts)
    few, new = (simulate(model, params, n, rng) for n in (128, 1000))
    prior = -30 * np.log(2)
    found = MixtureNetwork().fit(model, params, few, rng)
    assert np.mean(found.log_prob(new.latents, new.observations)) > prior - 1.0
    by_heart = MixtureNetwork(new_simulations=False).fit(model, params, few, rng)
    assert np.mean(by_heart.log_prob(new.latents, new.observations)) < prior - 10.0


def test_going_on_leaves_what_was_fitted_before_as_it_was():
    simulations = pairs("columns", np.random.default_rng(0))
    first, X = fitted(simulations, n_first_steps=10), simulations.observations[:4]
    answers = first.mean(X)
    again = []
    for _ in range(2):
        second = MixtureNetwork().fit(None, {}, simulations, None, previous=first)
        np.testing.assert_array_equal(first.mean(X), answers)
        assert not np.array_equal(second.mean(X), answers)
        again.append(second.network.vector)
    np.testing.assert_array_equal(*again)


def test_a_pickle_goes_on_alike_and_holds_no_rows():
    simulations = pairs("columns", np.random.default_rng(0), n=3000)
    first = fitted(simulations, n_first_steps=10)
    size = len(pickle.dumps(first))
    other = pickle.loads(pickle.dumps(first))
    going_on = [
        MixtureNetwork().fit(None, {}, simulations, None, previous=fit).network.vector
        for fit in (first, other)
    ]
    np.testing.assert_array_equal(*going_on)
    first.keep(simulations.latents, simulations.observations)
    assert len(pickle.dumps(first)) == size


def test_pairs_of_real_rows_are_learnt_from():
    # Simulations say that z is x, pairs of rows far from them that it is half of x.
    rng = np.random.default_rng(0)
    x = rng.standard_normal((300, 1))
    z = x + 0.3 * rng.standard_normal((300, 1))
    simulations, rows = simulated(z, x), np.full((100, 1), 4.0)
    description, posterior = MixtureNetwork(), fitted(simulations)
    plain = taught = posterior
    for _ in range(200):
        taught.keep(rows / 2 + 0.3 * rng.standard_normal(rows.shape), rows)
        taught = description.fit(None, {}, simulations, rng, previous=taught)
        plain = description.fit(None, {}, simulations, rng, previous=plain)
    assert abs(taught.mean(rows[:1])[0, 0] - 2.0) < 0.3
    assert abs(plain.mean(rows[:1])[0, 0] - 2.0) > 0.5


@pytest.mark.parametrize("change", ["inputs", "coordinates", "settings", "kind"])
def test_a_network_of_something_else_is_not_gone_on_from(change):
    rng = np.random.default_rng(0)
    simulations, options = pairs("positive", rng), {"n_first_steps": 10}
    first = fitted(simulations, **options)
    if change == "inputs":
        simulations = simulations._replace(observations=simulations.observations[:, :2])
    if change == "coordinates":
        simulations = simulated(simulations.latents, simulations.observations, Real())
    if change == "settings":
        options["n_components"] = 2
    if change == "kind":
        first = object()
    anew = fitted(simulations, **options)
    table = Table(simulations.latents, simulations.observations)
    found = MixtureNetwork(**options).fit(
        table, {}, simulations, np.random.default_rng(0), previous=first
    )
    np.testing.assert_array_equal(found.network.vector, anew.network.vector)


def test_bounds_that_widen_a_little_are_gone_on_from():
    rng = np.random.default_rng(0)
    z = rng.uniform(0.01, 0.99, (300, 1))
    x = z + 0.1 * rng.standard_normal((300, 1))
    first = fitted(simulated(z, x, Interval(0.001, 1.0)))
    for low, goes_on in ((0.0, True), (-5.0, False)):
        wider = simulated(z, x, Interval(low, 1.0))
        second = MixtureNetwork().fit(Table(z, x), {}, wider, rng, previous=first)
        assert second.space.latent_support == Interval(low, 1.0)
        assert (second.adam.n_steps == 201) == goes_on


# Settings


def test_a_network_of_many_inputs_stays_single():
    # Its learning rate depends on their number; as a NumPy scalar this made the network
    # double, and each iteration then began with a new one.
    rng = np.random.default_rng(0)
    latents = rng.standard_normal((60, 2))
    wide = simulated(latents, latents @ rng.standard_normal((2, 80)))
    single = fitted(wide, n_steps=1, n_first_steps=3, dtype="float32")
    assert single.network.vector.dtype == np.float32


def test_single_precision_is_close():
    simulations = pairs("columns", np.random.default_rng(0))
    double = fitted(simulations, n_first_steps=20)
    single = fitted(simulations, n_first_steps=20, dtype="float32")
    assert single.network.vector.dtype == np.float32
    X = simulations.observations[:20]
    np.testing.assert_allclose(single.inputs(X), double.inputs(X), atol=5e-3)
    latents, log_prob = single.sample(X, 3, np.random.default_rng(0))
    assert latents.dtype == log_prob.dtype == np.float64
    assert not np.array_equal(single.inputs(X), double.inputs(X))


def test_the_part_is_like_scikit_learns():
    description = MixtureNetwork(n_components=5, dtype="float32")
    assert repr(description) == "MixtureNetwork(dtype='float32', n_components=5)"
    assert clone(description).get_params() == description.get_params()
    fitted(pairs("real", np.random.default_rng(0)), n_first_steps=1)
    assert description.__dict__ == clone(description).__dict__


def test_it_suits_latents_with_coordinates_or_codes():
    rng = np.random.default_rng(0)
    for support in SUPPORTS:
        assert MixtureNetwork().suits(None, {}, pairs(support, rng).space)
    counts = simulated(rng.poisson(3.0, (50, 1)) * 1.0, np.zeros((50, 1)), Integer())
    assert not MixtureNetwork().suits(None, {}, counts.space)
    with pytest.raises(ValueError, match="have no coordinates"):
        fitted(counts)
