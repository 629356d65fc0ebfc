"""What all estimators share: scikit-learn's grammar around the wake-sleep loop."""

import warnings
from abc import ABC, abstractmethod
from copy import deepcopy
from numbers import Integral, Real

import numpy as np
from joblib import Parallel, delayed
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.kernel_ridge import KernelRidge
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted, validate_data

from ..evaluation import log_marginal_likelihood
from ..forms import ScalarForm
from ..machine import one_blas_thread
from ..optimizers import Adam, PlateauThenDecay, PolynomialAverage
from ..progress import Silent, make_progress
from ..regression import (
    AdaptiveEmbedding,
    LatentEstimate,
    default_regressor,
    make_embedding,
)
from .answers import Answers, make_rng
from .rows import (
    check_observed,
    check_sample_weight,
    merged_rows,
    representative_rows,
    warn_of_constant_columns,
    warn_of_few_rows,
)
from .training import LoopState, Training, train

__all__ = ["AmortisedEstimator"]


class AmortisedEstimator(Answers, BaseEstimator, ABC):
    """Base of all estimators: fits a generative model by amortised learning.

    A named estimator writes its constructor, ``_make_model`` (which reads like the
    model's definition) and ``_set_attributes`` (which renames what was learnt).
    """

    _parameter_constraints: dict = {
        "n_components": [Interval(Integral, 1, None, closed="left"), None],
        "n_simulations": [Interval(Integral, 2, None, closed="left"), None],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "regressor": [KernelRidge, AdaptiveEmbedding, None],
        "tol": [Interval(Real, 0, None, closed="left")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    #: How many rows may stand for all of them in starts and comparisons of restarts.
    _n_representative = 5000

    @abstractmethod
    def __init__(
        self,
        *,
        n_components,
        n_simulations,
        batch_size,
        max_iter,
        learning_rate,
        regressor,
        tol,
        n_iter_no_change,
        n_init,
        n_jobs,
        warm_start,
        random_state,
        verbose,
    ):
        self.n_components = n_components
        self.n_simulations = n_simulations
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.learning_rate = learning_rate
        self.regressor = regressor
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.n_init = n_init
        self.n_jobs = n_jobs
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    @abstractmethod
    def _make_model(self, X):
        """The generative model, given representative rows of X."""

    @abstractmethod
    def _set_attributes(self, params):
        """Set ``params_`` and its parts under scikit-learn's names, settled.

        Also ``_model``, of which ``params_`` are: that of all answers.
        """

    def _option(self, name):
        """Value of a constructor's parameter that may leave it open."""
        return getattr(self, name)

    def _make_regression(self):
        """The regression of the log joint; what it learns is carried, as the estimate's."""
        return make_embedding(self.regressor)

    def _make_estimate(self):
        """How latents are estimated; what it learns is carried from turn to turn."""
        return LatentEstimate()

    def _make_form(self, n_rows):
        """What the wake phase climbs, for `n_rows` real rows (the sum of their weights)."""
        return ScalarForm()

    def _enough_simulations(self, model, n_rows):
        """Default number of simulations: more for more latents, 120 to 500."""
        return 300 if model.n_latents is None else min(100 + 20 * model.n_latents, 500)

    def _make_optimizer(self, schedule=None):
        """The optimiser of one training; no schedule means full steps throughout."""
        return Adam(self._option("learning_rate"), schedule)

    def _start(self, model, rows, rng):
        """Params that a restart starts from."""
        return model.init_params(rows, rng)

    def _search(self, start, rows, run):
        """Short trainings from which a restart takes its start; none by default.

        Parameters
        ----------
        start : LoopState
            Where the restart would start otherwise.
        rows : array of shape (m, n_features)
            Rows that stand for all.
        run : callable
            ``run(state) -> Training``, silently.

        Returns
        -------
        training : Training
            From whose params to go on, unless it says that it was interrupted.
        """
        return Training(start, start.params, {}, None)

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, *, sample_weight=None):
        """Fit the model to X by maximum likelihood.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Real data; NaN marks a missing entry. A ``np.memmap`` is read a batch at
            a time.
        y : Ignored
            Present for API consistency.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights; an integer weight counts its row that many times.

        Returns
        -------
        self : object
            Fitted estimator.

        Raises
        ------
        ValueError
            If X has infinite entries, or a row or a column without any observed one.
        FloatingPointError
            If the gradient stops being finite; attributes then hold the last
            parameters before that.

        Warns
        -----
        ConvergenceWarning
            If `max_iter` ended the fit before its steps had stopped paying, or the
            user interrupted it; attributes hold the best parameters so far.
        """
        X, sample_weight = self._check_X(X, sample_weight, reset=True)
        if X.shape[0] <= self.batch_size:
            X, sample_weight = merged_rows(X, sample_weight)
        rows = representative_rows(X, sample_weight, self._n_representative)
        self._warn_of_odd_tables(X, rows)
        trainings = []
        with one_blas_thread():
            for training in self._trainings(X, rows, sample_weight):
                trainings.append(training)
                if isinstance(training.failure, KeyboardInterrupt):
                    break
            best = trainings[0]
            if len(trainings) > 1:
                best = max(trainings, key=lambda training: self._rank(training, rows))
            schedule = best.state.optimizer.schedule
            self.history_ = best.history
            self.n_iter_ = len(best.history.get("objective", ()))
            self.converged_ = schedule.converged and best.failure is None
            # What partial_fit goes on from: the answer, at full steps. Copies of what
            # learns keep no rows and no simulations.
            self._state = best.state._replace(
                params=best.params,
                optimizer=self._make_optimizer(),
                regression=deepcopy(best.state.regression),
                estimate=deepcopy(best.state.estimate),
            )
            self._set_attributes(best.params)
        self._tell_how_it_ended(best.failure, schedule)
        self._warn_of_odd_fit(rows)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None, *, sample_weight=None):
        """Take one pass over X, from where the last call stopped.

        Steps are at the full `learning_rate`; the answer is the average of the path.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Real data; NaN marks a missing entry.
        y : Ignored
            Present for API consistency.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights.

        Returns
        -------
        self : object
            Fitted estimator.

        Raises
        ------
        ValueError
            As :meth:`fit`, and if X has another number of columns than before.
        FloatingPointError
            As :meth:`fit`.
        """
        first = not hasattr(self, "_state")
        X, sample_weight = self._check_X(X, sample_weight, reset=first)
        rows = representative_rows(X, sample_weight, self._n_representative)
        with one_blas_thread():
            if first:
                model, rng = self._make_model(rows), self._seeds(1)[0]
                params = self._start(model, rows, rng)
                self._state = self._fresh_state(model, params, rng)
                self.n_iter_, self.history_, self.converged_ = 0, {}, False
            n_batches = -(-X.shape[0] // self.batch_size)
            training = self._train(self._state, X, sample_weight, Silent(), n_batches)
            self._state = training.state
            self.n_iter_ += len(training.history.get("objective", ()))
            self.history_ = {
                name: np.append(self.history_.get(name, []), values)
                for name, values in training.history.items()
            }
            self._set_attributes(training.params)
        if training.failure is not None:
            raise training.failure
        return self

    def set_params(self, **params):
        """Set parameters; those of a `regressor` of None make the default one first.

        Parameters
        ----------
        **params : dict
            Estimator parameters, ``regressor__alpha`` among them.

        Returns
        -------
        self : object
        """
        nested = any(name.startswith("regressor__") for name in params)
        if nested and params.get("regressor", self.regressor) is None:
            params["regressor"] = default_regressor()
        return super().set_params(**params)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _check_X(self, X, sample_weight, reset):
        if not reset:
            check_is_fitted(self)
        X = validate_data(
            self,
            X,
            reset=reset,
            dtype=[np.float64, np.float32],
            accept_sparse="csr" if self.__sklearn_tags__().input_tags.sparse else False,
            ensure_min_samples=2 if reset else 1,
            ensure_all_finite=True if issparse(X) else "allow-nan",
        )
        check_observed(X, type(self).__name__)
        return X, check_sample_weight(sample_weight, X)

    def _warn_of_odd_tables(self, X, rows):
        name = type(self).__name__
        warn_of_constant_columns(X, rows, name)
        warn_of_few_rows(X.shape[0], self.n_components, name)

    def _seeds(self, n_seeds):
        return make_rng(check_random_state(self.random_state)).spawn(n_seeds)

    def _schedule(self):
        return PlateauThenDecay(
            self._option("max_iter"), self.tol, self._option("n_iter_no_change")
        )

    def _fresh_state(self, model, params, rng, schedule=None):
        return LoopState(
            model,
            params,
            self._make_optimizer(schedule),
            PolynomialAverage(),
            rng,
            self._make_regression(),
            self._make_estimate(),
        )

    def _trainings(self, X, rows, sample_weight):
        """Yield each restart as it ends."""
        model = self._make_model(rows)
        progress = make_progress(
            self.verbose, type(self).__name__, self._option("max_iter")
        )
        parallel = Parallel(n_jobs=self.n_jobs, return_as="generator")
        yield from parallel(
            delayed(self._restart)(model, rng, X, rows, sample_weight, progress)
            for rng in self._seeds(self.n_init)
        )

    def _restart(self, model, rng, X, rows, sample_weight, progress):
        warm = self.warm_start and hasattr(self, "_state")
        params = self._state.params if warm else self._start(model, rows, rng)
        start = self._fresh_state(model, params, rng, self._schedule())
        if warm:
            last = self._state  # of which restarts may not learn from each other
            start = start._replace(estimate=deepcopy(last.estimate), n_iter=last.n_iter)
        else:
            found = self._search(
                start, rows, lambda state: self._train(state, X, sample_weight, Silent())
            )
            if isinstance(found.failure, KeyboardInterrupt):
                return found
            start = start._replace(params=found.params)
        return self._train(start, X, sample_weight, progress)

    def _train(self, state, X, sample_weight, progress, n_iter=None, form=None):
        n_rows = X.shape[0] if sample_weight is None else np.sum(sample_weight)
        return train(
            state,
            X,
            progress,
            n_iter=n_iter,
            form=form or self._make_form(n_rows),
            n_simulations=self.n_simulations
            or self._enough_simulations(state.model, X.shape[0]),
            batch_size=self.batch_size,
            sample_weight=sample_weight,
        )

    def _rank(self, training, rows):
        """Sound runs first, then by log-likelihood."""
        rows = representative_rows(rows)
        log_marginal = log_marginal_likelihood(training.state.model, training.params, rows)
        return training.failure is None, float(np.mean(log_marginal))

    def _warn_of_odd_fit(self, rows):
        """Warn of a model that does not suit the real `rows`; nothing by default."""

    def _tell_how_it_ended(self, failure, schedule):
        name = type(self).__name__
        if isinstance(failure, KeyboardInterrupt):
            warnings.warn(
                f"{name} was interrupted after {self.n_iter_} iterations; it keeps the "
                "parameters learnt so far.",
                ConvergenceWarning,
                stacklevel=3,
            )
        elif failure is not None:
            raise failure
        elif not self.converged_:
            max_iter, over = self._option("max_iter"), self._option("n_iter_no_change")
            warnings.warn(
                f"{name} came to max_iter={max_iter} before its steps stopped "
                f"paying: the last {schedule.n_judged} full ones gained "
                f"{schedule.last_gain:.2g} nats a row (tol={self.tol:g} over "
                f"{over}). Increase max_iter or learning_rate, or tol if "
                "that is precise enough.",
                ConvergenceWarning,
                stacklevel=3,
            )
