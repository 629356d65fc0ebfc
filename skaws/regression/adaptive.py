"""Kernel ridge regression that learns bandwidth, ridge and linear features as it goes."""

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.kernel_ridge import KernelRidge

from ..moments import column_units
from ..optimizers import Adam
from .kernel_ridge import KernelRegression

__all__ = ["AdaptiveKernelRegression", "make_regression"]

N_FIRST_STEPS = 100  # on the simulations of the first sleep phase
N_AT_MOST = 300  # simulations that a step looks at
N_PROBES = 4
CONSTANT = 100.0  # of the kernel: however large the ridge, the mean is not shrunk
LIMIT = np.log(1e4)  # of ridge and sharpness relative to their start


def make_regression(regressor=None):
    """The regression that an estimator's `regressor` asks for, with nothing learnt yet.

    Parameters
    ----------
    regressor : KernelRidge or AdaptiveKernelRegression, default=None
        The first is wrapped in :class:`KernelRegression`, the second copied; None is
        ``KernelRegression()``.

    Returns
    -------
    regression : KernelRegression or AdaptiveKernelRegression
    """
    if isinstance(regressor, AdaptiveKernelRegression):
        return clone(regressor)
    return KernelRegression(regressor)


class AdaptiveKernelRegression(BaseEstimator):
    """A regression whose kernel descends its own leave-one-out error.

    Each sleep phase brings new simulations, so that the regression can be judged on pairs
    it has not seen.  After its weights have been taken, ridge and bandwidth (and a linear
    map of the inputs, if asked for) take a step of Adam down the logarithm of the
    leave-one-out error of the log joint (or its residual), in its form of
    generalised cross-validation; the derivatives are in closed form.  In the first phase
    a hundred steps go before.  What was learnt is carried from phase to phase.

    The kernel is the default one of :class:`KernelRegression`, ``coef0 + a.b / k +
    exp(-gamma |a - b|^2)``, with a `coef0` of 100; it starts at ``alpha=1`` and ``gamma=1 /
    2k``.

    Parameters
    ----------
    n_features : int, default=None
        Number of linear features of the inputs that are learnt, at most that of the inputs;
        they start at the principal components. None regresses on the inputs as they are.
        Without a baseline take as many as there are inputs: what is left out of x, the log
        joint cannot be regressed on.
    per_phase : bool, default=False
        Whether the features of real rows are centred and scaled by their own moments
        instead of the simulations', as the paper's code does: rows off the model are
        then moved to where simulations are. What a batch is centred by is noisy, though,
        and a model that is off by a shift cannot see it any more.
    learning_rate : float, default=0.05
        Of Adam: a full step in the logarithms of ridge and sharpness.

    Attributes
    ----------
    alpha : float
        The ridge as it is now.
    gamma : float
        Sharpness of the kernel's Gaussian part as it is now; after the first `fit`.

    Raises
    ------
    ValueError
        In `fit`, if "n_features must be at least 1, or None for inputs as they are".

    Notes
    -----
    A step costs one more solve and a few products of the Gram's size.  The paper learns its
    kernel on held-out simulations; leave-one-out spares them.

    The error is that of the log joint, of which the gradient may need a part that is small:
    where the residual from a baseline has little to be predicted, the ridge grows and
    the regression falls back on the plain mean over simulations.  The constant of the
    kernel is large enough for that mean not to be shrunk.

    Examples
    --------
    Inputs of which only one matters:

    >>> rng = np.random.default_rng(0)
    >>> inputs = rng.standard_normal((300, 5))
    >>> targets = np.sin(3 * inputs[:, 0]) + 0.1 * rng.standard_normal(300)
    >>> row_weights = np.full(300, 1 / 300)
    >>> fixed = KernelRegression().fit(inputs)
    >>> learnt = AdaptiveKernelRegression(n_features=2).fit(inputs)
    >>> fixed.mean_weights_and_error(inputs, row_weights, targets).error > 0.7
    True
    >>> learnt.mean_weights_and_error(inputs, row_weights, targets).error < 0.2
    True
    """

    def __init__(self, n_features=None, per_phase=False, learning_rate=0.05):
        self.n_features = n_features
        self.per_phase = per_phase
        self.learning_rate = learning_rate

    def __getstate__(self):
        # What was learnt, not the simulations of the last phase.
        passing = ("_inputs", "_regression")
        learnt = super().__getstate__().items()
        return {name: value for name, value in learnt if name not in passing}

    def fit(self, inputs):
        """Take simulated `inputs`, shape (n, n_inputs)."""
        if not hasattr(self, "_map"):
            self._start(inputs)
        self._inputs = inputs
        self._regression = self._kernel_regression(inputs)
        return self

    def weights(self, X):
        """Weights of each simulation for each row of inputs X, shape (m, n)."""
        return self._regression.weights(self._real_features(X))

    def mean_weights(self, X, row_weights=None):
        """Weighted mean over the rows of :meth:`weights`, shape (n,)."""
        return self._regression.mean_weights(self._real_features(X), row_weights)

    def mean_weights_and_error(self, X, row_weights, targets):
        """As :meth:`KernelRegression.mean_weights_and_error`; then adapts to `targets`."""
        if self._adam is None:
            self._adam = Adam(self.learning_rate)
            for _ in range(N_FIRST_STEPS):
                self._step(targets)
            self._regression = self._kernel_regression(self._inputs)
        features = self._real_features(X)
        mean = self._regression.mean_weights_and_error(features, row_weights, targets)
        self._step(targets)
        return mean

    def distance(self, X, row_weights=None):
        """As :meth:`KernelRegression.distance`, of features."""
        return self._regression.distance(self._real_features(X), row_weights)

    @property
    def alpha(self):
        """The ridge, as KernelRidge's."""
        return float(np.exp(self._logs[0]))

    @property
    def gamma(self):
        """Sharpness of the Gaussian part of the kernel, as KernelRidge's."""
        return float(np.exp(self._logs[1]) * 0.5 / self._map.shape[1])

    def _start(self, inputs):
        if self.n_features is not None and self.n_features < 1:
            raise ValueError(
                "n_features of AdaptiveKernelRegression must be at least 1, or None for "
                f"inputs as they are; got {self.n_features}."
            )
        self._logs = np.zeros(2)  # of ridge and sharpness, relative to the defaults
        self._adam = None
        self._rng = np.random.default_rng(0)
        self._mean, self._scale = column_units(inputs)
        self._map = np.eye(inputs.shape[1])
        if self.n_features is not None:
            _, _, axes = np.linalg.svd(self._standardised(inputs), full_matrices=False)
            self._map = axes[: self.n_features].T.copy()

    def _standardised(self, inputs):
        return (inputs - self._mean) / self._scale

    def _kernel_regression(self, inputs):
        regressor = KernelRidge(
            alpha=self.alpha, kernel="precomputed", gamma=self.gamma, coef0=CONSTANT
        )
        return KernelRegression(regressor).fit(self._standardised(inputs) @ self._map)

    def _real_features(self, X):
        features = self._standardised(X) @ self._map
        if not self.per_phase:
            return features
        mean, unit = column_units(features)
        white = (features - mean) / unit
        return self._regression.mean_ + self._regression.scale_ * white

    def _step(self, targets):
        inputs, targets = self._inputs[:N_AT_MOST], targets[:N_AT_MOST]
        regression = self._kernel_regression(inputs)
        probes = self._rng.choice((-1.0, 1.0), (len(inputs), N_PROBES))
        by_logs, by_scaled = error_slopes(regression, targets, probes)
        slopes = [by_logs]
        if self.n_features is not None:
            scaled = regression.inputs_  # whose moments move along with the map
            drift = by_scaled.mean(axis=0) + scaled * np.mean(by_scaled * scaled, axis=0)
            by_features = (by_scaled - drift) / regression.scale_
            slopes.append((self._standardised(inputs).T @ by_features).ravel())
        move = self._adam.step(-np.concatenate(slopes))
        self._logs = np.clip(self._logs + move[:2], -LIMIT, LIMIT)
        if self.n_features is not None:
            self._map = self._map + move[2:].reshape(self._map.shape)


