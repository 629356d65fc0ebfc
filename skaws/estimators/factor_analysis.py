"""Factor analysis."""

import warnings
from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ..decoders import Linear
from ..likelihoods import Gaussian as GaussianNoise
from ..methods import Method, single
from ..models import LatentVariableModel
from ..moments import column_moments
from ..objectives import ResidualRegression
from ..posteriors import Exact
from ..priors import Gaussian
from ..regression import KernelRegression
from ..schedules import FixedLength
from .base import AmortisedEstimator
from .mixin import span
from .rotation import (
    canonical_order,
    oblique_rotation,
    principal_rotation,
    simple_rotation,
)
from .training import Training
from .validation import streamed_moments

__all__ = ["AmortisedFactorAnalysis"]

ORTHOGONAL, OBLIQUE = ("kaiser", "quartimax", "varimax"), ("oblimin", "promax")
HEYWOOD_SHARE = 1e-4  # of a column's variance; healthy noise is above (0.012 ** 2)
SOLVED_IN_A_SECOND = 4e9  # equations of missing entries, times the cube of components
AT_FLOOR = 2.0  # times the floor; noise that was never asked for ends there
LONG = 30.0  # seconds


class AmortisedFactorAnalysis(AmortisedEstimator):
    """Factor analysis by amortised maximum likelihood, missing entries allowed.

    ``x = mean_ + z @ components_ + noise`` with independent ``z ~ N(0, I)`` (oblique
    rotations: ``z ~ N(0, factor_correlation_)``) and ``noise ~ N(0,
    diag(noise_variance_))``.  Entries of X may be missing (NaN), rows may
    have weights, and X may be larger than memory.  On a small complete table
    :class:`sklearn.decomposition.FactorAnalysis` gives the same answer sooner.

    Parameters
    ----------
    n_components : int, default=None
        Number of factors. None takes the Ledermann bound, the largest number that the
        covariance of n_features columns can identify, or one less than there are rows. 0
        is the baseline, independent columns: their means and variances.
    rotation : {"varimax", "quartimax", "kaiser", "promax", "oblimin"}, default=None
        Rotation of the factors towards simple structure. "varimax" and "quartimax" are
        scikit-learn's; "kaiser" is varimax with Kaiser's normalisation, as in R and SPSS:
        each feature counts alike, whatever its units. "promax" and "oblimin" let factors be
        correlated; they are R's for standardised columns, whatever the units of X. None
        leaves factors in principal position, where they are independent given x.
    noise_floor : float in [0, 1), default=1e-6
        Noise variances stay above this share of their column's variance (a Heywood case
        would let one go to zero, and the likelihood to infinity).
    n_simulations : int, default=None
        Pairs simulated in each iteration. None takes 100 and 20 more for each
        component, at most 500.
    batch_size : int, default=1000
        Largest number of rows in an iteration. A table of no more rows than this is
        used whole, and the fit does not depend on the order of its rows.
    max_iter : int, default=400
        Largest number of iterations; the last third of them, at most, runs at a
        learning rate that falls to zero.
    learning_rate : float, default=0.03
        Size of a full step of Adam, relative to the noise for loadings and means, and
        to the variance for variances.
    regressor : KernelRidge or AdaptiveKernelRegression, default=None
        The regression of the log joint. None is ``KernelRidge(kernel="precomputed",
        alpha=1)``, which stands for a constant, a linear and a Gaussian kernel on latent
        estimates; see :class:`skaws.regression.KernelRegression`.
    tol : float, default=1e-3
        Steps stay at full size while `n_iter_no_change` of them gain at least this, in
        nats a row.
    n_iter_no_change : int, default=20
        Number of iterations over which the gain is summed.
    n_init : int, default=1
        Number of restarts; the one of highest likelihood is kept.
    n_jobs : int, default=None
        Number of processes for restarts, as joblib's. Results do not depend on it.
    warm_start : bool, default=False
        Whether `fit` starts from the last call's answer.
    random_state : int, RandomState instance or None, default=None
        Source of randomness; an int gives the same bits every time.
    verbose : int, default=0
        1 prints a table of about ten rows, 2 a row for each iteration.

    Attributes
    ----------
    n_components_ : int
        Number of factors.
    components_ : ndarray of shape (n_components, n_features)
        Loadings. Rows come in order of the information they carry on their factor
        (rotated: of the variance they explain); the loading of largest absolute value
        in a row is positive.
    factor_correlation_ : ndarray of shape (n_components, n_components)
        Correlation of the factors: the identity, but for oblique rotations.
    mean_ : ndarray of shape (n_features,)
        Mean of each column, by maximum likelihood where entries are missing.
    noise_variance_ : ndarray of shape (n_features,)
        Variance of each column's noise.
    explained_variance_, explained_variance_ratio_ : ndarray of shape (n_components,)
        Variance of the columns, summed, that each component explains, in squared units of
        X, and its share of their variance under the model.
    params_ : dict
        The same as the model's nested params.
    n_iter_ : int
        Number of iterations.
    history_ : dict of ndarray
        A value for each iteration: ``"objective"`` (nats a row), ``"gain"`` (in
        log-likelihood by the step before, estimated, nats a row),
        ``"gradient_norm"``, ``"weight_sum"``, ``"regression_error"`` and
        ``"input_distance"``; see
        :class:`skaws.wake_sleep.Iteration`.
    converged_ : bool
        Whether steps had stopped paying before `max_iter` made them smaller, and the
        log-likelihood of the answer is not raised by a few steps of EM.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, where X has names that are all strings.

    See Also
    --------
    sklearn.decomposition.FactorAnalysis : The same model by EM, complete rows only.
    sklearn.decomposition.PCA : Principal components, one noise variance for all.

    Notes
    -----
    The gradient of the log-likelihood is estimated as in [1]_ (section 3), with the
    residual from a baseline regressed on the posterior mean; see the user guide.  One
    iteration costs O(n_simulations^3 + batch_size n_simulations), whatever the number
    of rows.  ``score`` is exact.

    References
    ----------
    .. [1] L. K. Wenliang, T. Moskovitz, H. Kanagawa, M. Sahani. Amortised learning by
       wake-sleep. ICML 2020.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skaws import AmortisedFactorAnalysis
    >>> X = load_iris().data
    >>> X[::7, 2] = np.nan
    >>> model = AmortisedFactorAnalysis(n_components=1, random_state=0).fit(X)
    >>> model.transform(X).shape
    (150, 1)
    >>> bool(model.components_[0, 2] > 1.5)  # petal length carries the factor
    True
    """

    _parameter_constraints: dict = {
        **AmortisedEstimator._parameter_constraints,
        "n_components": [Interval(Integral, 0, None, closed="left"), None],
        "rotation": [StrOptions({*ORTHOGONAL, *OBLIQUE}), None],
        "noise_floor": [Interval(Real, 0, 1, closed="left")],
    }

    _of_answers = ("rotation",)

    def __init__(
        self,
        n_components: int | None = None,
        *,
        rotation: str | None = None,
        noise_floor: float = 1e-6,
        n_simulations: int | None = None,
        batch_size: int = 1000,
        max_iter: int = 400,
        learning_rate: float = 0.03,
        regressor=None,
        tol: float = 1e-3,
        n_iter_no_change: int = 20,
        n_init: int = 1,
        n_jobs: int | None = None,
        warm_start: bool = False,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ):
        super().__init__(
            n_components=n_components,
            n_simulations=n_simulations,
            batch_size=batch_size,
            max_iter=max_iter,
            learning_rate=learning_rate,
            regressor=regressor,
            tol=tol,
            n_iter_no_change=n_iter_no_change,
            n_init=n_init,
            n_jobs=n_jobs,
            warm_start=warm_start,
            random_state=random_state,
            verbose=verbose,
        )
        self.rotation = rotation
        self.noise_floor = noise_floor

    def _make_model(self, X):
        variance = column_moments(X)[1] ** 2
        typical = variance.mean() or 1.0  # for columns that do not vary
        self._constant = variance == 0
        floor = self.noise_floor * np.where(variance > 0, variance, typical)
        most = min(ledermann_bound(X.shape[1]), max(1, len(X) - 1))
        self.n_components_ = most if self.n_components is None else self.n_components
        return LatentVariableModel(
            prior=Gaussian(self.n_components_) if self.n_components_ else NoFactors(),
            decoder=Linear(),
            likelihood=GaussianNoise(per_feature=True, floor=floor),
        )

    def _make_method(self, model, rows, n_rows):
        return Method(
            "residual",
            single(ResidualRegression()),
            Exact(),
            KernelRegression(),
            n_simulations=min(100 + 20 * model.prior.n_latents, 500),
            max_iter=self.max_iter,
            learning_rate=self.learning_rate,
            n_iter_no_change=self.n_iter_no_change,
        )

    def _warn_of_columns(self, X, rows):
        most = min(ledermann_bound(X.shape[1]), max(1, len(rows) - 1))
        n_systems = min(X.shape[0], self.batch_size) * self.max_iter
        seconds = n_systems * most**3 / SOLVED_IN_A_SECOND
        if self.n_components is None and seconds > LONG and np.isnan(rows).any():
            warnings.warn(
                f"AmortisedFactorAnalysis with n_components=None takes {most} components "
                f"of {X.shape[1]} columns, the most that these could tell apart. With "
                "missing entries each row has equations of its own: this may take "
                f"{seconds / 60:.1f} minutes. Set n_components to about as many factors as "
                "you expect; score on held-out rows compares.",
                UserWarning,
                stacklevel=5,
            )

    def _train(self, state, X, sample_weight, progress, n_iter=None):
        if self.n_components_:
            return super()._train(state, X, sample_weight, progress, n_iter)
        # Independent columns: moments are the maximum, and there is nothing to climb.
        if n_iter is not None:
            raise ValueError(
                "AmortisedFactorAnalysis with n_components=0 has no steps to take in "
                "partial_fit. Call fit."
            )
        _, mean, variance = streamed_moments(X, sample_weight)
        noise_variance = np.maximum(variance, state.model.likelihood.floor)
        params = {
            "decoder": {**state.params["decoder"], "mean": mean},
            "likelihood": {"noise_variance": noise_variance},
        }
        schedule = FixedLength(0)
        return Training(state._replace(params=params, schedule=schedule), params, {}, None)

    def _remaining_rise(self, X, rows):
        return super()._remaining_rise(X, rows) if self.n_components_ else 0.0

    def _set_attributes(self, params):
        decoder, noise_variance = params["decoder"], params["likelihood"]["noise_variance"]
        components, correlation = self._rotated(decoder["components"], noise_variance)
        order = canonical_order(components, by_variance=self.rotation is not None)
        # What never varied says nothing of the factors, whatever its little noise says.
        floor = self._state.model.likelihood.floor
        still = self._constant & (noise_variance < AT_FLOOR * floor)
        self.components_ = np.where(still, 0.0, order @ components)
        self.factor_correlation_ = order @ correlation @ order.T
        self.mean_ = decoder["mean"]
        self.noise_variance_ = noise_variance
        self._model = self._state.model
        if self.rotation in OBLIQUE:
            prior = Gaussian(self.n_components_, correlation=self.factor_correlation_)
            self._model = clone(self._model).set_params(prior=prior)
        self.params_ = {**params, "decoder": {**decoder, "components": self.components_}}

    def _rotated(self, components, noise_variance):
        """Loadings after the rotation, and the correlation of their factors."""
        components = principal_rotation(components, noise_variance) @ components
        independent = np.eye(len(components))
        if self.rotation is None or len(components) < 2:
            return components, independent
        if self.rotation in ORTHOGONAL:
            return simple_rotation(components, self.rotation) @ components, independent
        units = np.sqrt(np.sum(components**2, axis=0) + noise_variance)
        rotation, correlation = oblique_rotation(components / units, self.rotation)
        return rotation @ components, correlation

    def _warn_of_fit(self, rows):
        variance = column_moments(rows)[1] ** 2
        found = np.flatnonzero(self.noise_variance_ < HEYWOOD_SHARE * variance)
        if len(found):
            warnings.warn(
                f"AmortisedFactorAnalysis: the noise of column(s) "
                f"{', '.join(map(str, found))} has nearly vanished, to less than "
                f"{HEYWOOD_SHARE:g} of the column's variance (a Heywood case): the factors "
                "explain it without error, and the likelihood may have no maximum. Take "
                "fewer factors, drop columns that follow from others, or raise "
                "noise_floor.",
                UserWarning,
                stacklevel=5,
            )

    @property
    def _n_parameters(self):
        k = self.n_components_
        return super()._n_parameters - k * (k - 1) // 2  # a rotation is free

    def _summary(self):
        columns, notes = super()._summary()
        communality = 1 - self.noise_variance_ / np.diag(self.get_covariance())
        notes.append(f"communalities {span(communality)}")
        notes.append(f"noise variances {span(self.noise_variance_)}")
        if self.rotation in OBLIQUE and self.n_components_ > 1:
            others = self.factor_correlation_[np.triu_indices(self.n_components_, 1)]
            notes.append(f"correlations of factors {span(others)}")
        return columns, notes

    def posterior_covariance(self, X: ArrayLike) -> np.ndarray:
        """Covariance of the latents given each row, Cov[z | x].

        It depends on which entries of a row are observed, not on their values.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN marks a missing entry.

        Returns
        -------
        covariance : ndarray of shape (n_samples, n_components, n_components)
        """
        X, _ = self._check_X(X, None, reset=False)
        return self._posterior.covariance(X)

    def get_precision(self) -> np.ndarray:
        """Inverse of the covariance, by the matrix inversion lemma.

        Returns
        -------
        precision : ndarray of shape (n_features, n_features)
        """
        check_is_fitted(self)
        weighted = self.components_ / self.noise_variance_
        inner = np.linalg.inv(self.factor_correlation_) + weighted @ self.components_.T
        return np.diag(1 / self.noise_variance_) - weighted.T @ np.linalg.solve(
            inner, weighted
        )


class NoFactors(Gaussian):
    """The prior of independent columns."""

    least_latents = 0

    def __init__(self):
        super().__init__(0)


def ledermann_bound(n_features):
    """Largest number of factors that the covariance of `n_features` can identify."""
    return max(1, int((2 * n_features + 1 - np.sqrt(8 * n_features + 1)) / 2))
