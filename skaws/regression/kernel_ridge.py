"""Kernel ridge regression as weights w(x) with E[f(z, x) | x] = sum_n w_n(x) f_n."""

from functools import cache
from typing import NamedTuple

import numpy as np
from sklearn import config_context
from sklearn.base import BaseEstimator, clone
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import pairwise_kernels
from sklearn.utils import gen_batches

from ..moments import column_units

__all__ = ["KernelRegression", "MeanWeights", "default_regressor", "latent_kernel"]

N_ROWS_AT_ONCE = 256  # a block of kernel values that stays in the cache
N_PROBES = 4


class MeanWeights(NamedTuple):
    """Weights averaged over rows, and how well they predict."""

    weights: np.ndarray
    error: float


def default_regressor():
    """Kernel ridge regression with :func:`latent_kernel` ("precomputed") and alpha=1."""
    return KernelRidge(alpha=1.0, kernel="precomputed")


def latent_kernel(A, B, gamma=None, coef0=1.0):
    """Constant, linear and Gaussian parts: ``coef0 + a.b / k + exp(-gamma |a - b|^2)``.

    The constant and the linear part spare most of the shrinkage that a Gaussian kernel
    alone would cause (k is the number of columns).

    Parameters
    ----------
    A, B : arrays of shape (m, k), (n, k)
        Columns of about unit standard deviation.
    gamma : float, default=None
        Sharpness of the Gaussian part; None is ``1 / 2k``.
    coef0 : float, default=1.0
        Constant part.

    Returns
    -------
    kernel : array of shape (m, n)

    Examples
    --------
    >>> latent_kernel(np.zeros((1, 2)), np.zeros((1, 2))).tolist()
    [[2.0]]
    """
    n_columns = A.shape[1]
    gamma = 0.5 / n_columns if gamma is None else gamma
    inner_A, inner_B = extended(A, 1.0), extended(B / n_columns, coef0)
    norm_A, norm_B = np.einsum("ij,ij->i", A, A), np.einsum("ij,ij->i", B, B)
    # Norms travel inside the product: two products, one exp and one sum are all.
    sharp_B = extended(B / n_columns * (2 * gamma * n_columns), -gamma * norm_B)
    kernel = extended(inner_A, -gamma * norm_A) @ extended(sharp_B, 1.0).T
    np.exp(kernel, out=kernel)
    kernel += inner_A @ inner_B.T
    return kernel


def extended(A, column):
    """A with one more column."""
    wider = np.empty((A.shape[0], A.shape[1] + 1))
    wider[:, :-1] = A
    wider[:, -1] = column
    return wider


