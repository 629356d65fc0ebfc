"""Functions of an input, each with latents of its own."""

from itertools import pairwise

import autograd.numpy as anp
import numpy as np
from sklearn.utils.metaestimators import available_if

from ..moments import principal_scores, some_rows
from ..networks import ACTIVATIONS, dense, start_weight
from ..supports import Fixed
from .base import Decoder

__all__ = ["Curve"]

N_ROWS = 300  # of X, at most, for the start
RIDGE = 1e-2  # of the last layer's start, a row
STEEP = 3.0  # weights of inputs at the start, beside those that keep the variance
FLAT = 0.3  # the same of latents


class Curve(Decoder):
    """Network of latents and an input: a row is a function, seen at known inputs.

    ``location[i, t] = h(z_i, inputs[t]) @ (w + W @ z_i) + b``: the last hidden layer h is
    weighed by the latents, so that sums of latents times functions of the input, such as
    Gaussian processes, need no more than one layer.  Weights belong to latents and to
    inputs, not to columns: what was learnt on one grid predicts on another, by the same
    params in a model with ``Curve(other_inputs)``.  Missing entries of a row are inputs at
    which the function was not asked: rows with inputs of their own stand in a table whose
    columns are all of these inputs, with NaN elsewhere.

    Parameters
    ----------
    inputs : array-like of shape (n_features,) or (n_features, n_inputs)
        Input of each column of X: times, places, pixels.
    hidden : tuple of int, default=(50, 50)
        Widths of the hidden layers, one at least.
    activation : {"tanh", "relu", "softplus"}, default="tanh"
        Function of each hidden entry.
    weight_sd : float, default=None
        Standard deviation of a Gaussian prior on the weights, above 0; None: no prior.

    Raises
    ------
    ValueError
        If an argument is none of these, or X has another number of columns than there are
        `inputs`.

    See Also
    --------
    MLP : A network with outputs of its own for each column.

    Notes
    -----
    Inputs are standardised; ``centre`` and ``scale`` stand among the params and stay where
    they start, so that they go along to another grid.

    A fit draws real latents from linear estimates
    (:class:`skaws.posteriors.LinearGaussian`), of which importance weights choose.

    Compare it with :class:`skaws.AmortisedFactorAnalysis` where all rows share a grid: a
    Gaussian process is then linear in its factors.

    Garnelo et al. (2018), *Neural processes*: there the latent of a context is the output
    of an encoder; here it has a posterior.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> decoder = Curve(np.linspace(0, 1, 12), hidden=(10,))
    >>> params = decoder.init_params(rng.standard_normal((30, 12)), 2, rng)
    >>> decoder.location(params, np.zeros((5, 2))).shape
    (5, 12)
    >>> Curve(np.linspace(0, 1, 50), hidden=(10,)).location(params, np.zeros((5, 2))).shape
    (5, 50)
    """

    def __init__(self, inputs, hidden=(50, 50), activation="tanh", weight_sd=None):
        if activation not in ACTIVATIONS or activation == "identity":
            names = [name for name in ACTIVATIONS if name != "identity"]
            raise ValueError(f"activation must be one of {names}; got {activation!r}.")
        if len(hidden) == 0:
            raise ValueError("hidden must have one width at least; got ().")
        if weight_sd is not None and weight_sd <= 0:
            raise ValueError(f"weight_sd must be above 0, or None; got {weight_sd!r}.")
        self.inputs = inputs
        self.hidden = hidden
        self.activation = activation
        self.weight_sd = weight_sd

    @property
    def constraints(self):
        return {"centre": Fixed(), "scale": Fixed()}

    def _grid(self):
        """Inputs as a table, (n_features, n_inputs)."""
        grid = np.asarray(self.inputs, dtype=float)
        grid = grid[:, None] if grid.ndim == 1 else grid
        if grid.ndim != 2 or not np.all(np.isfinite(grid)):
            raise ValueError(
                "inputs must be finite numbers, one or a row of them for each column; "
                f"got an array of shape {np.shape(self.inputs)}."
            )
        return grid

    def init_params(self, X, n_latents, rng):
        grid = self._grid()
        if len(grid) != X.shape[1]:
            raise ValueError(
                f"Curve has {len(grid)} inputs, but X has {X.shape[1]} columns. Give an "
                "input for each column."
            )
        scale = grid.std(axis=0)
        params = {"centre": grid.mean(axis=0), "scale": np.where(scale > 0, scale, 1.0)}
        places = (grid - params["centre"]) / params["scale"]
        widths = (n_latents + grid.shape[1], *self.hidden)
        for i, (fan_in, fan_out) in enumerate(pairwise(widths)):
            weight = start_weight(fan_in, fan_out, rng)
            bias = rng.standard_normal(fan_out)
            if i == 0:
                # Each unit bends at one of the inputs, and hardly with the latents: the
                # function starts near linear in these.
                weight[n_latents:] *= STEEP
                weight[:n_latents] *= FLAT
                at = places[rng.integers(len(places), size=fan_out)]
                bias = -np.sum(at * weight[n_latents:].T, axis=1)
            params[str(i)] = {"weight": weight, "bias": bias}
        rows = some_rows(X)[:N_ROWS]
        latents = principal_scores(rows, n_latents, rng)
        seen = ~np.isnan(rows.ravel())
        values = self._hidden(params, latents)
        values = self._products(values, latents)[seen]
        targets = rows.ravel()[seen]
        mean, centre = values.mean(axis=0), targets.mean()
        gram = (values - mean).T @ (values - mean) + RIDGE * len(values) * np.eye(
            values.shape[1]
        )
        weight = np.linalg.solve(gram, (values - mean).T @ (targets - centre))
        weight = weight.reshape(-1, 1 + n_latents)
        last = {"weight": weight, "bias": np.array([centre - mean @ weight.ravel()])}
        return {**params, str(len(self.hidden)): last}

    def _hidden(self, params, latents):
        """The last hidden layer of every pair, (n * n_features, width)."""
        n_latents, first = latents.shape[1], params["0"]
        grid = (self._grid() - params["centre"]) / params["scale"]
        # The first layer is a sum over latents and inputs: no table of all pairs of them.
        of_inputs = anp.dot(grid, first["weight"][n_latents:]) + first["bias"]
        of_latents = anp.tile(first["weight"][:n_latents], (1, len(grid)))
        values = dense(
            latents, of_latents, anp.ravel(of_inputs), self.activation, "float64"
        )
        values = anp.reshape(values, (-1, len(first["bias"])))
        for i in range(1, len(self.hidden)):
            layer = params[str(i)]
            values = dense(
                values, layer["weight"], layer["bias"], self.activation, "float64"
            )
        return values

    @staticmethod
    def _products(values, latents):
        """Products of the last hidden layer and (1, latents), a row for each pair."""
        n, k = latents.shape
        slopes = np.hstack([np.ones((n, 1)), latents])
        found = values.reshape(n, -1, values.shape[1], 1) * slopes[:, None, None]
        return found.reshape(len(values), -1)

    def location(self, params, latents):
        last = params[str(len(self.hidden))]
        values = self._hidden(params, latents)
        n, width = len(latents), values.shape[1]
        weight = last["weight"]
        own = weight[:, 0] + anp.dot(latents, weight[:, 1:].T)
        values = anp.reshape(values, (n, -1, width))
        return anp.matmul(values, own[:, :, None])[:, :, 0] + last["bias"]

    @available_if(lambda self: self.weight_sd is not None)
    def log_prior(self, params):
        """Log density of the weights, up to a constant."""
        total = sum(
            anp.sum(params[str(i)]["weight"] ** 2) for i in range(len(self.hidden) + 1)
        )
        return -0.5 * total / self.weight_sd**2

    def in_units(self, step, scale):
        """Steps of the last layer are in units of the noise, the others as they are."""
        last = str(len(self.hidden))
        unit = np.mean(scale)  # one output for all columns
        return {**step, last: {name: own * unit for name, own in step[last].items()}}
