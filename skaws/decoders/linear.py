"""Linear maps: with an offset, of non-negative components, or from time to time."""

import warnings

import autograd.numpy as anp
import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from ..moments import column_moments, column_units
from ..supports import Positive, Real
from .base import Decoder
from .parts import distinct_rows, parts_by_nndsvd

__all__ = ["Linear", "LinearDynamics"]

# What non-negative components start from: parts of the rows.
STARTS = {"nndsvd": parts_by_nndsvd, "rows": distinct_rows}


class Linear(Decoder):
    """Location ``mean + z @ components``, or ``z @ components`` of non-negative parts.

    Starts at the probabilistic principal components of the standardised columns; with
    non-negative components, halfway between the mean row and distinct parts of the rows.

    Parameters
    ----------
    nonnegative : bool, default=False
        Whether components are positive, and without offset. Locations are positive where
        latents are, labels included.
    start : {"nndsvd", "rows"}, default="nndsvd"
        What non-negative components start from: the non-negative double singular value
        decomposition, or rows drawn by k-means++ (different at each call).

    Raises
    ------
    ValueError
        If "start must be one of" these and is not.

    Examples
    --------
    >>> params = {"components": np.ones((1, 3)), "mean": np.zeros(3)}
    >>> Linear().location(params, np.array([[2.0]])).tolist()
    [[2.0, 2.0, 2.0]]
    """

    def __init__(self, nonnegative=False, start="nndsvd"):
        if start not in STARTS:
            raise ValueError(f"start must be one of {[*STARTS]}; got {start!r}.")
        self.nonnegative = nonnegative
        self.start = start

    @property
    def constraints(self):
        return {"components": Positive()} if self.nonnegative else {}

    def location_support(self, latent_support):
        positive = self.nonnegative and latent_support.is_within(Positive())
        return Positive() if positive else Real()

    def init_params(self, X, n_latents, rng):
        if self.nonnegative:
            return {"components": nonnegative_start(X, n_latents, self.start, rng)}
        mean, sd = column_moments(X)
        scale = np.where(sd > 0, sd, 1.0)
        Z = np.where(np.isnan(X), 0.0, (X - mean) / scale)
        n_features = X.shape[1]
        variances, directions = np.linalg.eigh(Z.T @ Z / len(Z))
        variances, directions = variances[::-1], directions[:, ::-1]
        n_kept = min(n_latents, n_features)
        rest = variances[n_kept:].mean() if n_kept < n_features else 0.0
        loadings = np.sqrt(np.maximum(variances[:n_kept] - rest, 0.0))
        # A latent without a direction of its own would sit on a saddle at zero.
        components = 0.01 * rng.standard_normal((n_latents, n_features))
        components[:n_kept] += loadings[:, None] * directions[:, :n_kept].T
        return {"components": components * sd, "mean": mean}

    def init_labels(self, X, n_labels, rng):
        """Means of clusters: where rows vary most is not where labels part."""
        if self.nonnegative:
            parts = nonnegative_start(X, n_labels, self.start, rng)
            return {"components": n_labels * parts}  # one label at a time
        mean, scale = column_units(X)
        rows = np.where(np.isnan(X), 0.0, (X - mean) / scale)
        k_means = KMeans(n_labels, n_init=10, random_state=int(rng.integers(2**31)))
        # On few rows threads mostly wait for each other; fewer distinct rows than labels
        # are told of elsewhere.
        with threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            centres = k_means.fit(rows).cluster_centers_
        return {"components": centres * scale, "mean": mean}

    def location(self, params, latents):
        product = anp.dot(latents, params["components"])
        return product if self.nonnegative else product + params["mean"]

    def linear_map(self, params):
        components = params["components"]
        mean = np.zeros(components.shape[1]) if self.nonnegative else params["mean"]
        return mean, components

    def last_layer(self, params, latents):
        """The latents themselves, and what makes locations of them."""
        mean, components = self.linear_map(params)
        return latents, components, mean

    def in_units(self, step, scale):
        # Positive components move by factors, whatever the units.
        if self.nonnegative:
            return step
        return {name: value * scale for name, value in step.items()}


class LinearDynamics(Decoder):
    """Where latents are expected a time later, ``transition @ z``.

    It starts at a multiple of the identity, whatever X is.  Params are ``transition``,
    shape (n_latents, n_latents).

    Parameters
    ----------
    start : float, default=0.9
        What each latent is multiplied by at the start.

    See Also
    --------
    skaws.models.StateSpaceModel : What it is a part of.

    Examples
    --------
    >>> turn = {"transition": np.array([[0.0, -1.0], [1.0, 0.0]])}
    >>> LinearDynamics().location(turn, np.array([[1.0, 0.0]])).tolist()
    [[0.0, 1.0]]
    """

    def __init__(self, start=0.9):
        self.start = start

    def init_params(self, X, n_latents, rng):
        return {"transition": self.start * np.eye(n_latents)}

    def location(self, params, latents):
        return anp.dot(latents, anp.transpose(params["transition"]))

    def linear_map(self, params):
        components = np.transpose(params["transition"])
        return np.zeros(len(components)), components


def nonnegative_start(X, n_latents, start, rng):
    """Positive components, (n_latents, n_features), for latents of mean one.

    Each is half of a part of the rows and half of their mean, and all are of one size, so
    that together they predict the mean row.
    """
    mean = np.maximum(column_moments(X)[0], 0.0)
    filled = np.maximum(np.where(np.isnan(X), mean, X), 0.0)
    total = mean.sum() or 1.0  # for a table of zeros
    parts = STARTS[start](filled, n_latents, rng) + 1e-9 * (
        mean + 1e-9 * total
    )  # none is zero
    parts = parts * (total / parts.sum(axis=1, keepdims=True))
    components = (parts + mean) / (2 * n_latents)
    return np.maximum(components, 1e-3 * total / components.size)
