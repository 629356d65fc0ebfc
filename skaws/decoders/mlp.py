"""A neural network."""

from itertools import pairwise

import autograd.numpy as anp
import numpy as np
from sklearn.utils.metaestimators import available_if

from ..moments import column_moments, principal_scores, some_rows
from ..networks import ACTIVATIONS, dense, start_weight
from .base import Decoder

__all__ = ["MLP"]


class MLP(Decoder):
    """Multi-layer perceptron: dense layers, linear in the last.

    ``h_0 = z``, ``h_i = activation(h_(i-1) @ weight_i + bias_i)``; the location is
    ``h_L @ weight + bias``.  A network can map latents to any curve or surface: use it
    where latents are few, and :class:`Linear` where a linear map will do.

    The hidden layers start at random, the last one at the ridge regression of X on them,
    with standardised principal component scores of X in place of the latents.

    Parameters
    ----------
    hidden : tuple of int, default=(50,)
        Widths of the hidden layers.
    activation : {"tanh", "relu", "softplus", "identity"}, default="tanh"
        Function of each hidden entry.
    dtype : {"float64", "float32"}, default="float64"
        Precision of the layers.  "float32" is faster where layers are wide; params stay
        in double precision.
    weight_sd : float, default=None
        Standard deviation of a Gaussian prior on the weights (not on biases), above 0; fits
        are then maximum a posteriori.  Choose it by held-out score where rows are few.
        None: no prior.  The last layer's weights are in units of the columns of X.

    Raises
    ------
    ValueError
        If the activation is none of these, or `weight_sd` is not above 0.

    Notes
    -----
    Each layer is one node on autograd's tape with its derivative written out, for first
    derivatives only.  Params of layer i stand under ``str(i)``.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> decoder = MLP(hidden=(10,))
    >>> params = decoder.init_params(rng.standard_normal((30, 4)), 2, rng)
    >>> decoder.location(params, np.zeros((5, 2))).shape
    (5, 4)
    """

    def __init__(self, hidden=(50,), activation="tanh", dtype="float64", weight_sd=None):
        if activation not in ACTIVATIONS:
            raise ValueError(
                f"activation must be one of {[*ACTIVATIONS]}; got {activation!r}."
            )
        if weight_sd is not None and weight_sd <= 0:
            raise ValueError(f"weight_sd must be above 0, or None; got {weight_sd!r}.")
        self.hidden = hidden
        self.activation = activation
        self.dtype = dtype
        self.weight_sd = weight_sd

    def init_params(self, X, n_latents, rng):
        rows = some_rows(X)
        layers, values = [], principal_scores(rows, n_latents, rng)
        rows = np.where(np.isnan(rows), column_moments(X)[0], rows)
        for fan_in, fan_out in pairwise((n_latents, *self.hidden)):
            weight = start_weight(fan_in, fan_out, rng)
            layers.append({"weight": weight, "bias": 0.5 * rng.standard_normal(fan_out)})
            values = self._layer(values, layers[-1], self.activation)
        mean, centre = values.mean(axis=0), rows.mean(axis=0)
        gram = (values - mean).T @ (values - mean) + 1e-2 * len(rows) * np.eye(len(mean))
        weight = np.linalg.solve(gram, (values - mean).T @ (rows - centre))
        layers.append({"weight": weight, "bias": centre - mean @ weight})
        return {str(i): layer for i, layer in enumerate(layers)}

    def location(self, params, latents):
        latents, weight, bias = self.last_layer(params, latents)
        return dense(latents, weight, bias, "identity", self.dtype)

    def last_layer(self, params, latents):
        """The last hidden layer, and weight and bias that make locations of it."""
        *hidden, last = params.values()
        for layer in hidden:
            latents = self._layer(latents, layer, self.activation)
        return latents, last["weight"], last["bias"]

    def in_units(self, step, scale):
        """Steps of the last layer are in units of the noise, the others as they are."""
        last = str(len(self.hidden))
        return {**step, last: {name: own * scale for name, own in step[last].items()}}

    @available_if(lambda self: self.weight_sd is not None)
    def log_prior(self, params):
        """Log density of the weights, up to a constant."""
        total = sum(anp.sum(layer["weight"] ** 2) for layer in params.values())
        return -0.5 * total / self.weight_sd**2

    def _layer(self, inputs, layer, activation):
        return dense(inputs, layer["weight"], layer["bias"], activation, self.dtype)
