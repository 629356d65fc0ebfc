"""Rows with outliers under noise of heavy tails, against quadrature."""

import numpy as np
import pytest

from skaws.decoders import Linear
from skaws.evaluation import importance_posterior
from skaws.likelihoods import StudentT
from skaws.models import LatentVariableModel
from skaws.priors import Gaussian

from ..common import altered
from .quadrature import by_quadrature, grid


def robust_model(k, dof):
    rng = np.random.default_rng(2)
    params = {
        "decoder": {"components": rng.standard_normal((k, 10)), "mean": np.ones(10)},
        "likelihood": {"scale": 0.5, "dof": dof},
    }
    return LatentVariableModel(Gaussian(k), Linear(), StudentT()), params


@pytest.mark.parametrize("dof", [2.5, 4.0])
@pytest.mark.parametrize("k", [1, 2])
def test_rows_with_outliers_against_quadrature(k, dof):
    model, params = robust_model(k, dof)
    X = model.sample(params, 10, np.random.default_rng(0))[1]
    X[np.arange(10), np.arange(10)] += np.linspace(8.0, 16.0, 10) * np.tile([1, -1], 5)
    X[::3, 1] = np.nan
    z, cell = grid(-6.0, 6.0, 4000 if k == 1 else 400, k)
    exact = by_quadrature(model, params, X, z, 0.0, cell)
    # Of 200 draws at least 50 are effective: errors below 14%.
    log_marginal, mean = importance_posterior(model, params, X)
    np.testing.assert_allclose(log_marginal, exact[0], atol=0.14)
    np.testing.assert_allclose(mean, exact[1], atol=0.14)
    unweighed = altered(model, likelihood=altered(model.likelihood, scale_mixture=False))
    log_marginal, mean = importance_posterior(unweighed, params, X)
    assert np.abs(log_marginal - exact[0]).max() > 1.0
    assert np.abs(mean - exact[1]).max() > 0.14