def error_slopes(regression, targets, probes):
    """Derivatives of the logarithm of the generalised cross-validation error.

    That error is ``n |S y|^2 / (trace S)^2`` with ``S`` the inverse of the Gram matrix and
    its ridge, for targets y less their mean; the trace is that of Hutchinson.

    Parameters
    ----------
    regression : KernelRegression
        Fitted, with ``latent_kernel``.
    targets : array of shape (n,)
        What is regressed.
    probes : array of shape (n, n_probes)
        Random signs.

    Returns
    -------
    by_logs : array of shape (2,)
        By the logarithms of alpha and gamma.
    by_inputs : array of shape (n, n_inputs)
        By the scaled inputs.
    """
    inputs, n_columns = regression.inputs_, regression.inputs_.shape[1]
    regressor = regression.kernel_ridge_
    solved = regression.solve(np.column_stack([targets - targets.mean(), probes]))
    once, spread = solved[:, 0], solved[:, 1:]
    twice = regression.solve(once)
    size, trace = once @ once, np.mean(np.sum(probes * spread, axis=0))
    left = np.column_stack(
        [-twice / size, -once / size, spread * (2 / trace / probes.shape[1])]
    )
    right = np.column_stack([once, twice, spread])
    by_gram = left @ right.T
    norms, inner = np.einsum("ij,ij->i", inputs, inputs), inputs @ inputs.T
    gaussian = by_gram * (regression.gram_ - inner / n_columns - regressor.coef0)
    pull = gaussian.sum(axis=1)
    # Squared distances are |a|^2 + |b|^2 - 2 a.b; the matrix is symmetric.
    by_log_gamma = -2 * regressor.gamma * (pull @ norms - np.sum(gaussian * inner))
    by_inputs = 2 / n_columns * (by_gram @ inputs)
    by_inputs -= 4 * regressor.gamma * (pull[:, None] * inputs - gaussian @ inputs)
    return np.array([regressor.alpha * np.sum(left * right), by_log_gamma]), by_inputs
