"""Posterior of paths by a chain and regressions on windows of time."""

import pickle
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal, norm

from skaws import AmortisedLearner
from skaws.evaluation import fit_posterior
from skaws.methods import choose_method
from skaws.models import FunctionModel, GivenColumns
from skaws.objectives import ResidualRegression
from skaws.posteriors import Laplace, NoPosterior, Ridge, Windowed, posterior_for, windowed
from skaws.posteriors.enumeration import FittedEnumeration
from skaws.regression import MeanRegression
from skaws.simulations import Simulations, latent_space, simulate
from skaws.spaces import Space
from skaws.supports import Columns, Positive, Real, Simplex

from ..common import with_holes
from .models import function_model, merged

EXAMPLES = Path(__file__).parents[2] / "examples" / "benchmarks"
STATES = SimpleNamespace(**runpy.run_path(str(EXAMPLES / "path_models.py")))
T, K, D = 12, 2, 5  # times, latents, columns of each time
M = 20
MODEL = STATES.state_space(T)
PARAMS, _, X = STATES.series(0, T, n_held_out=M)


def fit(posterior, n_simulations=2000, like=None, seed=0):
    rng = np.random.default_rng(seed)
    simulations = simulate(MODEL, PARAMS, n_simulations, rng, like=like)
    return posterior.fit(MODEL, PARAMS, simulations, rng)


@pytest.fixture(scope="module")
def posterior():
    return fit(Windowed())


def log_weights(posterior, X, n_samples, params=PARAMS, common=False):
    """Log importance weights of draws, (n_samples, m)."""
    latents, log_prob = posterior.sample(X, n_samples, np.random.default_rng(1), common)
    log_joint = MODEL.log_joint(params, merged(latents), np.tile(X, (n_samples, 1)))
    return log_joint.reshape(log_prob.shape) - log_prob


def share_of_draws(weights):
    """Effective number of draws of each row, a draw."""
    log_number = 2 * logsumexp(weights, axis=0) - logsumexp(2 * weights, axis=0)
    return np.exp(log_number) / len(weights)


def errors_of_marginal(weights, log_marginal):
    """Means over draws of p(z, x) / q(z) / p(x), less one, in standard errors."""
    ratios = np.exp(weights - log_marginal)
    return (ratios.mean(axis=0) - 1) / (ratios.std(axis=0) / np.sqrt(len(ratios)))


def moments(params):
    """Covariance of x and its covariance with z, both as long columns, step by step."""
    steps = [np.eye(K)]
    for _ in range(T - 1):
        steps.append(params["transition"] @ steps[-1])
    powers = np.zeros((T, K, T, K))
    for t in range(T):
        for s in range(t + 1):
            powers[t, :, s] = steps[t - s] * (params["process_sd"] if s else 1.0)
    root = powers.reshape(T * K, T * K)
    cross = np.kron(np.eye(T), params["loading"].T) @ root @ root.T
    covariance = cross @ np.kron(np.eye(T), params["loading"])
    return covariance + params["noise_sd"] ** 2 * np.eye(T * D), cross


def smoothed_by_moments(row):
    """Log marginal and posterior mean and variances of a row with holes."""
    covariance, cross = moments(PARAMS)
    seen = ~np.isnan(row)
    covariance, cross = covariance[np.ix_(seen, seen)], cross[seen]
    law = multivariate_normal(np.zeros(seen.sum()), covariance)
    return law.logpdf(row[seen]), np.linalg.solve(covariance, cross).T @ row[seen]


def test_two_ways_to_exact_answers_agree():
    exact = [smoothed_by_moments(row) for row in X[:3]]
    log_marginal = STATES.log_marginal(PARAMS, X[:3], T)
    np.testing.assert_allclose([a for a, _ in exact], log_marginal)
    mean = STATES.smoothed(PARAMS, X[:3], T)[0].reshape(3, -1)
    np.testing.assert_allclose([mean for _, mean in exact], mean, atol=1e-10)


# The mean.


def distance(mean, X=X):
    """Mean squared distance of `mean` from the posterior's, in posterior variances."""
    exact, covariance = STATES.smoothed(PARAMS, X, T)
    variance = np.diag(covariance).reshape(T, K)
    return np.mean((mean - exact) ** 2 / variance)


