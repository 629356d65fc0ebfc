"""One-dimensional kernel ridge regressions, one for each source, read into tables."""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.kernel_ridge import KernelRidge

from .kernel_ridge import KernelRegression

__all__ = ["FactorRegression", "Information"]

EDGE = 7.0  # of the tables, in units of asinh(estimate / median): 548 medians
N_NODES = 281
N_FIRST = 3  # updates that all fit anew
EVERY = 5  # of the later ones
LEAST_SHARE = 0.15  # of the latest fit in the tables
LEAST_INFORMATION_SHARE = 0.1
PRIOR_INFORMATION = 0.3  # of a step of the mixing, at the first update
OWN_PRIOR = 0.02
#: For much noise, whose expectations are smooth, and for little.
NARROW = (
    KernelRidge(alpha=0.1, kernel="precomputed", gamma=2.0),
    KernelRidge(alpha=0.03, kernel="precomputed", gamma=8.0),
)
LEAST_DETERMINANT = 1e-3  # of a block, relative to that of uncorrelated steps


class Places:
    """Where estimates of sources stand among the nodes of the tables.

    Parameters
    ----------
    coordinates : array of shape (n, k)
        Scaled estimates.
    weights : array of shape (n,)
        Weights of the rows; they sum to one.

    Attributes
    ----------
    histogram : array of shape (k, N_NODES)
        Share of the rows at each node, each row being split between its two neighbours.
    """

    def __init__(self, coordinates, weights):
        n_sources = coordinates.shape[1]
        place = (coordinates + EDGE) * ((N_NODES - 1) / (2 * EDGE))
        left = np.minimum(place.astype(np.intp), N_NODES - 2)
        self._share = place - left
        self._left = left + N_NODES * np.arange(n_sources)
        size, index = n_sources * N_NODES, self._left.ravel()
        right = weights[:, None] * self._share
        found = np.bincount(index, (weights[:, None] - right).ravel(), size)
        found += np.bincount(index + 1, right.ravel(), size)[:size]
        self.histogram = found.reshape(n_sources, N_NODES)

    def values(self, tables, owners=None):
        """Tables, (n_tables, N_NODES), at the places of their owners: (n, n_tables).

        `owners` None: there is one table for each source.
        """
        index, share, flat = self._left, self._share, tables.ravel()
        if owners is not None:
            own = N_NODES * (np.arange(len(owners)) - owners)
            index, share = index[:, owners] + own, share[:, owners]
        left = flat[index]
        return left + share * (flat[index + 1] - left)


