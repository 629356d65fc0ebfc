"""Latents of any support under a network, against quadrature."""

import numpy as np
import pytest
from scipy.special import logsumexp

from skaws.decoders import MLP
from skaws.evaluation import importance_posterior
from skaws.likelihoods import Gaussian
from skaws.models import LatentVariableModel
from skaws.priors import Beta, Gamma, UniformCircle
from skaws.priors import Gaussian as GaussianPrior
from skaws.proposals import ModeProposal

# Priors of one coordinate, a grid of latents, and the grid's log weight in their density.
ANGLES = np.linspace(-np.pi, np.pi, 4001)[1:]
MIDDLES = (np.arange(4000) + 0.5) / 4000
CURVES = {
    "real": (GaussianPrior(1), np.linspace(-8, 8, 4000)[:, None], np.log(16 / 3999)),
    "nonnegative": (Gamma(1), 15 * MIDDLES[:, None], np.log(15 / 4000)),
    "unit": (Beta(1), MIDDLES[:, None], -np.log(4000)),
    "sphere": (
        UniformCircle(),
        np.column_stack([np.sin(ANGLES), np.cos(ANGLES)]),
        np.log(2 * np.pi / 4000),
    ),
}


@pytest.mark.parametrize("support", list(CURVES))
@pytest.mark.parametrize("noise_variance", [0.01, 1.0])
def test_network_decoder_against_quadrature(support, noise_variance):
    prior, grid, log_weight = CURVES[support]
    rng = np.random.default_rng(0)
    model = LatentVariableModel(prior, MLP((10,)), Gaussian())
    params = model.init_params(rng.standard_normal((100, 5)), rng)
    params["likelihood"]["noise_variance"] = noise_variance
    if support == "nonnegative":
        params["prior"]["shape"] = np.array([2.0])  # a density that the grid can follow
    X = model.sample(params, 40, rng)[1]
    X[::4, 2] = np.nan
    log_marginal, mean = importance_posterior(model, params, X, n_draws=2000)
    log_joint = np.array(
        [model.log_joint(params, np.tile(z, (40, 1)), X) + log_weight for z in grid]
    )
    expected = logsumexp(log_joint, axis=0)
    # 2000 draws whose weights have a relative variance of one: 0.02, of the worst of 40
    # three times that.
    np.testing.assert_allclose(log_marginal, expected, atol=0.08)
    assert abs(np.mean(log_marginal - expected)) < 0.02
    np.testing.assert_allclose(mean, np.exp(log_joint - expected).T @ grid, atol=0.08)


def test_number_of_draws_is_shared_by_the_modes():
    model = LatentVariableModel(GaussianPrior(1), MLP((4,)), Gaussian())
    rng = np.random.default_rng(0)
    params = model.init_params(rng.standard_normal((20, 3)), rng)
    with pytest.raises(ValueError, match="n_draws=10 must be a multiple of 4"):
        ModeProposal(model, params, 10)