def test_the_mean_is_close_to_the_smoothers(posterior):
    # 50 coefficients and 24 000 windows, what lies beyond windows, and a first time with
    # coefficients of its own, 25 for 2000 paths.
    assert distance(posterior.mean(X)) < 0.02
    # Narrower windows lose more, and a filter that never looks ahead most.
    assert 0.05 < distance(fit(Windowed(half_width=1)).mean(X)) < 0.15
    assert distance(fit(Windowed(half_width=0)).mean(X)) > 0.25


@pytest.mark.parametrize("t", [0, 1, T - 2, T - 1])
def test_times_at_the_edges_are_smoothed_as_well_as_others(t, posterior):
    exact, covariance = STATES.smoothed(PARAMS, X, T)
    variance = np.diag(covariance).reshape(T, K)[t]
    error = np.mean((posterior.mean(X)[:, t] - exact[:, t]) ** 2 / variance)
    assert error < 0.03
    # What is said of the time beside it is not good enough.
    other = posterior.mean(X)[:, t + 1 if t < 2 else t - 1]
    assert np.mean((other - exact[:, t]) ** 2 / variance) > 0.5


def test_few_simulations_are_enough_for_the_mean():
    # Times are pooled: 300 paths are 3600 windows.
    assert distance(fit(Windowed(), 300).mean(X)) < 0.06
    # A regression of whole paths has 60 coefficients of its own for every time.
    assert distance(fit(Ridge(), 300).mean(X)) > 0.15


def test_a_large_penalty_leaves_the_mean_of_all_paths():
    mean = fit(Windowed(alpha=1e9)).mean(X)
    assert np.abs(mean).max() < 0.1 < np.abs(fit(Windowed()).mean(X)).max()


def test_inputs_are_means_over_time_of_standardised_coordinates(posterior):
    rng = np.random.default_rng(0)
    path = simulate(MODEL, PARAMS, 2000, rng).latents.reshape(-1, K)
    average = posterior.mean(X).mean(axis=1)
    expected = (average - path.mean(axis=0)) / path.std(axis=0)
    np.testing.assert_allclose(posterior.inputs(X), expected, atol=1e-10)


# The chain.


def test_draws_weigh_what_the_marginal_says(posterior):
    # E_q[p(z, x) / q(z)] = p(x); five standard errors, twenty rows.
    exact = STATES.log_marginal(PARAMS, X, T)
    errors = errors_of_marginal(log_weights(posterior, X, 4000), exact)
    assert np.abs(errors).max() < 5
    # A log density of another model is seen, though it be a close one.
    other = {**PARAMS, "noise_sd": 1.05 * PARAMS["noise_sd"]}
    errors = errors_of_marginal(log_weights(posterior, X, 4000, other), exact)
    assert np.abs(errors).max() > 5


def test_most_draws_count(posterior):
    assert np.median(share_of_draws(log_weights(posterior, X, 1000))) > 0.8
    # Those of a chain that does not look ahead do not.
    short = fit(Windowed(half_width=0))
    assert np.median(share_of_draws(log_weights(short, X, 1000))) < 0.3


@pytest.mark.parametrize("first", [0.1, 10.0])
def test_paths_may_begin_in_another_way_than_they_go_on(first):
    """A random walk of which the first value varies little, or widely."""

    def sample(params, n_samples, rng):
        steps = rng.standard_normal((n_samples, T, 1))
        steps[:, 0] *= first
        z = np.cumsum(steps, axis=1)
        return z, z[:, :, 0] + rng.standard_normal((n_samples, T))

    def log_joint(params, z, x):
        errors = np.hstack([z[:, 0] / first, np.diff(z[:, :, 0]), x - z[:, :, 0]])
        return norm.logpdf(errors).sum(axis=1) - np.log(first)

    model, rng = FunctionModel(sample, log_joint, None), np.random.default_rng(0)
    rows = sample({}, M, rng)[1]
    found = Windowed().fit(model, {}, simulate(model, {}, 2000, rng), rng)
    latents, log_prob = found.sample(rows, 1000, rng)
    log_joint = model.log_joint({}, merged(latents), np.tile(rows, (1000, 1)))
    weights = log_joint.reshape(log_prob.shape) - log_prob
    assert np.median(share_of_draws(weights)) > 0.85


