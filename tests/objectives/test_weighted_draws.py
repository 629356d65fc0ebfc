"""The log joint at weighted draws of real rows."""

import numpy as np
from scipy.stats import nbinom

from skaws.decoders import Linear
from skaws.likelihoods import Poisson
from skaws.models import AdditiveParts, LatentVariableModel
from skaws.objectives import RealRows, WeightedDraws
from skaws.objectives.weighted_draws import importance_shares
from skaws.posteriors import Gamma as GammaPosterior
from skaws.priors import Gamma
from skaws.regression import RunningInformation
from skaws.spaces import Space
from skaws.wake_sleep import sleep, wake

PARAMS = {
    "prior": {"shape": np.array([1.5])},
    "decoder": {"components": np.array([[20.0]])},
}


def counts(n_rows=200):
    parts = Gamma(1), Linear(nonnegative=True), Poisson()
    model = AdditiveParts(LatentVariableModel(*parts))
    return model, model.sample(PARAMS, n_rows, np.random.default_rng(0))[1]


def plain(model):
    space = Space(PARAMS, model.constraints)
    return lambda params, step: model.model.move(params, step), space


def test_the_gradient_is_that_of_the_likelihood():
    # Counts are negative binomial: slopes by finite differences.  100 repeats, each
    # coordinate within 4 standard errors (draws are five a row, whose bias is below that).
    model, X = counts()
    move, space = plain(model)
    how = WeightedDraws(), RunningInformation()
    weights, rng = np.full(len(X), 1 / len(X)), np.random.default_rng(0)
    simulations = sleep(model, PARAMS, GammaPosterior(100), 50, rng)

    def log_likelihood(step):
        params = move(PARAMS, space.split(step))
        shape, mean = params["prior"]["shape"][0], params["decoder"]["components"][0, 0]
        return nbinom.logpmf(X[:, 0], shape, shape / (shape + mean)).mean()

    exact = [
        (log_likelihood(1e-4 * one) - log_likelihood(-1e-4 * one)) / 2e-4
        for one in np.eye(2)
    ]
    found = np.array([
        wake(model, PARAMS, simulations, X, weights, *how, rng=rng, move=move).gradient
        for _ in range(100)
    ])  # fmt: skip
    z = (found.mean(axis=0) - exact) / (found.std(axis=0) / 10)
    assert np.abs(z).max() < 4


def test_rows_share_their_weight_among_draws():
    model, X = counts(30)
    rng, regression = np.random.default_rng(0), RunningInformation()
    simulations = sleep(model, PARAMS, GammaPosterior(), 50, rng)
    weights = rng.dirichlet(np.ones(30))
    real = RealRows(X, weights)
    pairs = WeightedDraws(7).pairs(model, PARAMS, simulations, real, regression, rng)
    assert pairs.latents.shape == (7 * 30, 1) and regression.information_.size == 1.5
    found = WeightedDraws().weigh(None, pairs, model, regression)
    np.testing.assert_allclose(found.values.reshape(7, 30).sum(axis=0), weights)
    assert not found.simulations.any()
    few = WeightedDraws(7, most_entries=100)
    pairs = few.pairs(model, PARAMS, simulations, real, regression, rng)
    assert len(pairs.latents) == 3 * 30


def test_draws_that_are_impossible_weigh_nothing():
    shares = importance_shares(np.array([[0.0, -np.inf, np.nan], [0.0, 5.0, np.inf]]))
    np.testing.assert_allclose(shares, [[0.5, 0.0, 0.5], [0.5, 1.0, 0.5]])
