"""Functions of an input, each with latents of its own."""

from itertools import pairwise

import autograd.numpy as anp
import numpy as np
from autograd.tracer import getval
from sklearn.utils.metaestimators import available_if

from ..moments import principal_scores, some_rows
from ..networks import ACTIVATIONS, dense, start_weight
from ..supports import Fixed
from .base import Decoder

__all__ = ["Curve"]

N_ROWS = 300  # of X, at most, for the start
N_PLACES = 50  # at most, that functions with inputs of their own are compared at
RIDGE = 1e-2  # of the last layer's start, a row
STEEP = 3.0  # weights of inputs at the start, beside those that keep the variance
FLAT = 0.3  # the same of latents


class Curve(Decoder):
    """Network of latents and an input: a row is a function, seen at known inputs.

    ``location[i, t] = h(z_i, s_t) @ (w + W @ z_i) + b`` at the inputs ``s``: the last
    hidden layer h is weighed by the latents, so that sums of latents times functions of the
    input, such as Gaussian processes, need no more than one layer.  Weights belong to
    latents and to inputs, not to columns: what was learnt on one grid predicts on another,
    by the same params in a model with ``Curve(other_inputs)``.  Missing entries of a row
    are inputs at which the function was not asked.

    Where each row has inputs of its own, ``Curve(None)`` takes them from the given columns,
    ``fit(X, given=inputs)``.  Rows with fewer entries than others end with NaN in X, and
    with any finite numbers in `given`.

    Parameters
    ----------
    inputs : array-like of shape (n_features,) or (n_features, n_inputs), or None
        Input of each column of X: times, places, pixels. None: given columns hold those of
        each row, shape (n_samples, n_features * n_inputs), those of an entry side by side.
    hidden : tuple of int, default=(50, 50)
        Widths of the hidden layers, one at least.
    activation : {"tanh", "relu", "softplus"}, default="tanh"
        Function of each hidden entry.
    weight_sd : float, default=None
        Standard deviation of a Gaussian prior on the weights, above 0; None: no prior.

    Raises
    ------
    ValueError
        If an argument is none of these, X has another number of columns than there are
        `inputs`, or given columns hold no inputs of its columns.

    See Also
    --------
    MLP : A network with outputs of its own for each column.

    Notes
    -----
    Inputs are standardised; ``centre`` and ``scale`` stand among the params and stay where
    they start, so that they go along to another grid.

    A fit draws real latents from linear estimates, of which importance weights choose: from
    one map for all rows (:class:`skaws.posteriors.LinearGaussian`), or, where each row has
    inputs of its own, from the network made linear for each
    (:class:`skaws.posteriors.Linearised`).

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

    Five rows at three inputs of their own:

    >>> latents_and_inputs = np.hstack([np.zeros((5, 2)), rng.uniform(size=(5, 3))])
    >>> Curve(None, hidden=(10,)).location(params, latents_and_inputs).shape
    (5, 3)
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

    def init_params(self, X, n_latents, rng, given=None):
        n_given = 0 if given is None else given.shape[1]
        if self.inputs is None:
            rows, places = self._rows_and_inputs(X, given)
        else:
            rows, places = some_rows(X)[:N_ROWS], self._grid()[None]
            n_latents += n_given  # which are latents that are known
        if places.shape[1] != X.shape[1]:
            raise ValueError(
                f"Curve has {places.shape[1]} inputs, but X has {X.shape[1]} columns. Give "
                "an input for each column."
            )
        table = places.reshape(-1, places.shape[2])
        scale = table.std(axis=0)
        params = {"centre": table.mean(axis=0), "scale": np.where(scale > 0, scale, 1.0)}
        places = (places - params["centre"]) / params["scale"]
        table = places.reshape(-1, places.shape[2])
        widths = (n_latents + table.shape[1], *self.hidden)
        for i, (fan_in, fan_out) in enumerate(pairwise(widths)):
            weight = start_weight(fan_in, fan_out, rng)
            bias = rng.standard_normal(fan_out)
            if i == 0:
                # Each unit bends at one of the inputs, and hardly with the latents: the
                # function starts near linear in these.
                weight[n_latents:] *= STEEP
                weight[:n_latents] *= FLAT
                at = table[rng.integers(len(table), size=fan_out)]
                bias = -np.sum(at * weight[n_latents:].T, axis=1)
            params[str(i)] = {"weight": weight, "bias": bias}
        on_grid = rows if len(places) == 1 else nearest_values(rows, places, rng)
        latents = principal_scores(on_grid, n_latents, rng)
        seen = ~np.isnan(rows.ravel())
        values = self._products(self._hidden(params, latents, places), latents)[seen]
        targets = rows.ravel()[seen]
        mean, centre = values.mean(axis=0), targets.mean()
        gram = (values - mean).T @ (values - mean) + RIDGE * len(values) * np.eye(
            values.shape[1]
        )
        weight = np.linalg.solve(gram, (values - mean).T @ (targets - centre))
        weight = weight.reshape(-1, 1 + n_latents)
        last = {"weight": weight, "bias": np.array([centre - mean @ weight.ravel()])}
        return {**params, str(len(self.hidden)): last}

    @staticmethod
    def _rows_and_inputs(X, given):
        """Some rows, and their inputs, (n, n_features, n_inputs)."""
        n_given = 0 if given is None else given.shape[1]
        if n_given == 0 or n_given % X.shape[1]:
            raise ValueError(
                "Curve(None) needs the inputs of each row as given columns: pass given=, "
                f"an array of shape (n_samples, {X.shape[1]} * n_inputs) for the "
                f"{X.shape[1]} columns of X; got {n_given} given columns."
            )
        rows = some_rows(np.hstack([X, given]))[:N_ROWS]
        own, given = rows[:, : X.shape[1]], rows[:, X.shape[1] :]
        return own, given.reshape(len(own), X.shape[1], -1)

    def _places(self, params, latents):
        """Latents, and standardised inputs of all rows or of each: (1 or n, d, p)."""
        n_latents = params[str(len(self.hidden))]["weight"].shape[1] - 1
        if self.inputs is None:
            n_inputs = len(params["centre"])
            places = getval(latents)[:, n_latents:].reshape(len(latents), -1, n_inputs)
            latents = latents[:, :n_latents]
        else:
            places = self._grid()[None]
        return latents, (places - params["centre"]) / params["scale"]

    def _hidden(self, params, latents, places):
        """The last hidden layer of every pair, (n * n_features, width)."""
        n_latents, first = latents.shape[1], params["0"]
        weight, bias = first["weight"], first["bias"]
        n_features, n_inputs = places.shape[1:]
        how = self.activation, "float64"
        if len(places) == 1:
            # The first layer is a sum over latents and inputs: no table of all pairs.
            of_inputs = anp.dot(places[0], weight[n_latents:]) + bias
            of_latents = anp.tile(weight[:n_latents], (1, n_features))
            values = dense(latents, of_latents, anp.ravel(of_inputs), *how)
            values = anp.reshape(values, (-1, len(bias)))
        else:
            repeated = anp.repeat(latents, n_features, axis=0)
            pairs = anp.hstack([repeated, places.reshape(-1, n_inputs)])
            values = dense(pairs, weight, bias, *how)
        for i in range(1, len(self.hidden)):
            layer = params[str(i)]
            values = dense(values, layer["weight"], layer["bias"], *how)
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
        latents, places = self._places(params, latents)
        values = self._hidden(params, latents, places)
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


def nearest_values(rows, places, rng):
    """Rows (n, d) at inputs of their own, on common ones: the nearest entries."""
    table = places.reshape(-1, places.shape[2])
    grid = table[rng.integers(len(table), size=min(N_PLACES, places.shape[1]))]
    missing, columns = np.isnan(rows), []
    for place in grid:
        distance = np.sum((places - place) ** 2, axis=2)
        nearest = np.argmin(np.where(missing, np.inf, distance), axis=1)
        columns.append(rows[np.arange(len(rows)), nearest])
    return np.transpose(columns)
