"""Reweighted wake-sleep climbs the log joint at draws for real rows, and nothing else."""

import numpy as np

from skaws.evaluation import exact_score_gradient
from skaws.objectives import RealRows, ReweightedWakeSleep
from skaws.posteriors import MixtureNetwork, Resampled
from skaws.regression import MeanRegression
from skaws.spaces import Space
from skaws.wake_sleep import sleep, wake

from ..common import small_gaussian


def test_with_exact_draws_the_gradient_is_unbiased():
    # 400 repeats of 50 draws each: 16 coordinates within 4 standard errors.
    model, params, simulations, X, weights = small_gaussian()
    exact = exact_score_gradient(model, params, X)
    space = Space(params, model.constraints)
    how = ReweightedWakeSleep(), MeanRegression()
    rng = np.random.default_rng(0)
    found = np.array([
        wake(model, params, simulations, X, weights, *how, rng=rng).gradient
        for _ in range(400)
    ])  # fmt: skip
    expected = np.concatenate(
        [np.ravel(exact["decoder"]["components"]), np.ravel(exact["decoder"]["mean"])]
    )
    own = space.split(np.arange(space.size))["decoder"]
    index = np.concatenate([np.ravel(own["components"]), np.ravel(own["mean"])]).astype(int)
    z = (found.mean(axis=0)[index] - expected) / (found.std(axis=0)[index] / 20)
    assert np.abs(z).max() < 4


def test_simulations_weigh_nothing_and_draws_what_their_rows_do():
    model, params, simulations, X, weights = small_gaussian()
    objective, rng = ReweightedWakeSleep(), np.random.default_rng(0)
    pairs = objective.pairs(model, params, simulations, RealRows(X, weights), None, rng)
    assert pairs.latents.shape == (50, 1)
    np.testing.assert_array_equal(pairs.observations, X)
    values = objective.values(model, params, pairs)
    found = objective.weigh(values, pairs, model, None)
    np.testing.assert_array_equal(found.values, weights)
    assert not found.simulations.any() and found.error == 1.0


def test_network_is_told_of_the_draws_it_learns_from():
    # What the next fit makes of the draws differs from what it makes of simulations alone.
    model, params, _, X, weights = small_gaussian()
    posterior, rng = Resampled(MixtureNetwork(n_first_steps=3)), np.random.default_rng(0)
    simulations = sleep(model, params, posterior, 50, rng)
    fits = []
    for told in (False, True):
        if told:
            real = RealRows(X, weights)
            ReweightedWakeSleep().pairs(model, params, simulations, real, None, rng)
        fitted = posterior.fit(
            model, params, simulations, np.random.default_rng(1), simulations.posterior
        )
        fits.append(fitted.inputs(X))
    assert np.abs(fits[0] - fits[1]).max() > 0