class FactorRegression(BaseEstimator):
    """E[f(s_j) | estimate of s_j] of functions of single sources, as running tables.

    For each source j, kernel ridge regression from its estimates in simulations to what is
    asked of it; read at fixed nodes, and averaged over the fits of the last iterations.
    Nodes lie in ``asinh(estimate / median |estimate|)``: linear in the middle, logarithmic
    in the tails.  Estimates beyond those of all simulations count as the last of these.

    Parameters
    ----------
    regressor : KernelRidge, default=None
        None is one with :func:`skaws.regression.latent_kernel`, whose Gaussian part has a
        width of half or of a quarter of the inputs' deviation: that of less error in
        simulations that were not fitted, looked at again after 2, 4, 8, ... fits.
    n_fitted : int, default=100
        Simulations of each fit. Its errors average out over iterations, as the objective
        is calibrated for any table.

    Attributes
    ----------
    owners_ : array of shape (n_functions,)
        Source of each function.
    tables_ : array of shape (n_functions, N_NODES)
        Their predictions at the nodes.
    error_ : float
        Mean squared error of the first k functions in simulations that were not fitted,
        in units of their variance.
    information_ : Information
        In whose units a mixing moves.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> sources = rng.standard_normal((1000, 2))
    >>> estimates = sources + rng.standard_normal((1000, 2))
    >>> regression = FactorRegression()
    >>> regression.update(estimates, lambda rows: (sources[rows], np.arange(2)))
    >>> at_one = regression.places(np.ones((1, 2)), np.ones(1)).values(regression.tables_)
    >>> bool(np.all(abs(at_one - 0.5) < 0.2))  # E[s | s + noise = 1]
    True
    """

    def __init__(self, regressor=None, n_fitted=100):
        self.regressor = regressor
        self.n_fitted = n_fitted

    def update(self, estimates, functions):
        """Take in simulations: fit the functions on some of them, in most updates on none.

        Parameters
        ----------
        estimates : array of shape (n, k)
            Estimates of the sources.
        functions : callable
            ``functions(rows) -> (values, owners)``: what is to be predicted of these
            rows, (n_rows, n_functions), and the source that each is a function of. The
            first k are functions of sources 0 to k - 1, by which `error_` is measured.
        """
        self._n_updates = getattr(self, "_n_updates", 0) + 1
        if self._n_updates == 1:
            self.information_ = Information()
        if self._n_updates <= N_FIRST or self._n_updates % EVERY == 0:
            self._fit(estimates, functions)
        coordinates = self._coordinates(estimates)
        self._range = coordinates.min(axis=0), coordinates.max(axis=0)

    def places(self, estimates, weights):
        """The :class:`Places` of rows with these estimates, (n, k), and weights, (n,)."""
        return Places(np.clip(self._coordinates(estimates), *self._range), weights)

    def seen(self, estimates, weights, n_scores):
        """What is :class:`Seen` of rows with these estimates, (n, k), and weights, (n,)."""
        return Seen(self, estimates, weights, n_scores)

    def _coordinates(self, estimates):
        return np.clip(np.arcsinh(estimates / self._medians), -EDGE, EDGE)

    def _fit(self, estimates, functions):
        self._medians = np.maximum(np.median(np.abs(estimates), axis=0), 1e-300)
        n = min(self.n_fitted, len(estimates) // 2)
        values, self.owners_ = functions(slice(0, 2 * n))
        coordinates = self._coordinates(estimates[: 2 * n])
        held_out, k = Places(coordinates[n:], np.full(n, 1 / n)), estimates.shape[1]
        targets = values[n:, :k]
        self._n_fits = getattr(self, "_n_fits", 0) + 1
        if self._n_fits.bit_count() == 1:  # the first, second, fourth, eighth, ...
            fits = [
                (self._predictions(own, coordinates[:n], values[:n]), own)
                for own in (NARROW if self.regressor is None else [self.regressor])
            ]
            fresh, self._chosen = min(
                fits, key=lambda fit: relative_errors(held_out.values(fit[0][:k]), targets)
            )
        else:
            fresh = self._predictions(self._chosen, coordinates[:n], values[:n])
        if self._n_fits == 1:
            self.tables_ = fresh
        else:
            share = max(1 / self._n_fits, LEAST_SHARE)
            self.tables_ = self.tables_ + share * (fresh - self.tables_)
        self.error_ = relative_errors(held_out.values(self.tables_[:k]), targets)

    def _predictions(self, regressor, coordinates, values):
        """Predictions at the nodes by kernel ridge regressions, (n_functions, N_NODES)."""
        nodes, mean = np.linspace(-EDGE, EDGE, N_NODES)[:, None], values.mean(axis=0)
        found = np.empty((values.shape[1], N_NODES))
        for j in range(coordinates.shape[1]):
            regression = KernelRegression(regressor).fit(coordinates[:, [j]])
            index = np.flatnonzero(self.owners_ == j)
            dual = regression.solve(values[:, index] - mean[index])
            found[index] = (regression.kernel(nodes) @ dual + mean[index]).T
        return found


def relative_errors(predicted, targets):
    """Mean squared error of columns, in units of their variance; 1 where none varies."""
    variance = np.var(targets, axis=0)
    known = variance > 0
    shares = np.mean((targets - predicted) ** 2, axis=0)[known] / variance[known]
    return float(np.mean(shares)) if len(shares) else 1.0


class Information:
    """Running information of steps of a mixing, and of shifts and shapes of its sources.

    Relative steps of two sources towards each other have a block of two by two, and what
    moves one source alone a block of its own, as without noise (Cardoso & Laheld, 1996),
    but measured: on simulations, and on real rows where these scatter more widely, as
    sources do that do not fit their family.

    Attributes
    ----------
    roots : tuple of three arrays
        Inverse symmetric roots, after the first update: of the blocks of two, what of a
        step goes along (k, k) and what across (k, k), and of all that moves sources alone.
    """

    def __init__(self):
        self._n_updates = 0

    def update(self, simulated, observed):
        """Take in :class:`Seen` of simulations and of real rows."""
        self._n_updates += 1
        share = max(1 / self._n_updates, LEAST_INFORMATION_SHARE)
        own = 0.5 * (simulated.scores + observed.scores)
        more = np.diag(simulated.scores) - np.diag(own)
        fresh = [
            np.maximum(simulated.squares, observed.squares),
            simulated.crosses,
            own + np.diag(np.maximum(more, 0.0)),
        ]
        if self._n_updates > 1:
            before = [self._squares, self._crosses, self._scores]
            fresh = [
                old + share * (new - old) for old, new in zip(before, fresh, strict=True)
            ]
        self._squares, self._crosses, self._scores = fresh
        self.roots = self._inverse_roots()

    def _inverse_roots(self):
        prior = PRIOR_INFORMATION / self._n_updates
        forth, cross = self._squares + prior, self._crosses
        back = forth.T
        determinant = np.maximum(forth * back - cross**2, LEAST_DETERMINANT * forth * back)
        root = 1 / np.sqrt(determinant)
        total = np.sqrt((forth + back) / determinant + 2 * root)
        sizes, axes = np.linalg.eigh(self._scores + OWN_PRIOR * np.eye(len(self._scores)))
        along, across = (back / determinant + root) / total, -cross / determinant / total
        return along, across, (axes / np.sqrt(sizes)) @ axes.T


class Seen:
    """Means over rows of what the tables predict of them.

    Parameters
    ----------
    regression : FactorRegression
        With tables, of which the first k are the scores of shifts.
    estimates : array of shape (n, k)
        Estimates of the sources.
    weights : array of shape (n,)
        Weights of the rows; they sum to one.
    n_scores : int
        How many of the functions are scores.

    Attributes
    ----------
    means : array of shape (n_functions,)
        Mean prediction of each function.
    scores : array of shape (n_scores, n_scores)
        Covariance of the predicted scores of the same source.
    mixing, squares, crosses : arrays of shape (k, k)
        Mean score of a relative step of source j by source i, its mean square, and its
        mean product with that of the opposite step.
    variance : float
        Mean variance of the estimates.
    """

    def __init__(self, regression, estimates, weights, n_scores):
        places, owners = regression.places(estimates, weights), regression.owners_
        shares = places.histogram[owners]
        self.means = np.sum(shares * regression.tables_, axis=1)
        own, owners = regression.tables_[:n_scores], owners[:n_scores]
        products = (shares[:n_scores] * own) @ own.T
        products -= np.outer(self.means[:n_scores], self.means[:n_scores])
        self.scores = np.where(owners[:, None] == owners, products, 0.0)
        shifts = places.values(regression.tables_[: estimates.shape[1]])
        away = estimates - weights @ estimates
        weighted, both = weights[:, None] * shifts, away * shifts
        self.mixing = away.T @ weighted
        self.squares = (away**2).T @ (weighted * shifts)
        self.crosses = both.T @ (weights[:, None] * both)
        self.variance = float(np.mean(weights @ away**2))