def test_common_numbers_say_the_same_of_a_row_alone(posterior):
    latents, log_prob = posterior.sample(X, 8, np.random.default_rng(0), common=True)
    for i in (0, 7):
        row = X[i : i + 1]
        alone, own = posterior.sample(row, 8, np.random.default_rng(0), common=True)
        np.testing.assert_allclose(alone[:, 0], latents[:, i], atol=1e-10)
        np.testing.assert_allclose(own[:, 0], log_prob[:, i], atol=1e-10)
        mean = posterior.mean(X)[i]
        np.testing.assert_allclose(posterior.mean(row)[0], mean, atol=1e-10)
    twice, _ = posterior.sample(X[[0, 0]], 8, np.random.default_rng(0))
    assert np.abs(twice[:, 0] - twice[:, 1]).max() > 0.1  # otherwise rows have their own


def test_weights_by_common_numbers_agree_with_the_marginal(posterior):
    weights = log_weights(posterior, X, 400, common=True)
    found = logsumexp(weights, axis=0) - np.log(400)
    # Nine tenths of 400 draws count: weights have a deviation of a third, means of 1.7 %.
    np.testing.assert_allclose(found, STATES.log_marginal(PARAMS, X, T), atol=5 * 0.017)


@pytest.mark.parametrize("half_width", [1, 12, 30])
def test_windows_may_be_wider_than_the_path(half_width):
    found = fit(Windowed(half_width))
    exact = STATES.log_marginal(PARAMS, X, T)
    assert np.abs(errors_of_marginal(log_weights(found, X, 2000), exact)).max() < 5
    assert found.mean(X).shape == (M, T, K)


# Missing entries.


@pytest.fixture(scope="module")
def holes():
    rows = with_holes(X, 0.3, np.random.default_rng(3))
    return rows, fit(Windowed(), like=rows), [smoothed_by_moments(row) for row in rows]


def test_draws_of_rows_with_holes_weigh_what_the_marginal_says(holes):
    rows, found, exact = holes
    weights = log_weights(found, rows, 4000)
    assert np.abs(errors_of_marginal(weights, [a for a, _ in exact])).max() < 5
    assert np.median(share_of_draws(weights)) > 0.2
    # As if nothing were missing they would not.
    whole = STATES.log_marginal(PARAMS, X, T)
    assert np.abs(errors_of_marginal(weights, whole)).max() > 5


def distance_with_holes(mean, exact):
    exact = np.array([mean for _, mean in exact]).reshape(M, T, K)
    variance = np.diag(STATES.smoothed(PARAMS, X, T)[1]).reshape(T, K)
    return np.mean((mean - exact) ** 2 / variance)


def test_the_mean_of_rows_with_holes_is_close_to_the_smoothers(holes, posterior):
    rows, found, exact = holes
    # As close as where nothing is missing, in variances of the whole rows' posterior.
    assert distance_with_holes(found.mean(rows), exact) < 0.05
    assert distance_with_holes(found.mean(X), exact) > 0.2  # told what was missing
    # Holes are in the rows alone: what is known of entries' moments serves them, too.
    assert distance_with_holes(posterior.mean(rows), exact) < 0.05
    column_means = np.nanmean(X.reshape(-1, D), axis=0)
    filled = np.where(np.isnan(rows), np.tile(column_means, T), rows)
    assert distance_with_holes(posterior.mean(filled), exact) > 0.3


def test_times_of_which_nothing_was_seen():
    rows = X.copy()
    rows[:, 5 * D : 6 * D] = np.nan
    exact = [smoothed_by_moments(row) for row in rows]
    found = fit(Windowed(), like=rows)
    assert distance_with_holes(found.mean(rows), exact) < 0.1
    weights = log_weights(found, rows, 2000)
    assert np.abs(errors_of_marginal(weights, [a for a, _ in exact])).max() < 5
    assert np.median(share_of_draws(weights)) > 0.15


