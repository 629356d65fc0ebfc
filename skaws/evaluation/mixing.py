"""How exactly rows tell the mixing of independent sources."""

import numpy as np
from sklearn.utils import gen_batches

from ..posteriors import LinearGaussian
from ..regression import FactorRegression
from ..simulations import simulate

__all__ = ["mixing_standard_errors"]

N_UPDATES, N_SIMULATIONS, N_FITTED = 60, 3000, 600
WIDENING = 5.0  # of the latents' variance
N_AT_ONCE = 2000  # rows
LEAST_INFORMATION = 1e-12  # relative to that of a score of unit variance


def mixing_standard_errors(
    model, params, X: np.ndarray, sample_weight: np.ndarray | None = None
):
    """Standard errors of a linear mixing that was fitted to rows by maximum likelihood.

    Within the span of the sources: the inverse of the information, which is the sum over
    rows of the outer product of scores; scores of relative steps, shifts, stretches and
    shapes are predicted from the linear estimates of sources, as the fit predicts them.
    Across the span: those of principal directions under noise.

    Parameters
    ----------
    model : LinearMixing
        One that ``factorises`` (:func:`skaws.models.source_factors.factorises`).
    params : nested dict of arrays
        Natural values, as fitted.
    X : array of shape (n_samples, n_features)
        The rows that it was fitted to; NaN marks a missing entry.
    sample_weight : array of shape (n_samples,), default=None
        A weight of two counts as a row that came twice.

    Returns
    -------
    errors : array of shape (n_components, n_features)
        Standard errors of ``mixing @ basis``.

    Notes
    -----
    The noise variance counts as known.  Where rows do not tell a direction, as between two
    Gaussian sources, the errors are large.  Cost: the fourth power of the number of sources
    for each row, besides half a second for simulations.

    Examples
    --------
    >>> from skaws.models import LinearMixing
    >>> from skaws.priors import Laplace
    >>> rng = np.random.default_rng(0)
    >>> model, mixing = LinearMixing(Laplace(2)), np.array([[1.0, 0, 1], [0, 2, 0]])
    >>> params = {"mixing": np.eye(2), "basis": mixing, "mean": np.zeros(3)}
    >>> params["noise_variance"] = 0.01
    >>> X = model.sample(params, 1000, rng)[1]
    >>> errors = mixing_standard_errors(model, params, X)
    >>> errors.shape, bool(np.all((0.02 < errors) & (errors < 0.08)))
    ((2, 3), True)
    """
    weights = np.ones(len(X)) if sample_weight is None else np.asarray(sample_weight, float)
    components = params["mixing"] @ params["basis"]
    scores = Scores(model, params, like=X)
    first = second = 0.0
    for rows in gen_batches(len(X), N_AT_ONCE):
        found, share = scores(X[rows]), weights[rows, None]
        first = first + np.sum(share * found, axis=0)
        second = second + found.T @ (share * found)
    information = second - np.outer(first, first) / np.sum(weights)
    units = np.sqrt(np.maximum(np.diag(information), LEAST_INFORMATION * np.sum(weights)))
    sizes, axes = np.linalg.eigh(information / np.outer(units, units))
    roots = axes / np.sqrt(np.maximum(sizes, LEAST_INFORMATION)) / units[:, None]
    roots = roots[scores.index]  # (k, k, n_scores), of relative steps of each source
    within = np.sum(np.einsum("ijp,jd->ipd", roots, components) ** 2, axis=1)
    return np.sqrt(within + across_the_span(components, params, X, weights))


class Scores:
    """Predicted scores of rows: of relative steps, then of what moves sources alone.

    Attributes
    ----------
    index : array of shape (k, k)
        Which of the scores is that of a step of source i by source j.
    """

    def __init__(self, model, params, like):
        rng = np.random.default_rng(0)
        self._regression = FactorRegression(n_fitted=N_FITTED)
        posterior, self._factors = LinearGaussian(WIDENING), model.factors(params)
        self._posterior = None
        for _ in range(N_UPDATES):
            drawn = simulate(model, params, N_SIMULATIONS, rng, like=like)
            self._posterior = posterior.fit(model, params, drawn, rng, self._posterior)
            self._regression.update(self._estimates(drawn.observations), self._of(drawn))
        k = len(params["mixing"])
        self._moving, self._by = np.nonzero(~np.eye(k, dtype=bool))
        self.index = np.diag(k + np.arange(k))  # stretches, after the shifts
        self.index[self._moving, self._by] = self._factors.n_scores + np.arange(k * (k - 1))

    def _estimates(self, X):
        return self._factors.sources(self._posterior.mean(X))

    def _of(self, drawn):
        truth = self._factors.sources(drawn.latents)
        known = getattr(self._regression, "owners_", None)
        return lambda rows: self._factors.functions(truth[rows], known)

    def __call__(self, X):
        estimates, n = self._estimates(X), self._factors.n_scores
        owners, tables = self._regression.owners_[:n], self._regression.tables_[:n]
        places = self._regression.places(estimates, np.full(len(X), 1 / len(X)))
        own = places.values(tables, owners)
        return np.hstack([own, estimates[:, self._moving] * own[:, self._by]])


def across_the_span(components, params, X, weights):
    """Squared errors of components in directions that no source has, (k, d)."""
    noise = params["noise_variance"] * np.ones(len(components.T))
    axes, sizes, directions = np.linalg.svd(components / np.sqrt(noise), False)
    of_each = axes**2 @ (1 + 1 / sizes**2)
    outside = np.maximum(1 - np.sum(directions**2, axis=0), 0.0)
    n_seen = np.maximum(weights @ ~np.isnan(X), 1.0)
    return np.outer(of_each, outside * noise / n_seen)
