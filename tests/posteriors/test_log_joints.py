"""A table of log joints is the same however it is made."""

import numpy as np
import pytest

from skaws import priors
from skaws.models import FunctionModel
from skaws.posteriors import log_joints
from skaws.posteriors.log_joints import log_joint_table

from .models import function_model, network_model


@pytest.mark.parametrize("chunk_numbers", [1, 100, 10**6])
def test_with_and_without_the_models_own_matrix(chunk_numbers, monkeypatch):
    model, params = network_model(priors.Gaussian(2))
    plain = FunctionModel(model.sample, model.log_joint, None)
    latents, X = model.sample(params, 9, np.random.default_rng(0))
    X[2, 1] = np.nan
    monkeypatch.setattr(log_joints, "CHUNK_NUMBERS", chunk_numbers)
    expected = [
        [model.log_joint(params, z[None], x[None])[0] for z in latents] for x in X[:4]
    ]
    for one in (model, plain):
        np.testing.assert_allclose(log_joint_table(one, params, latents, X[:4]), expected)


def test_latents_in_a_dictionary():
    model, params = function_model("tree")
    latents, X = model.sample(params, 5, np.random.default_rng(0))
    table = log_joint_table(model, params, latents, X)
    np.testing.assert_allclose(np.diagonal(table), model.log_joint(params, latents, X))


def test_what_is_no_number_is_minus_infinity():
    model = FunctionModel(None, lambda params, z, x: np.log(z[:, 0]), None)
    table = log_joint_table(model, {}, np.array([[-1.0], [1.0]]), np.zeros((1, 1)))
    assert table.tolist() == [[-np.inf, 0.0]]
