"""Layers have the derivatives that differences of their values say."""

import pickle

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from autograd.test_util import check_grads

from skaws.networks import ACTIVATIONS, DenseNetwork, dense, start_weight

SMOOTH = ["tanh", "softplus", "identity"]


def layer(rng, n_inputs=3, n_outputs=4):
    inputs = rng.standard_normal((6, n_inputs))
    weight = start_weight(n_inputs, n_outputs, rng)
    return inputs, weight, rng.standard_normal(n_outputs)


def start(activation="tanh", dtype="float64", widths=(3, 5, 4, 2)):
    return DenseNetwork(widths, np.random.default_rng(0), activation, dtype)


def differences(function, vector, step=1e-6):
    moves = step * np.eye(len(vector))
    return np.array([(function(m) - function(-m)) / (2 * step) for m in moves])


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_layer_has_its_derivatives(activation):
    inputs, weight, bias = layer(np.random.default_rng(0))
    check_grads(
        lambda x, w, b: dense(x, w, b, activation, "float64"), modes=["rev"], order=1
    )(inputs, weight, bias)


def test_start_weights_keep_the_variance():
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((2000, 50)) @ start_weight(50, 400, rng)
    assert 0.9 < rows.var() < 1.1


@pytest.mark.parametrize("activation", SMOOTH)
def test_the_gradient_is_that_of_differences(activation):
    rng, network = np.random.default_rng(1), start(activation)
    X, slope = rng.standard_normal((7, 3)), rng.standard_normal((7, 2))

    def value(step):
        return np.sum(slope * network.moved(step).forward(X)[-1])

    exact = differences(value, network.vector)
    found = network.gradient(network.forward(X), slope)
    np.testing.assert_allclose(found, exact, rtol=1e-6, atol=1e-7)
    # A layer left out would be seen.
    for part in np.split(exact, [20, 44]):
        assert np.abs(part).max() > 1e-3


def test_a_network_is_a_chain_of_layers():
    network, X = start(), np.random.default_rng(1).standard_normal((7, 3))

    def chain(layers):
        values = X
        for place, (weight, bias) in enumerate(layers):
            activation = "tanh" if place < 2 else "identity"
            values = dense(values, weight, bias, activation, "float64")
        return values

    np.testing.assert_allclose(network.forward(X)[-1], chain(network.layers), rtol=1e-14)
    tape = grad(lambda layers: anp.sum(chain(layers) ** 2))(network.layers)
    values = network.forward(X)
    flat = np.concatenate([np.ravel(part) for pair in tape for part in pair])
    np.testing.assert_allclose(network.gradient(values, 2 * values[-1]), flat, rtol=1e-12)


def test_moving_leaves_the_network_as_it_was():
    network, X = start(), np.ones((1, 3))
    before = network.vector.copy(), network.forward(X)[-1]
    other = network.moved(np.ones_like(network.vector))
    np.testing.assert_array_equal(network.vector, before[0])
    np.testing.assert_array_equal(network.forward(X)[-1], before[1])
    assert not np.allclose(other.forward(X)[-1], before[1])


def test_layers_are_views_also_after_a_pickle():
    network = pickle.loads(pickle.dumps(start()))
    network.layers[-1][1][:] = 7.0
    np.testing.assert_array_equal(network.vector[-2:], 7.0)


def test_single_precision_is_close_and_stays_single():
    X = np.random.default_rng(1).standard_normal((7, 3))
    double, single = start(), start(dtype="float32")
    values = single.forward(X)
    assert values[-1].dtype == single.gradient(values, values[-1]).dtype == np.float32
    np.testing.assert_allclose(values[-1], double.forward(X)[-1], atol=1e-5)
    exact = double.forward(X)
    np.testing.assert_allclose(
        single.gradient(values, values[-1]), double.gradient(exact, exact[-1]), atol=1e-4
    )
