"""Latents between zero and one, decoded through their log odds, against quadrature."""

import numpy as np
import pytest
from scipy.special import expit

from skaws.decoders import LogOdds
from skaws.evaluation import importance_posterior
from skaws.likelihoods import Bernoulli
from skaws.models import LatentVariableModel
from skaws.priors import UnitUniform

from .quadrature import by_quadrature, grid


def binary_model(k):
    rng = np.random.default_rng(0)
    params = {"decoder": {"components": rng.gamma(1, 1, (k, 6)), "intercept": np.zeros(6)}}
    return LatentVariableModel(UnitUniform(k), LogOdds(), Bernoulli()), params


@pytest.mark.parametrize("k", [1, 2])
def test_unit_latents_against_quadrature(k):
    model, params = binary_model(k)
    X = model.sample(params, 8, np.random.default_rng(0))[1]
    X[::3, 1] = np.nan
    u, cell = grid(-25.0, 25.0, 4000 if k == 1 else 700, k)
    z = np.clip(expit(u), 1e-15, 1 - 1e-15)
    slope = (np.log(z) + np.log1p(-z)).sum(axis=1)
    exact = by_quadrature(model, params, X, z, slope, cell)
    log_marginal, mean = importance_posterior(model, params, X, n_draws=2000)
    np.testing.assert_allclose(log_marginal, exact[0], atol=0.06)
    np.testing.assert_allclose(mean, exact[1], atol=0.03)
