"""Dense layers, written once: a node of autograd's tape, and a network without a tape.

Decoders are differentiated on autograd's tape (:func:`dense`); recognition networks have a
gradient of their own (:class:`DenseNetwork`), which spares the tape's work.
"""

from copy import copy
from itertools import pairwise

import numpy as np
from autograd.extend import defvjp_argnums, primitive

__all__ = ["ACTIVATIONS", "DenseNetwork", "dense", "start_weight"]

#: Name: function, and its derivative in terms of its value.
ACTIVATIONS = {
    "tanh": (np.tanh, lambda value: 1 - value**2),
    "relu": (lambda entries: np.maximum(entries, 0), lambda value: value > 0),
    "softplus": (lambda entries: np.logaddexp(0, entries), lambda value: -np.expm1(-value)),
    # Outputs leave in double precision, whatever that of the layers.
    "identity": (lambda entries: np.asarray(entries, float), lambda value: 1),
}


@primitive
def dense(inputs, weight, bias, activation, dtype):
    """``activation(inputs @ weight + bias)``, one node of autograd's tape.

    Only first derivatives are known.

    Parameters
    ----------
    inputs : array of shape (n, n_inputs)
        Rows.
    weight, bias : arrays of shape (n_inputs, n_outputs) and (n_outputs,)
        Of the layer.
    activation : {"tanh", "relu", "softplus", "identity"}
        Function of each entry.
    dtype : {"float64", "float32"}
        Precision of the product; derivatives leave in double precision.

    Returns
    -------
    outputs : array of shape (n, n_outputs)

    Examples
    --------
    >>> dense(np.ones((1, 2)), np.ones((2, 3)), np.ones(3), "identity", "float64").tolist()
    [[3.0, 3.0, 3.0]]
    """
    entries = np.asarray(inputs, dtype) @ np.asarray(weight, dtype)
    entries += np.asarray(bias, dtype)
    return ACTIVATIONS[activation][0](entries)


def dense_vjps(argnums, answer, arguments, _):
    """Pull-back to those of inputs, weight and bias that are on the tape."""
    inputs, weight, _, activation, dtype = arguments

    def pull_back(g):
        g = np.asarray(g, dtype) * ACTIVATIONS[activation][1](answer)
        to = (
            lambda: g @ np.asarray(weight, dtype).T,
            lambda: np.asarray(inputs, dtype).T @ g,
            lambda: np.sum(g, axis=0),
        )
        return tuple(np.asarray(to[argument](), float) for argument in argnums)

    return pull_back


defvjp_argnums(dense, dense_vjps)


def start_weight(n_inputs, n_outputs, rng):
    """Random weights that keep the variance of standardised inputs."""
    return rng.standard_normal((n_inputs, n_outputs)) / np.sqrt(n_inputs)


class DenseNetwork:
    """Dense layers, linear in the last, with a gradient that is written out.

    ``h_0 = x``, ``h_i = activation(h_(i-1) @ weight_i + bias_i)``; the output is
    ``h_L @ weight + bias``.  A network is never changed: :meth:`moved` returns another.

    Parameters
    ----------
    widths : tuple of int
        Numbers of inputs, of entries of each hidden layer, and of outputs.
    rng : numpy.random.Generator
        Of the weights that the network starts with; biases are zero.
    activation : {"tanh", "relu", "softplus"}, default="tanh"
        Function of each hidden entry.
    dtype : {"float64", "float32"}, default="float64"
        Precision of weights and values.

    Attributes
    ----------
    vector : array of shape (n_weights,)
        Weight and bias of the first layer, of the second and so on.
    widths : tuple of int
        As given.

    See Also
    --------
    skaws.decoders.MLP : Layers whose parameters a model learns.

    Examples
    --------
    One step downhill on the squared output:

    >>> network = DenseNetwork((2, 5, 1), np.random.default_rng(0))
    >>> values = network.forward(np.ones((3, 2)))
    >>> step = -0.01 * network.gradient(values, 2 * values[-1])
    >>> moved = network.moved(step).forward(np.ones((3, 2)))
    >>> bool(np.sum(moved[-1] ** 2) < np.sum(values[-1] ** 2))
    True
    """

    def __init__(self, widths, rng, activation="tanh", dtype="float64"):
        self.widths = tuple(widths)
        self.activation = activation
        parts = []
        for n_inputs, n_outputs in pairwise(self.widths):
            parts += [start_weight(n_inputs, n_outputs, rng).ravel(), np.zeros(n_outputs)]
        self.vector = np.concatenate(parts).astype(dtype)

    @property
    def layers(self):
        """Weight and bias of each layer: views of the vector, to read or to set."""
        start, layers = 0, []
        for n_inputs, n_outputs in pairwise(self.widths):
            middle = start + n_inputs * n_outputs
            weight = self.vector[start:middle].reshape(n_inputs, n_outputs)
            start = middle + n_outputs
            layers.append((weight, self.vector[middle:start]))
        return layers

    def forward(self, X):
        """Inputs, values of each hidden layer, and outputs, of the rows of X.

        Parameters
        ----------
        X : array of shape (n, n_inputs)
            Rows.

        Returns
        -------
        values : list of arrays of shape (n, width)
        """
        function, _ = ACTIVATIONS[self.activation]
        *hidden, (last_weight, last_bias) = self.layers
        values = [np.asarray(X, self.vector.dtype)]
        for weight, bias in hidden:
            entries = values[-1] @ weight
            entries += bias
            values.append(function(entries))
        values.append(values[-1] @ last_weight + last_bias)
        return values

    def gradient(self, values, slope):
        """Derivative, by the vector, of what has the derivative `slope` by the outputs.

        Parameters
        ----------
        values : list of arrays
            What :meth:`forward` returned.
        slope : array of shape (n, n_outputs)
            Derivative of a number by each output.

        Returns
        -------
        gradient : array of shape (n_weights,)
        """
        _, derivative = ACTIVATIONS[self.activation]
        layers, parts = self.layers, []
        for place in range(len(layers) - 1, -1, -1):
            parts += [slope.sum(axis=0), (values[place].T @ slope).ravel()]
            if place:
                slope = slope @ layers[place][0].T
                slope *= derivative(values[place])
        return np.concatenate(parts[::-1])

    def moved(self, step):
        """The network with `step` added to its vector."""
        other = copy(self)
        other.vector = self.vector + step
        return other