def test_holes_are_filled_in_by_gaussian_expectations():
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((2, 2)) + 2 * np.eye(2)
    path = np.cumsum(rng.standard_normal((500, 3, 2)), axis=1) @ mixing
    path = path / path.std(axis=(0, 1))
    fill = windowed.Filling(path)
    rows = path[:4].copy()
    rows[0, 1, 0] = rows[2, 2, 1] = np.nan
    rows[1, 1] = np.nan
    found = fill(rows)
    np.testing.assert_array_equal(found[~np.isnan(rows)], rows[~np.isnan(rows)])
    assert np.isfinite(found).all() and fill(path) is path
    # Written out for the end of a path: moments over all times, those of a time with the
    # one before over all but the first.
    every, here = path.reshape(-1, 2), path[:, 1:].reshape(-1, 2)
    before = path[:, :-1].reshape(-1, 2)
    own, last = every.T @ every / len(every), here.T @ before / len(here)
    past = before.T @ before / len(before)
    covariance = np.block([[own, last], [last.T, past]])
    seen = np.append(rows[2, 2, 0], rows[2, 1])
    others = [0, 2, 3]
    expected = np.linalg.solve(covariance[np.ix_(others, others)], seen)
    np.testing.assert_allclose(found[2, 2, 1], expected @ covariance[others, 1])


# Supports.


def transformed(function, support):
    """Simulations of other latents, and what was fitted to them."""
    rng = np.random.default_rng(0)
    z, x, *_ = simulate(MODEL, PARAMS, 2000, rng)
    latents = function(z)
    simulations = Simulations(latents, x, Space(latents, support, batched=True))
    return simulations, Windowed().fit(MODEL, PARAMS, simulations, rng)


def draws(posterior, X=X):
    return posterior.sample(X, 5, np.random.default_rng(0))


def test_positive_paths_are_those_of_logarithms(posterior):
    _, found = transformed(np.exp, Positive())
    mean = np.exp(posterior.mean(X))  # nowhere near the edge of what was simulated
    np.testing.assert_allclose(found.mean(X), mean)
    (z, log_prob), (real, log_prob_of_real) = draws(found), draws(posterior)
    np.testing.assert_allclose(z, np.exp(real))
    expected = log_prob_of_real - real.sum(axis=(2, 3))
    np.testing.assert_allclose(log_prob, expected, atol=1e-9)


def test_columns_of_different_supports(posterior):
    def function(z):
        return np.concatenate([np.exp(z[..., :1]), z[..., 1:]], axis=-1)

    _, found = transformed(function, Columns([(Positive(), 1), (Real(), 1)]))
    np.testing.assert_allclose(found.mean(X), function(posterior.mean(X)))
    (z, log_prob), (real, log_prob_of_real) = draws(found), draws(posterior)
    np.testing.assert_allclose(z, function(real))
    expected = log_prob_of_real - real[..., 0].sum(axis=2)
    np.testing.assert_allclose(log_prob, expected, atol=1e-9)


def test_shares_of_each_time_sum_to_one():
    def function(z):
        raised = np.exp(np.concatenate([z, 0 * z[..., :1]], axis=-1))
        return raised / raised.sum(axis=-1, keepdims=True)

    simulations, found = transformed(function, Simplex())
    assert found.inputs(X).shape == (M, K)
    for latents in (found.mean(X), merged(draws(found)[0])):
        assert simulations.space.contains(latents)
    path = found.mean(simulations.observations)
    error, total = path - simulations.latents, simulations.latents.std(axis=(0, 1))
    assert np.all(error.std(axis=(0, 1)) < 0.7 * total)


def test_latents_in_a_dictionary_are_those_of_an_array(posterior):
    def function(z):
        return {"a": z[..., :1], "b": {"c": z[..., 1:]}}

    simulations, found = transformed(function, None)
    assert Windowed().suits(MODEL, PARAMS, simulations.space)
    mean, (latents, log_prob) = found.mean(X), draws(found)
    np.testing.assert_allclose(mean["b"]["c"], posterior.mean(X)[..., 1:])
    np.testing.assert_allclose(latents["a"], draws(posterior)[0][..., :1])
    np.testing.assert_allclose(log_prob, draws(posterior)[1])


