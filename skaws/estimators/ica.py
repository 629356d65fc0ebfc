"""Independent component analysis."""

import warnings
from itertools import count

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.kernel_ridge import KernelRidge
from sklearn.utils._param_validation import HasMethods, StrOptions
from sklearn.utils.validation import check_is_fitted

from ..evaluation import mixing_standard_errors
from ..methods import Method, single
from ..models.linear_mixing import LinearMixing, column_scales, numerical_rank
from ..models.source_factors import factorises
from ..moments import column_moments
from ..objectives import FactorisedLogJoint, ResidualRegression
from ..optimizers import HeavyBall
from ..posteriors import LinearGaussian, Resampled, SharedResiduals
from ..priors import (
    GeneralizedNormal,
    Independent,
    Laplace,
    Logistic,
    Measured,
    SkewGeneralizedNormal,
    StudentT,
    Uniform,
)
from ..priors.base import check_prior
from ..regression import FactorRegression, MeanRegression
from ..regression.factors import NARROW
from ..schedules import PlateauThenDecay
from ..starts import line_start, unmixed_start
from .base import AmortisedEstimator
from .mixin import span
from .rotation import canonical_order
from .searches import (
    best_noise_level,
    best_of_short_starts,
    outlier_log_density,
    without_collapse,
)
from .training import Training
from .validation import check_sample_weight, warn_of_deciding_row

__all__ = ["AmortisedICA"]

SOURCES = {
    "skew_generalized_normal": SkewGeneralizedNormal,
    "generalized_normal": GeneralizedNormal,
    "laplace": Laplace,
    "logistic": Logistic,
    "student_t": StudentT,
    "uniform": Uniform,
}

SQUARE_GAIN = 2 / 3  # less noise tells them apart, and steadies directions close to it
N_COMPARED = 2000  # rows on which short trainings are compared
N_CANDIDATES = 8  # draws of the latents of an overcomplete model
WIDENING = 5.0  # of the latents' variance
N_FOR_FOURTH_MOMENTS = 1000
ROWS_A_BATCH = 40  # that a table has: an iteration takes one batch
N_SHORT = 150  # iterations of a short training
N_FIRST = 300  # and of the first, which has all the rotation to find
N_SPLIT_SHORT, N_SPLIT_FIRST = 50, 80  # the same, of split log joints
N_SPLIT_DECAY = 50  # of the last iterations
GAUSSIAN = 1.03  # information of a shift, 1 for a Gaussian source and more for others


