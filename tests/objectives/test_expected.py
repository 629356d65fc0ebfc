"""Log joints of real rows are summed over simulated latents by regression weights."""

import numpy as np
import pytest
from autograd import grad

from skaws.objectives import ExpectedLogJoint, RealRows, expected_log_joint
from skaws.regression import KernelRegression

from ..common import altered, gaussian_model, gaussian_params, small_gaussian, with_holes


def test_shares_are_shares():
    model, params, simulations, X, weights = small_gaussian()
    real = RealRows(3 * X, weights)  # far out, where weights extrapolate
    taken = []
    for shares in (False, True):
        how = simulations, real, KernelRegression(), np.random.default_rng(0)
        pairs = ExpectedLogJoint(shares=shares).pairs(model, params, *how)
        taken.append(pairs.extra)
    assert taken[0].min() < 0 <= taken[1].min()
    np.testing.assert_allclose(taken[1].sum(axis=1), 1.0)


def without_formula(model):
    """The same model, of which only sampler and log joint are known."""

    class Plain:
        log_joint = staticmethod(model.log_joint)

    return Plain()


@pytest.mark.parametrize("share", [0.0, 0.3], ids=["complete", "with holes"])
def test_formula_of_the_model_is_the_weighted_sum_over_pairs(share):
    rng = np.random.default_rng(0)
    model, params = gaussian_model(2, per_feature=True), gaussian_params(2, 4, rng)
    z, x = model.sample(params, 30, rng)
    x = with_holes(x, share, rng)
    weights = rng.dirichlet(np.ones(30), size=10)
    found = expected_log_joint(model, params, z, weights, x[:10])
    by_pairs = [
        w @ model.log_joint(params, z, np.tile(row, (30, 1)))
        for w, row in zip(weights, x[:10], strict=True)
    ]
    np.testing.assert_allclose(found, by_pairs, rtol=1e-10)


def test_without_a_formula_pairs_that_weigh_something_are_summed():
    rng = np.random.default_rng(0)
    model, params = gaussian_model(2, per_feature=True), gaussian_params(2, 4, rng)
    z, x = model.sample(params, 30, rng)
    weights = np.abs(rng.standard_normal((10, 30))) + 0.1
    found = expected_log_joint(without_formula(model), params, z, weights, x[:10])
    expected = model.expected_log_joint(params, z, weights, x[:10])
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_latents_of_negligible_weight_are_never_looked_at():
    rng = np.random.default_rng(0)
    model, params = gaussian_model(1), gaussian_params(1, 3, rng)
    params["likelihood"]["noise_variance"] = np.array(1.0)
    z, x = model.sample(params, 50, rng)
    weights = np.full((5, 50), 1e-9)
    weights[:, :3] = 1 / 3
    seen = []

    def log_joint(params, latents, observations):
        seen.append(len(latents))
        return model.log_joint(params, latents, observations)

    plain = altered(without_formula(model), log_joint=log_joint)
    found = expected_log_joint(plain, params, z, weights, x[:5])
    assert seen == [15]
    exact = model.expected_log_joint(params, z, weights, x[:5])
    np.testing.assert_allclose(found, exact, rtol=1e-5)


def test_sum_over_pairs_has_the_derivative_of_the_formula():
    rng = np.random.default_rng(0)
    model, params = gaussian_model(1), gaussian_params(1, 3, rng)
    params["likelihood"]["noise_variance"] = np.array(1.0)
    z, x = model.sample(params, 20, rng)
    weights = rng.dirichlet(np.ones(20), size=4) + 0.01

    def total(mean, own):
        decoder = {**params["decoder"], "mean": mean}
        there = {**params, "decoder": decoder}
        return np.arange(4.0) @ expected_log_joint(own, there, z, weights, x[:4])

    gradients = [
        grad(total)(params["decoder"]["mean"], own)
        for own in (model, without_formula(model))
    ]
    np.testing.assert_allclose(*gradients, rtol=1e-9)