class KernelRegression(BaseEstimator):
    """Kernel ridge regression, linear in its targets, read as a matrix of weights.

    Columns of the inputs are centred and scaled to unit standard deviation over the
    inputs it is fitted on.

    Parameters
    ----------
    regressor : KernelRidge, default=None
        Its kernel, named as in :func:`sklearn.metrics.pairwise.pairwise_kernels`, is
        evaluated on the scaled inputs; "precomputed" stands for ``coef0 + a.b / k +
        exp(-gamma |a - b|^2)`` over k columns, with a gamma of ``1 / 2k`` for None. None
        is ``KernelRidge(alpha=1.0, kernel="precomputed")``.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> inputs = rng.standard_normal((500, 1))
    >>> regression = KernelRegression().fit(inputs)
    >>> weights = regression.weights(np.array([[0.5]]))
    >>> estimate = weights @ inputs[:, 0] ** 2  # E[x**2 | x = 0.5]
    >>> bool(abs(estimate[0] - 0.25) < 0.02)
    True
    """

    def __init__(self, regressor=None):
        self.regressor = regressor

    def __getstate__(self):
        # What it was fitted on is of one sleep phase only, and large.
        own = super().__getstate__().items()
        return {name: value for name, value in own if name in self.get_params(False)}

    def fit(self, inputs):
        """Take simulated `inputs`, shape (n, n_inputs)."""
        own = default_regressor() if self.regressor is None else self.regressor
        self.kernel_ridge_ = own
        self._ridge = clone(own).set_params(kernel="precomputed")
        self.mean_, self.scale_ = column_units(inputs)
        self.inputs_ = (inputs - self.mean_) / self.scale_
        self.gram_ = self._kernel(self.inputs_, self.inputs_)
        return self

    def kernel(self, X):
        """Kernel of each row of inputs X with each simulation, shape (m, n)."""
        return self._kernel(self._scaled(X), self.inputs_)

    def weights(self, X):
        """Weights of each simulation for each row of inputs X, shape (m, n)."""
        return self.solve(self.kernel(X).T).T

    def mean_weights(self, X, row_weights=None):
        """Weighted mean over the rows of :meth:`weights`, by one solve, shape (n,).

        `row_weights`, shape (m,), default to 1/m each.
        """
        return self.solve(self._mean_kernel(self._scaled(X), row_weights))

    def mean_weights_and_error(self, X, row_weights, targets):
        """:meth:`mean_weights` and the error for `targets`, still by one solve.

        The error is that of generalised cross-validation (Golub, Heath & Wahba, 1979:
        leave-one-out with every leverage replaced by their mean), with the trace of
        Hutchinson (1990) on a few fixed probes.  See :meth:`leave_one_out_error`.
        """
        probes = fixed_probes(len(self.inputs_))
        mean_kernel = self._mean_kernel(self._scaled(X), row_weights)
        solved = self.solve(np.column_stack([mean_kernel, targets, probes]))
        diagonal = np.mean(probes * solved[:, 2:])
        return MeanWeights(solved[:, 0], relative_error(solved[:, 1] / diagonal, targets))

    def leave_one_out_error(self, targets):
        """Mean squared leave-one-out error of `targets`, in units of their variance.

        1 means no better than predicting the mean; computed in closed form, at the
        cost of an inverse.
        """
        solved = self.solve(np.column_stack([targets, np.eye(len(targets))]))
        return relative_error(solved[:, 0] / np.diagonal(solved[:, 1:]), targets)

    def distance(self, X, row_weights=None):
        """How far inputs X lie from the simulated ones: their mean squared length.

        In units of the simulated inputs' own, so that 1 means that X spreads like the
        simulations do.
        """
        squared = np.mean(self._scaled(X) ** 2, axis=1)
        return float(np.average(squared, weights=row_weights))

    def _scaled(self, X):
        return (X - self.mean_) / self.scale_

    def _kernel(self, A, B):
        own = self.kernel_ridge_
        if own.kernel == "precomputed":
            return latent_kernel(A, B, own.gamma, own.coef0)
        if callable(own.kernel):
            options = own.kernel_params or {}
        else:
            options = {"gamma": own.gamma, "degree": own.degree, "coef0": own.coef0}
        return pairwise_kernels(A, B, metric=own.kernel, filter_params=True, **options)

    def _mean_kernel(self, rows, row_weights):
        n_rows = len(rows)
        row_weights = np.full(n_rows, 1 / n_rows) if row_weights is None else row_weights
        total = np.zeros(len(self.inputs_))
        for block in gen_batches(n_rows, N_ROWS_AT_ONCE):
            total += row_weights[block] @ self._kernel(rows[block], self.inputs_)
        return total

    def solve(self, targets):
        """Dual coefficients of `targets`, shape (n,) or (n, n_targets).

        Raises
        ------
        FloatingPointError
            If inputs or targets are not finite.
        """
        # SciPy looks at every number: scikit-learn need not.
        with config_context(assume_finite=True, skip_parameter_validation=True):
            try:
                return self._ridge.fit(self.gram_, targets).dual_coef_
            except ValueError as error:
                raise FloatingPointError(
                    f"Kernel ridge regression failed ({error}): log_joint, at simulated "
                    "pairs or at their latent estimates, or the estimates themselves are "
                    "not finite. Lower learning_rate; if log_joint is infinite at latent "
                    "estimates, use ResidualRegression(baseline=None)."
                ) from error


@cache
def fixed_probes(n_inputs):
    """Random signs that never change, so that they add no randomness to a fit."""
    return np.random.default_rng(0).choice((-1.0, 1.0), (n_inputs, N_PROBES))


def relative_error(residuals, targets):
    """Mean square of `residuals` over the variance of `targets`; 0/0 is 0."""
    variance = np.var(targets)
    return float(np.mean(residuals**2) / variance) if variance > 0 else 0.0
