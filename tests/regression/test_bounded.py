"""Estimates are cut only where they must be."""

import autograd.numpy as anp
import numpy as np
import pytest

from skaws.decoders import Linear
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.models import FunctionModel, LatentVariableModel
from skaws.priors import Gamma, Gaussian
from skaws.regression import BoundedEstimate, LatentEstimate, ObservedInputs


def sample(params, n_samples, rng):
    z = rng.exponential(size=(n_samples, 1))
    return z, z + 0.3 * rng.standard_normal((n_samples, 1))


def log_joint(params, z, x):
    inside = anp.where(z[:, 0] >= 0, -z[:, 0], -np.inf)
    return inside - 5 * (x - z)[:, 0] ** 2


MODEL = FunctionModel(sample, log_joint, None)
FAR = np.array([[-1.0], [2.0], [50.0]])


@pytest.fixture
def pairs():
    return MODEL.sample({}, 500, np.random.default_rng(0))


def test_only_estimates_without_density_are_cut(pairs):
    function, estimates = BoundedEstimate().fit(MODEL, {}, *pairs)
    assert np.isfinite(log_joint({}, estimates, pairs[1])).all()
    inputs, cut = function.inputs(FAR), function(FAR)
    assert inputs[0] < 0 <= cut[0] <= pairs[0].min()
    np.testing.assert_array_equal(cut[1:], inputs[1:])
    assert cut[2] > 2 * pairs[0].max()  # a row further out than any simulated one


def test_codes_of_labels_are_cut_everywhere(pairs):
    function, _ = BoundedEstimate(everywhere=True).fit(MODEL, {}, *pairs)
    assert function(FAR)[2] == pairs[0].max() < function.inputs(FAR)[2]


def test_closed_form_is_taken_where_there_is_one():
    rng = np.random.default_rng(0)
    model = LatentVariableModel(Gaussian(2), Linear(), GaussianNoise())
    params = model.init_params(rng.standard_normal((50, 4)), rng)
    pairs = model.sample(params, 100, rng)
    _, estimates = BoundedEstimate().fit(model, params, *pairs)
    np.testing.assert_array_equal(estimates, model.latent_estimate(params, pairs[1]))


def test_closed_form_outside_the_support_is_cut():
    rng = np.random.default_rng(0)
    model = LatentVariableModel(Gamma(1), Linear(nonnegative=True), GaussianNoise())
    params = model.init_params(rng.gamma(2.0, size=(50, 4)), rng)
    params["likelihood"]["noise_variance"] = 4.0
    latents, observations = model.sample(params, 300, rng)
    _, estimates = BoundedEstimate().fit(model, params, latents, observations)
    closed = model.latent_estimate(params, observations)
    assert closed.min() <= 0 < estimates.min()
    assert np.isfinite(model.log_joint(params, estimates, observations)).all()


def test_observations_stand_for_themselves():
    X = np.array([[1.0, np.nan], [3.0, 4.0]])
    function, inputs = ObservedInputs().fit(None, {}, {}, X)
    assert inputs.tolist() == [[1.0, 4.0], [3.0, 4.0]]
    assert function(np.array([[np.nan, 0.0]])).tolist() == [[2.0, 0.0]]


def test_observations_are_regressed_on_whatever_the_estimate():
    observations = np.random.default_rng(0).standard_normal((50, 3))
    latents = observations[:, :1]
    model = FunctionModel(None, None, None)
    function, estimates = ObservedInputs(LatentEstimate()).fit(
        model, {}, latents, observations
    )
    assert estimates.shape == (50, 1)
    np.testing.assert_array_equal(function(observations), estimates)
    np.testing.assert_array_equal(function.inputs(observations), observations)
