"""Regression on nothing: every simulation weighs the same."""

import numpy as np
from sklearn.base import BaseEstimator

from .kernel_ridge import MeanWeights

__all__ = ["MeanRegression"]


class MeanRegression(BaseEstimator):
    """Conditional means taken for constants: the plain mean over simulations.

    It is :class:`KernelRegression` with a constant kernel, at no cost in the number of
    simulations.  With draws for a baseline
    (:class:`skaws.posteriors.SharedResiduals`) the objective is then
    calibrated - at the truth its gradient is zero in the mean - but no longer exactly the
    log-likelihood's elsewhere.

    Examples
    --------
    >>> MeanRegression().fit(np.zeros((4, 1))).mean_weights(np.zeros((2, 1))).tolist()
    [0.25, 0.25, 0.25, 0.25]
    """

    def fit(self, inputs):
        """Take simulated `inputs`, shape (n, n_inputs)."""
        self._n_simulations = len(inputs)
        self._mean_square = float(np.mean(inputs**2))
        return self

    def weights(self, X):
        """Weights of each simulation for each row of X, shape (m, n)."""
        return np.full((len(X), self._n_simulations), 1 / self._n_simulations)

    def mean_weights(self, X, row_weights=None):
        """Weighted mean over the rows of :meth:`weights`, shape (n,)."""
        total = 1.0 if row_weights is None else np.sum(row_weights)
        return np.full(self._n_simulations, total / self._n_simulations)

    def mean_weights_and_error(self, X, row_weights, targets):
        """:meth:`mean_weights`, and an error of 1: that of the mean."""
        return MeanWeights(self.mean_weights(X, row_weights), 1.0)

    def distance(self, X, row_weights=None):
        """Mean square of inputs X relative to that of the simulated ones."""
        squared = np.average(np.mean(X**2, axis=1), weights=row_weights)
        return float(squared / (self._mean_square or 1.0))
