"""Weights of rows can be made shares."""

import numpy as np

from skaws.forms import (
    PairwiseForm,
)
from skaws.wake_sleep import real_rows

from ..common import altered, small_gaussian


def test_shares_are_shares():
    model, params, simulations, X, weights = small_gaussian()
    taken = []

    def expected_log_joint(params, latents, observations, weights, X):
        taken.append(weights)
        return np.zeros(len(X))

    seeing = altered(model, expected_log_joint=expected_log_joint)
    real = real_rows(simulations, 3 * X, weights)  # far out, where weights extrapolate
    for shares in (False, True):
        PairwiseForm(shares=shares).values(seeing, params, simulations, real)
    assert taken[0].min() < 0 <= taken[1].min()
    np.testing.assert_allclose(taken[1].sum(axis=1), 1.0)