class AmortisedICA(AmortisedEstimator):
    """Independent component analysis under noise, by amortised maximum likelihood.

    ``x = mean_ + mixing_ @ s + noise`` with independent, non-Gaussian sources s of unit
    variance and Gaussian noise.  There may be fewer sources than columns, as many, or more;
    entries of X may be missing (NaN), and rows may have weights.  Without noise and holes
    :class:`sklearn.decomposition.FastICA` is faster on small tables.

    Parameters
    ----------
    n_components : int, default=None
        Number of sources. None takes as many as X has linearly independent columns:
        the numerical rank, whatever the units.
    sources : {"skew_generalized_normal", "generalized_normal", "laplace", "logistic", \
"student_t", "uniform"}, Prior or list, default="skew_generalized_normal"
        Distribution of the sources, of unit variance. The generalised normal learns a
        shape for each source, peaked or flat, and in its default form a skew. A list gives
        each component its own, by name or as an instance from :mod:`skaws.priors` for one
        latent; a Prior of your own needs only a sampler and a log density, of real values;
        skewed ones keep their signs, so compare starts by `n_init`.
    noise : {"isotropic", "per_feature"}, default="isotropic"
        Whether all columns share one noise variance, in units of X, so that the answer
        depends on the columns' units, or each has its own, and it does not.
    n_simulations : int, default=None
        Pairs simulated in each iteration. None takes as many as there are rows in a batch,
        at least 200.
    batch_size : int, default=None
        Largest number of rows in an iteration. A table of no more rows than this is
        used whole, and the fit does not depend on the order of its rows. None is a
        fortieth of the rows, between 2500 and 25 000; 1500 with more sources than columns.
    max_iter : int, default=None
        Largest number of iterations; the last third of them, at most, runs at a
        learning rate that falls to zero. None is 300; where the log joint is not split
        over the sources (see Notes) 600, with more sources than columns 150.
    learning_rate : float, default=None
        Gain of a full step, in units of Fisher information
        (:class:`skaws.optimizers.HeavyBall`). None is 0.1; 0.15 where it is not split.
    regressor : KernelRidge or AdaptiveKernelRegression, default=None
        The regression. KernelRidge is fitted for each source, in one dimension; None is
        one with a narrow kernel. An AdaptiveKernelRegression is fitted to the log joint
        as a whole, which is slower and no better.
    tol : float, default=1e-3
        Steps stay at full size while `n_iter_no_change` of them gain at least this, in
        nats a row.
    n_iter_no_change : int, default=None
        Number of iterations over which the gain is summed. None is 40; 200 where the log
        joint is not split.
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
        Number of sources.
    components_ : ndarray of shape (n_components, n_features)
        Unmixing matrix, the pseudo-inverse of `mixing_`. With noise, posterior means
        (:meth:`transform`) are better estimates of the sources than ``(X - mean_) @
        components_.T``.
    mixing_ : ndarray of shape (n_features, n_components)
        Mixing matrix. Columns come by the variance that their source explains, largest
        first (as listed, where `sources` is a list); the entry of largest absolute value
        in a column is positive, unless sources of your own are skewed.
    mean_ : ndarray of shape (n_features,)
        Mean of each column.
    noise_variance_ : float or ndarray of shape (n_features,)
        Variance of the noise.
    explained_variance_, explained_variance_ratio_ : ndarray of shape (n_components,)
        Variance of the columns, summed, that each component explains, in squared units of
        X, and its share of their variance under the model.
    params_ : dict
        The model's nested params, shapes of the sources among them.
    n_iter_ : int
        Number of iterations.
    history_ : dict of ndarray
        As that of :class:`AmortisedFactorAnalysis`.
    converged_ : bool
        Whether steps had stopped paying before `max_iter` made them smaller, and the
        log-likelihood of the answer is not raised by a few steps of EM.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, where X has names that are all strings.

    Raises
    ------
    ValueError
        In `fit`, if there are not "as many sources as components", sources are not
        "real", or X has "fewer linearly independent columns" than components, though
        columns enough.

    See Also
    --------
    sklearn.decomposition.FastICA : No noise model; no missing entries.
    AmortisedFactorAnalysis : Gaussian sources, which leave a rotation open.

    Notes
    -----
    The log joint is split over the sources, and the score of each regressed on the linear
    estimate of that source (:class:`skaws.objectives.FactorisedLogJoint`, and the user
    guide).  The estimating equation is calibrated: its mean is zero at the truth.  The
    start is FastICA's rotation.  Where the log joint cannot be split (sources of your own
    without ``log_densities``), or there are more sources than columns, its residual from
    the log joint at draws is climbed as a whole.

    Fewer sources than columns: the noise shows beyond the sources' span.  With as many
    sources as columns, or more, second moments do not tell noise from signal.  A square
    mixing is then fitted at six noise levels, from low to high, and, where the lowest is
    the likeliest, without any to speak of; they are compared by likelihood, if there are
    1000 rows at least.  The level is coarse.  Of fewer rows it is 2% of the smallest
    principal variance, or less where a source has a heavy tail.  More sources than columns
    can be found when they are sparse: the mixing is then that of lines found by k-means,
    and noise and shapes are learnt.  Otherwise eight short fits from random starts are
    compared, but local optima remain, so compare more by `n_init`.  `n_iter_` and
    `history_` do not count these searches, and :meth:`partial_fit` makes none (a square
    mixing then keeps the lowest noise).

    A row that makes half of the variance in its direction alone is warned of.

    ``score`` and ``transform`` are importance sampling with 200 draws a row (or eight for
    each source), the same every time (:func:`skaws.evaluation.importance_posterior`).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> sources = rng.laplace(size=(2000, 2)) / np.sqrt(2)
    >>> mixing = np.array([[2.0, 0.5], [1.0, -1.0], [0.0, 1.5], [1.0, 1.0]])
    >>> X = sources @ mixing.T + 0.3 * rng.standard_normal((2000, 4))
    >>> ica = AmortisedICA(n_components=2, random_state=0).fit(X)
    >>> bool(abs(ica.noise_variance_ - 0.09) < 0.01)
    True
    >>> found = ica.transform(X)
    >>> bool(abs(np.corrcoef(found[:, 0], sources[:, 0])[0, 1]) > 0.95)
    True
    """

    _parameter_constraints: dict = {
        **AmortisedEstimator._parameter_constraints,
        "sources": [StrOptions(set(SOURCES)), HasMethods("log_density"), list, tuple],
        "noise": [StrOptions({"isotropic", "per_feature"})],
        **{
            name: [*AmortisedEstimator._parameter_constraints[name], None]
            for name in ("batch_size", "max_iter", "learning_rate", "n_iter_no_change")
        },
    }

    _n_representative = 100_000  # the span of the signal is learnt from these alone

    def __init__(
        self,
        n_components: int | None = None,
        *,
        sources="skew_generalized_normal",
        noise: str = "isotropic",
        n_simulations: int | None = None,
        batch_size: int | None = None,
        max_iter: int | None = None,
        learning_rate: float | None = None,
        regressor=None,
        tol: float = 1e-3,
        n_iter_no_change: int | None = None,
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
        self.sources = sources
        self.noise = noise

    def _make_model(self, X):
        n_features = X.shape[1]
        self.n_components_ = self.n_components or max(numerical_rank(X), 1)
        per_feature = self.noise == "per_feature"
        variance = (
            column_scales(X) ** 2 if per_feature else np.mean(column_moments(X)[1] ** 2)
        )
        return LinearMixing(
            self._make_sources(self.n_components_),
            per_feature=per_feature,
            floor=1e-8 * (variance if per_feature else variance or 1.0),
            learned_noise=self.n_components_ != n_features,
        )

    def _warn_of_columns(self, X, rows):
        warn_of_deciding_row(rows, type(self).__name__)
        n_features, rank = rows.shape[1], max(numerical_rank(rows), 1)
        if rank == n_features:
            return
        found = f"{rank} of {n_features} columns of X are linearly independent"
        if self.n_components is None:
            warnings.warn(
                f"AmortisedICA with n_components=None takes {rank} components: only "
                f"{found}. Set n_components={rank} if that is what you expect, or leave "
                "out columns that follow from others (constant, doubled, sums).",
                UserWarning,
                stacklevel=5,
            )
        elif rank < self.n_components <= n_features:
            raise ValueError(
                f"AmortisedICA has n_components={self.n_components}, but X has fewer "
                f"linearly independent columns: {found}. Set n_components={rank} at most, "
                "or None."
            )

    def _warn_of_fit(self, rows):
        sources = self._model.prior
        shifts, _ = sources.information(self.params_.get("prior", {}))
        found = np.flatnonzero(shifts < GAUSSIAN)
        if len(found) > 1:
            warnings.warn(
                f"Sources {', '.join(map(str, found))} of AmortisedICA look Gaussian: rows "
                "do not tell how they are rotated among each other, so that their columns "
                "of mixing_ are those of one rotation of many. Take fewer sources, or "
                "AmortisedFactorAnalysis.",
                UserWarning,
                stacklevel=5,
            )

    def _make_sources(self, n_components):
        if isinstance(self.sources, str):
            return SOURCES[self.sources](n_components)
        sources = self.sources
        if isinstance(sources, (list, tuple)):
            sources = Independent([one_source(part) for part in sources])
        elif isinstance(sources, type):
            check_prior(sources)  # says what a class lacks
        if sources.n_latents != n_components:
            raise ValueError(
                f"AmortisedICA has n_components={n_components}, but sources for "
                f"{sources.n_latents}. Give as many sources as components, or one name "
                "for all."
            )
        known = hasattr(sources, "moments") and hasattr(sources, "information")
        return sources if known else Measured(sources)

    def _make_method(self, model, rows, n_rows):
        n_simulations = max(200, min(n_rows, self._rows_a_step(n_rows)))
        if self._is_split(model):
            return Method(
                "factors",
                single(FactorisedLogJoint()),
                LinearGaussian(widening=WIDENING),
                FactorRegression(),
                n_simulations=n_simulations,
                max_iter=300,
                learning_rate=0.1,
                n_iter_no_change=40,
            )
        overcomplete = self.n_components_ > self.n_features_in_
        return Method(
            "residual",
            single(ResidualRegression(baseline="draw")),
            self._make_posterior(model, rows.shape[1]),
            MeanRegression(),
            n_simulations=n_simulations,
            max_iter=150 if overcomplete else 600,
            learning_rate=0.15,
            n_iter_no_change=40 if overcomplete else 200,
        )

    def _is_split(self, model):
        """Whether the log joint is split over the sources."""
        sources = model.sources
        if self.n_components_ > self.n_features_in_ or not (
            self.regressor is None or isinstance(self.regressor, KernelRidge)
        ):
            return False
        params = sources.init_params(np.zeros((1, 1)), np.random.default_rng(0))
        return factorises(sources, params)

    def _make_regression(self, method):
        if method.name == "factors":
            return FactorRegression(self.regressor)
        return super()._make_regression(method)

    def _default_regressor(self):
        return clone(NARROW[0])

    def _rows_a_step(self, n_rows):
        if self.batch_size is not None:
            return self.batch_size
        if (self.n_components or 0) > self.n_features_in_:
            return 1500
        return int(np.clip(n_rows // ROWS_A_BATCH, 2500, 25_000))

    def _start(self, model, rows, rng):
        params = super()._start(model, rows, rng)
        overcomplete = self.n_components_ > rows.shape[1]
        return params if overcomplete else unmixed_start(params, rows, rng)

    def _make_posterior(self, model, n_features):
        n_components = model.sources.n_latents
        if n_components > n_features:
            return Resampled(SharedResiduals(LinearGaussian()), N_CANDIDATES)
        if n_components == n_features:
            return SharedResiduals(LinearGaussian())
        # Outlying rows, shrunk, would be mistaken for noise, and noise for shrinkage.
        return SharedResiduals(LinearGaussian(widening=WIDENING))

    def _make_schedule(self, method):
        tol, patience = self.tol, method.n_iter_no_change
        n_decay = N_SPLIT_DECAY if method.name == "factors" else None
        return PlateauThenDecay(method.max_iter, tol, patience, n_decay)

    def _make_optimizer(self, method):
        if method.name == "factors":
            return HeavyBall(method.learning_rate, noise_variance=np.inf)
        square = self.n_components_ == self.n_features_in_
        return HeavyBall((SQUARE_GAIN if square else 1.0) * method.learning_rate)

    def _search(self, start, rows, run):
        split = start.method.name == "factors"

        def short(params, n_iter=N_SPLIT_SHORT if split else N_SHORT):
            schedule = PlateauThenDecay(n_iter, tol=0.0, n_iter_no_change=n_iter)
            parts = start.model, start.method, params, start.rng
            return run(self._fresh_state(*parts, schedule))

        compared = rows[:N_COMPARED]
        outlying = outlier_log_density(compared)

        def rank(training):
            heights = np.logaddexp(self._log_likelihoods(training, compared), outlying)
            return training.failure is None, float(np.mean(heights))

        n_latents, n_features = start.model.sources.n_latents, rows.shape[1]
        if n_latents > n_features:
            lines = line_start(start.params, rows, start.rng)
            if lines is not start.params:  # steps of these would be mostly noise
                fixed = clone(start.model).set_params(learned_mixing=False)
                return Training(start._replace(model=fixed), lines, {}, None)
            starts = (self._start(start.model, rows, start.rng) for _ in count())
            return best_of_short_starts(starts, short, rank)
        if n_latents < n_features:
            return super()._search(start, rows, run)
        floor = start.model.floor
        n_first = N_SPLIT_FIRST if split else N_FIRST
        first = without_collapse(start.params, floor, short, n_first)
        if first.interrupted or len(rows) < N_FOR_FOURTH_MOMENTS:
            return first
        return best_noise_level(first, rows, floor, short, rank)

    def remove_components(self, X: ArrayLike, components) -> np.ndarray:
        """Rows without the contributions of some sources, such as artefacts.

        Takes from each row the posterior means of these sources times their columns of
        ``mixing_``; what the other components explain, and the noise, stays as it is.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; missing entries (NaN) stay missing.
        components : int or sequence of int
            Numbers of the components, counted from 0.

        Returns
        -------
        X_left : ndarray of shape (n_samples, n_features)

        Raises
        ------
        ValueError
            If "there is no component" of such a number.

        Examples
        --------
        >>> rng = np.random.default_rng(0)
        >>> sources = rng.laplace(size=(1000, 2))
        >>> X = sources @ np.array([[5.0, 1.0], [1.0, 1.0]])
        >>> ica = AmortisedICA(random_state=0).fit(X)
        >>> X_left = ica.remove_components(X, 0)
        >>> bool(abs(np.corrcoef(X_left[:, 0], sources[:, 1])[0, 1]) > 0.99)
        True
        """
        check_is_fitted(self)
        index, count = np.atleast_1d(np.asarray(components)), self.n_components_
        if index.dtype.kind not in "iu" or np.any((index < 0) | (index >= count)):
            raise ValueError(
                f"AmortisedICA has {count} components, numbered 0 to {count - 1}; there is "
                f"no component {components!r}. Give one such number, or several."
            )
        X = self._rows(X)
        gone = self._transform(X)[:, index] @ self.mixing_[:, index].T
        return (X - gone).astype(X.dtype, copy=False)

    def mixing_standard_errors(
        self, X: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> np.ndarray:
        """Standard errors of ``mixing_``, from the information that rows hold.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows that the estimator was fitted to; NaN marks a missing entry.
        sample_weight : array-like of shape (n_samples,), default=None
            As in `fit`.

        Returns
        -------
        errors : ndarray of shape (n_features, n_components)
            In the units of ``mixing_``.

        Raises
        ------
        ValueError
            If the log joint "is not split over the sources": there are more sources than
            columns, or sources of your own without ``log_densities``.

        See Also
        --------
        skaws.evaluation.mixing_standard_errors : How, and at what cost.

        Notes
        -----
        They hold for many rows and sources that suit their family.  The noise counts as
        known, which in square mixings it is not.

        Examples
        --------
        >>> rng = np.random.default_rng(0)
        >>> X = rng.laplace(size=(1000, 2)) @ np.array([[2.0, 1.0, 0.0], [0.0, 1.0, 2.0]])
        >>> X += 0.1 * rng.standard_normal((1000, 3))
        >>> ica = AmortisedICA(n_components=2, random_state=0).fit(X)
        >>> bool(np.all(ica.mixing_standard_errors(X) < 0.2))
        True
        """
        check_is_fitted(self)
        if not self._is_split(self._state.model):
            raise ValueError(
                "AmortisedICA has no standard errors here: the log joint is not split over "
                "the sources. Take no more sources than columns, and sources with "
                "log_densities."
            )
        X = self._rows(X)
        weights = check_sample_weight(sample_weight, X)
        centred = LinearMixing(self._model.prior, self.noise == "per_feature")
        params = {
            "sources": self.params_["prior"],
            "mixing": np.eye(self.n_components_),
            "basis": self.params_["decoder"]["components"],
            "mean": self.mean_,
            "noise_variance": self.noise_variance_,
        }
        return mixing_standard_errors(centred, params, X, weights).T

    def _set_attributes(self, params):
        # All answers come from the same model written without its centred latents.
        self._model, plain = self._state.model.uncentred(params)
        sources, shapes = self._model.prior, plain["prior"]
        components = plain["decoder"]["components"]
        # Sources listed one by one keep their places, and skewed ones their signs.
        interchangeable = not isinstance(sources, Independent)
        order = canonical_order(components, by_variance=interchangeable)
        mirrored = interchangeable and hasattr(sources, "mirrored")
        if not (mirrored or is_symmetric(sources, shapes)):
            order = np.abs(order)
        components = order @ components
        if interchangeable:
            shapes = {name: np.abs(order) @ value for name, value in shapes.items()}
        if mirrored:
            shapes = sources.mirrored(shapes, order.sum(axis=1))
        decoder = {**plain["decoder"], "components": components}
        self.params_ = {**plain, "prior": shapes, "decoder": decoder}
        self.mixing_ = components.T
        self.components_ = np.linalg.pinv(self.mixing_)
        self.mean_ = decoder["mean"]
        self.noise_variance_ = plain["likelihood"]["noise_variance"]

    @property
    def _n_parameters(self):
        return super()._n_parameters - (not self._state.model.learned_noise)

    @property
    def _loadings(self):
        return self.mixing_.T

    def _summary(self):
        columns, notes = super()._summary()
        noise = np.atleast_1d(self.noise_variance_)
        about = "" if self._state.model.learned_noise else " (chosen, not learnt)"
        notes.append(f"noise variance {span(noise)}{about}")
        return columns, notes


def one_source(part):
    """The prior of one entry of a list of sources."""
    if not isinstance(part, str):
        return part
    if part not in SOURCES:
        raise ValueError(
            f"AmortisedICA has {part!r} in its list of sources; names are "
            f"{', '.join(map(repr, sorted(SOURCES)))}."
        )
    return SOURCES[part](1)


def is_symmetric(sources, params):
    """Whether the signs of all sources are a matter of taste."""
    draws = sources.sample(params, N_COMPARED, np.random.default_rng(0))
    as_they_are, flipped = (sources.log_density(params, z) for z in (draws, -draws))
    return np.allclose(as_they_are, flipped)