@pytest.mark.parametrize("far", [1e3, -1e6])
def test_latents_of_far_rows_lie_in_the_space(far, posterior):
    simulations, found = transformed(np.exp, Positive())
    for latents in (found.mean(far * X), merged(draws(found, far * X)[0])):
        assert simulations.space.contains(latents)
    low, high = simulations.latents.min(axis=(0, 1)), simulations.latents.max(axis=(0, 1))
    mean = found.mean(far * X)
    assert np.all(mean >= low * (1 - 1e-12)) and np.all(mean <= high * (1 + 1e-12))
    # Real ones are not cut.
    assert np.abs(posterior.mean(far * X)).max() > 100


def test_a_path_may_begin_at_a_known_place():
    def sample(params, n_samples, rng):
        steps = rng.standard_normal((n_samples, 6, 1))
        steps[:, 0] = 0.0
        z = np.cumsum(steps, axis=1)
        return z, z[:, :, 0] + rng.standard_normal((n_samples, 6))

    model = FunctionModel(sample, None, None, latent_support=Real())
    found = fit_posterior(model, {})
    latents, log_prob = found.sample(np.zeros((3, 6)), 9, np.random.default_rng(0))
    assert np.abs(latents[:, :, 0]).max() < 0.01 < np.abs(latents[:, :, 1:]).max()
    assert np.isfinite(log_prob).all()


# Given columns.


def sample_shifted(params, n_samples, rng, given):
    z, x = MODEL.sample(PARAMS, n_samples, rng)
    return z, x + 3.0 * given


def test_given_columns_belong_to_every_window(posterior):
    model = GivenColumns(FunctionModel(sample_shifted, sample_shifted, None), n_given=1)
    rng = np.random.default_rng(0)
    given = rng.standard_normal((M, 1))
    rows = np.hstack([X + 3.0 * given, given])
    simulations = simulate(model, {}, 2000, rng, like=rows)
    assert Windowed().suits(model, {}, simulations.space)
    mean = Windowed().fit(model, {}, simulations, rng).mean(rows)
    # One more coefficient: as good as without a shift.
    assert distance(mean) < 0.04
    assert distance(posterior.mean(rows[:, :-1])) > 0.3


# What is fitted when.


def test_a_fitted_posterior_pickles_without_its_simulations(posterior):
    pickled = pickle.dumps(posterior)
    seen = simulate(MODEL, PARAMS, 2000, np.random.default_rng(0)).observations
    assert len(pickled) < 50_000 < seen.nbytes
    again = pickle.loads(pickled)
    np.testing.assert_array_equal(again.mean(X), posterior.mean(X))
    for one, other in zip(draws(again), draws(posterior), strict=True):
        np.testing.assert_array_equal(one, other)


class Counting:
    """A model that counts its simulations."""

    def __init__(self):
        self.numbers = []

    def __getattr__(self, name):
        return getattr(MODEL, name)

    def sample(self, params, n_samples, rng):
        self.numbers.append(n_samples)
        return MODEL.sample(params, n_samples, rng)


def test_answers_are_fitted_on_as_many_simulations_as_the_posterior_wants():
    space = latent_space(MODEL, PARAMS)
    for given, expected in ((None, 2000), (Ridge(), 300)):
        model = Counting()
        before = SimpleNamespace(space=space)
        fit_posterior(model, PARAMS, posterior=given, previous=before)
        assert model.numbers[-1] == expected and max(model.numbers) == expected


def test_a_posterior_suits_the_space_that_simulations_have_come_to():
    def sample(params, n_samples, rng):
        z = rng.standard_normal((n_samples, 1))
        z = z if params["smooth"] else 1.0 * (z > 0)
        return z, z + rng.standard_normal((n_samples, 1))

    model = FunctionModel(sample, lambda params, z, x: -(z[:, 0] ** 2), None)
    before = fit_posterior(model, {"smooth": 0})
    assert isinstance(before, FittedEnumeration)
    after = fit_posterior(model, {"smooth": 1}, previous=before)
    assert not isinstance(after, FittedEnumeration)
    assert not after.space.is_finite


# What it suits.


def sampler(shape, n_columns):
    def sample(params, n_samples, rng):
        z = rng.standard_normal((n_samples, *shape))
        return z, rng.standard_normal((n_samples, n_columns))

    return sample


