"""The residual from a baseline is regressed, and believed as far as it predicts."""

import numpy as np
import pytest

from skaws.objectives import RealRows, ResidualRegression
from skaws.posteriors import Exact, FittedPosterior, Posterior
from skaws.regression import KernelRegression
from skaws.spaces import columns_of
from skaws.wake_sleep import sleep

from ..common import altered, gaussian_model, small_gaussian, with_holes


@pytest.fixture(scope="module")
def problem():
    """Model, and the weighing of given values by an objective."""
    model, params, simulations, X, weights = small_gaussian()
    regression, real = KernelRegression(), RealRows(X, weights)

    def weigh(objective, values=None, change=None):
        rng = np.random.default_rng(0)
        pairs = objective.pairs(model, params, simulations, real, regression, rng)
        values = objective.values(model, params, pairs) if values is None else values
        values = values if change is None else change(values)
        return values, objective.weigh(values, pairs, model, regression)

    return weigh, simulations, weights


def test_gate_shrinks_what_is_not_predicted_towards_the_plain_mean(problem):
    weigh, simulations, _ = problem
    free, gated = ResidualRegression(), ResidualRegression(gated=True)
    _, found = weigh(free)
    opening = max(0.0, 1 - found.error)
    expected = 1 / 400 + opening * (found.simulations - 1 / 400)
    np.testing.assert_allclose(weigh(gated)[1].simulations, expected)
    # Residuals that are only noise shut it, those that follow the inputs open it.
    rng = np.random.default_rng(1)
    noise = np.concatenate([rng.standard_normal(400), np.zeros(450)])
    shut = weigh(gated, noise)[1].simulations
    np.testing.assert_allclose(shut, 1 / 400, atol=2e-3)
    noise[:400] = simulations.posterior.mean(simulations.observations)[:, 0]
    opened = weigh(gated, noise)[1].simulations
    np.testing.assert_allclose(opened, weigh(free, noise)[1].simulations, atol=1e-3)


def test_hopeless_baselines_count_for_no_more_than_fifty_deviations(problem):
    weigh, _, _ = problem

    def one_far_out(values):
        values = values.copy()
        values[400] -= 1e5  # the baseline of one simulation
        return values

    values, found = weigh(ResidualRegression(gated=True), change=one_far_out)
    found = found.values
    residuals = values[:400] - values[400:800]
    deviation = 1.4826 * np.median(np.abs(residuals - np.median(residuals)))
    typical = np.median(np.abs(found[1:400]))
    assert abs(found[0]) * 1e5 < 100 * deviation * typical
    np.testing.assert_array_equal(found[:400], -found[400:800])


def test_gated_objective_above_every_simulation_falls_back_on_the_baseline(problem):
    weigh, _, weights = problem
    for surplus, trusted in ((0.0, True), (1e6, False)):

        def poorer(values, surplus=surplus):  # poor at the simulations alone
            return np.concatenate([values[:400], values[400:800] - surplus, values[800:]])

        _, found = weigh(ResidualRegression(gated=True), change=poorer)
        assert (found.values[:800] != 0).any() == trusted
        np.testing.assert_allclose(found.values[800:], weights)


def test_without_a_gate_the_residual_is_always_believed(problem):
    weigh, _, _ = problem
    _, found = weigh(
        ResidualRegression(),
        change=lambda values: values - 1e6 * (np.arange(850) // 400 == 1),
    )
    assert (found.values[:800] != 0).all()


class Marked(Posterior):
    """A posterior whose mean and draws are told apart by their values."""

    def fit(self, model, params, simulations, rng, previous=None):
        return FittedMarked(simulations.space)


class FittedMarked(FittedPosterior):
    remembered = None

    def mean(self, X):
        return np.full((len(X), 1), 7.0)

    def sample(self, X, n_samples, rng, common=False):
        return np.full((n_samples, len(X), 1), 9.0), np.zeros((n_samples, len(X)))

    def keep(self, latents, X):
        self.remembered = latents, X


@pytest.mark.parametrize(("baseline", "value"), [("mean", 7.0), ("draw", 9.0)])
def test_baseline_is_taken_at_mean_or_draw(baseline, value):
    model, params, simulations, X, weights = small_gaussian()
    rng = np.random.default_rng(0)
    simulations = sleep(model, params, Marked(), 20, rng)
    objective = ResidualRegression(baseline=baseline)
    pairs = objective.pairs(
        model, params, simulations, RealRows(X, weights), KernelRegression(), rng
    )
    assert pairs.latents.shape == (20 + 20 + 50, 1)
    np.testing.assert_array_equal(pairs.latents[:20], simulations.latents)
    np.testing.assert_array_equal(pairs.latents[20:], value)
    seen = simulations.observations
    np.testing.assert_array_equal(pairs.observations, np.vstack([seen, seen, X]))
    # What learns step by step is told of draws for real rows, and of nothing else.
    if baseline == "draw":
        np.testing.assert_array_equal(simulations.posterior.remembered[1], X)
        np.testing.assert_array_equal(simulations.posterior.remembered[0], 9.0)
    else:
        assert simulations.posterior.remembered is None


def test_inputs_are_what_the_posterior_says_or_the_rows_themselves():
    rng = np.random.default_rng(0)
    X = with_holes(rng.standard_normal((200, 4)), 0.2, rng)
    model = gaussian_model(2)
    params = model.init_params(X, rng)
    simulations = sleep(model, params, Exact(), 60, rng, like=X)
    means = np.nanmean(simulations.observations, axis=0)
    expected = {
        "posterior": columns_of(simulations.posterior.mean(X)),
        "observations": np.where(np.isnan(X), means, X),
    }
    for inputs, rows in expected.items():
        seen = []
        regression = altered(KernelRegression(), fit=seen.append)
        objective = ResidualRegression(inputs=inputs)
        real = RealRows(X, np.full(200, 1 / 200))
        pairs = objective.pairs(model, params, simulations, real, regression, rng)
        np.testing.assert_allclose(pairs.extra, rows)
        assert seen[0].shape == (60, rows.shape[1])