def on_spheres(params, n_samples, rng):
    z = rng.standard_normal((n_samples, 4, 3))
    z = z / np.linalg.norm(z, axis=2, keepdims=True)
    return z, z[:, :, 0]


def labels(params, n_samples, rng):
    return 1.0 * rng.integers(2, size=(n_samples, 4, 1)), rng.random((n_samples, 4))


def uneven(params, n_samples, rng):
    z = rng.standard_normal((n_samples, 4, 1))
    return {"path": z, "level": z[:, 0]}, z[:, :, 0]


SUITED = {
    "path": (sampler((4, 2), 8), True),
    "path of one column": (sampler((4, 1), 4), True),
    "no path": (sampler((4,), 8), False),
    "one time": (sampler((1, 2), 8), False),
    "columns of no times": (sampler((4, 2), 9), False),
    "directions": (on_spheres, False),
    "labels": (labels, False),
    "a path and a level": (uneven, False),
}


@pytest.mark.parametrize("name", SUITED)
def test_it_suits_paths(name):
    sample, expected = SUITED[name]
    model, rng = FunctionModel(sample, None, None), np.random.default_rng(0)
    simulations = simulate(model, {}, 50, rng)
    assert Windowed().suits(model, {}, simulations.space) is expected
    if not expected:
        with pytest.raises(ValueError, match="Windowed is for paths: latents of shape"):
            Windowed().fit(model, {}, simulations, rng)


def test_paths_are_chosen_for():
    space = latent_space(MODEL, PARAMS)
    assert isinstance(posterior_for(MODEL, PARAMS, space), Windowed)
    method = choose_method(MODEL, PARAMS, space=space)
    assert method.name == "residual" and isinstance(method.posterior, Windowed)
    assert isinstance(method.regression, MeanRegression)
    assert isinstance(method.objective, ResidualRegression)
    assert method.objective.baseline == "mean" and method.n_iter_no_change is None
    chosen = posterior_for(*function_model("tree"))
    assert isinstance(chosen, Laplace) and not isinstance(chosen, NoPosterior)


# AmortisedLearner.


@pytest.fixture(scope="module")
def learnt():
    n_times = 10
    truth, rows, held_out = STATES.series(0, n_times)
    best = STATES.maximum_likelihood(rows, n_times, truth)
    learner = AmortisedLearner(STATES.state_space(n_times), random_state=0).fit(rows)
    return n_times, best, learner, held_out


def test_series_are_learnt_nearly_as_well_as_by_maximum_likelihood(learnt):
    n_times, best, learner, held_out = learnt
    start = STATES.init_params(held_out, np.random.default_rng(0), n_times)
    exact = [
        np.mean(STATES.log_marginal(params, held_out, n_times))
        for params in (best, learner.params_, start)
    ]
    # Seeds 0 to 3, two starts each, end 0.00 to 0.13 nats a series behind.
    assert exact[0] - exact[1] < 0.6 < 10 < exact[0] - exact[2]
    assert learner.method_ == "residual" and learner.converged_
    assert learner.latent_support_ == Real() and learner.n_latents_ == n_times * K


def test_what_is_said_of_series_is_exact_but_for_draws(learnt):
    n_times, _, learner, held_out = learnt
    params, rows = learner.params_, held_out[:30]
    exact = STATES.log_marginal(params, rows, n_times)
    assert abs(learner.score(rows) - exact.mean()) < 0.1
    mean, covariance = STATES.smoothed(params, rows, n_times)
    found, deviation = learner.transform(rows), np.sqrt(np.diag(covariance))
    assert found.shape == (30, n_times * K)
    # 200 antithetic draws, of which half count: a tenth of a deviation, at most five.
    assert np.abs((found - mean.reshape(30, -1)) / deviation).max() < 0.5
    draws = learner.sample_posterior(rows, 40, random_state=0)
    assert draws.shape == (40, 30, n_times * K)
    white = (draws - mean.reshape(30, -1)) / deviation
    assert abs(white.mean()) < 0.1 and abs(white.std() - 1) < 0.05
    np.testing.assert_allclose(learner.transform(rows[3:5]), found[3:5], atol=1e-9)
