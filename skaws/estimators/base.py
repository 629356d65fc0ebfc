"""What all estimators share: scikit-learn's grammar around the wake-sleep loop."""

import warnings
from abc import ABC, abstractmethod
from copy import copy, deepcopy
from functools import partial
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from joblib import Parallel, delayed
from joblib.parallel import get_active_backend
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, _fit_context, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.kernel_ridge import KernelRidge
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted, validate_data

from ..batches import is_lazy
from ..checks.convergence import RISING, remaining_rise
from ..checks.fit import warn_of_misfit
from ..evaluation import fit_posterior, log_marginal_likelihood
from ..optimizers import Adam, PolynomialAverage
from ..progress import Silent, make_progress
from ..regression import AdaptiveKernelRegression, default_regressor, make_regression
from ..schedules import Constant, PlateauThenDecay
from ..spaces import leaves
from ..threads import one_blas_thread
from .callbacks import CallbackSupportMixin, context_of, watched, with_callbacks
from .mixin import FittedMixin, make_rng, usual_arithmetic
from .training import LoopState, Training, ending, train, units_of
from .validation import (
    check_observed,
    check_sample_weight,
    first_rows,
    in_blocks,
    merged_rows,
    representative_rows,
    warn_of_constant_columns,
    warn_of_few_rows,
    with_missing,
)

__all__ = ["AmortisedEstimator"]

N_ENOUGH = 500  # rows for a start that later rows of a stream do not ask to be made anew
N_REMEMBERED = 10_000  # iterations in the history of a stream


class AmortisedEstimator(CallbackSupportMixin, FittedMixin, BaseEstimator, ABC):
    """Base of all estimators: fits a generative model by amortised learning.

    A named estimator gives ``_make_model``, which reads like the model's definition,
    ``_make_method`` and ``_set_attributes``, which renames what was learnt; all other
    choices have a default.
    """

    _parameter_constraints: dict = {
        "n_components": [Interval(Integral, 1, None, closed="left"), None],
        "n_simulations": [Interval(Integral, 2, None, closed="left"), None],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "regressor": [KernelRidge, AdaptiveKernelRegression, None],
        "tol": [Interval(Real, 0, None, closed="left")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    #: Own parameters that do not describe the model, so that partial_fit can go on.
    _of_answers = ()

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
            params["regressor"] = self._default_regressor()
        return super().set_params(**params)

    def _default_regressor(self):
        """What a `regressor` of None stands for, when its parameters are asked for."""
        return default_regressor()

    # What a named estimator chooses.

    @abstractmethod
    def _make_model(self, X):
        """The generative model, given representative rows of X."""

    @abstractmethod
    def _make_method(self, model, rows, n_rows):
        """How the model is fitted to `n_rows` rows, for which `rows` stand: a Method."""

    @abstractmethod
    def _set_attributes(self, params):
        """Set ``params_`` and its parts under scikit-learn's names, in canonical order.

        Also ``_model``, of which ``params_`` are: that of all answers.
        """

    def _make_optimizer(self, method):
        """The optimizer of one training."""
        return Adam(method.learning_rate)

    def _make_regression(self, method):
        """The regression of a method that `regressor` asks for."""
        return make_regression(self.regressor)

    def _rows_a_step(self, n_rows):
        """Largest number of rows in an iteration."""
        return self.batch_size

    def _make_schedule(self, method):
        """When steps grow smaller and end."""
        return PlateauThenDecay(method.max_iter, self.tol, method.n_iter_no_change)

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

    def _warn_of_odd_tables(self, X, rows):
        """Warn of a table X that is hard to learn from; `rows` stand for it."""
        name = type(self).__name__
        warn_of_constant_columns(X, rows, name)
        warn_of_few_rows(X.shape[0], self.n_components, name)

    def _warn_of_columns(self, X, rows):
        """Warn, or raise, of columns that the model is not made for; nothing by default."""

    def _warn_of_fit(self, rows):
        """Warn of a fit that cannot be right, given real `rows`; nothing by default."""

    # Fitting.

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self, X: ArrayLike, y: object = None, *, sample_weight: ArrayLike | None = None
    ):
        """Fit the model to X by maximum likelihood.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN marks a missing entry. A ``np.memmap`` is read a batch at a
            time, and so are arrays and data frames of dask.
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
            If X has infinite entries, or a row or a column that "has no observed entry
            (all NaN)"; or `sample_weight` is negative, or zero for every row.
        FloatingPointError
            If the gradient "is not finite", a parameter "came to the edge of its
            support", or "Parameters ran away"; attributes then hold what was learnt
            before that.

        Warns
        -----
        ConvergenceWarning
            If the fit "came to max_iter before its steps stopped paying", or "was
            interrupted"; attributes hold the parameters learnt so far.
        UserWarning
            If columns of X "are constant", or there are fewer distinct rows than
            components.
        """
        X, sample_weight = self._check_X(X, sample_weight, reset=True)
        with usual_arithmetic(type(self).__name__):
            return self._fit(X, sample_weight)

    def _fit(self, X, sample_weight):
        if X.shape[0] < 2:
            raise ValueError(
                f"Found array with 1 sample (shape={X.shape}) while a minimum of 2 is "
                f"required by fit of {type(self).__name__}. Use partial_fit for a stream "
                "that starts with one row."
            )
        if X.shape[0] <= self._rows_a_step(X.shape[0]) and not is_lazy(X):
            X, sample_weight = merged_rows(X, sample_weight)
        rows = representative_rows(X, sample_weight, self._n_representative)
        self._warn_of_odd_tables(X, rows)
        self._warn_of_columns(X, rows)
        with one_blas_thread():
            trainings, errors = self._trainings(X, rows, sample_weight)
            best = self._best(trainings, rows)
            self.history_, self.n_iter_ = best.history, best.n_iter
            self.converged_ = best.state.schedule.converged and best.failure is None
            # What partial_fit goes on from: the answer, at full steps. Copies of what
            # learns keep no rows and no simulations.
            self._state = best.state._replace(
                params=best.params,
                optimizer=self._make_optimizer(best.state.method),
                schedule=Constant(),
                regression=deepcopy(best.state.regression),
            )
            self._settle(best.params, rows)
            rise = self._remaining_rise(X, rows) if self.converged_ else 0.0
            self.converged_ = self.converged_ and rise <= RISING
        self._stream = Stream(self._model_params(), None, len(rows))
        self._tell_how_it_ended(best, trainings, errors, rise)
        parts = self._model, self.params_, rows, self._posterior
        warn_of_misfit(*parts, type(self).__name__)
        self._warn_of_fit(rows)
        return self

    def _settle(self, params, rows):
        """Attributes, and the posterior that all answers come from."""
        self._set_attributes(params)
        self._posterior = answering(self._state, self._model, self.params_, rows)

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: ArrayLike, y: object = None, *, sample_weight: ArrayLike | None = None
    ):
        """Take one pass over X, from where the last call stopped.

        Steps are at the full `learning_rate`; the answer is the average of the path.  While
        few rows have been seen, the start is made anew, from all of them, each time their
        number has doubled.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN marks a missing entry.
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
            As :meth:`fit`, and if X has another number of columns than before, or a
            parameter that describes the model "was set to" another value since;
            `learning_rate`, `n_simulations` and `batch_size` may change between calls.
        FloatingPointError
            As :meth:`fit`.
        """
        first = not hasattr(self, "_state")
        X, sample_weight = self._check_X(X, sample_weight, reset=first)
        with usual_arithmetic(type(self).__name__):
            return self._partial_fit(X, sample_weight, first)

    def _partial_fit(self, X, sample_weight, first):
        if not first:
            check_same_model(self._stream.params, self._model_params(), type(self).__name__)
        rows = representative_rows(X, sample_weight, self._n_representative)
        with one_blas_thread():
            if first:
                rng = self._seeds(1)[0]
                self._stream = Stream(self._model_params(), rows, 0)
                self.n_iter_, self.history_, self.converged_ = 0, {}, False
            else:
                rng = self._state.rng
                self._stream = self._stream.after(rows)
            if self._stream.outgrew_start:
                seen = self._stream.rows
                model = self._make_model(seen)
                self._units = units_of(model, seen)
                method = self._method(model, seen, X.shape[0])
                params = self._start(model, seen, rng)
                self._state = self._fresh_state(model, method, params, rng, Constant())
                self._stream = self._stream.started()
            else:
                self._state = self._with_settings(self._state)
            n_batches = -(-X.shape[0] // self._rows_a_step(X.shape[0]))
            training = self._train(self._state, X, sample_weight, Silent(), n_batches)
            self._state = training.state
            self.n_iter_ += training.n_iter
            self.history_ = {
                name: np.append(self.history_.get(name, []), values)[-N_REMEMBERED:]
                for name, values in training.history.items()
            }
            self._settle(training.params, rows)
        if training.failure is not None:
            raise training.failure
        return self

    def _model_params(self):
        """Constructor's parameters that describe the model."""
        own = {"n_components", "regressor", *self._parameter_constraints}
        how = {*AmortisedEstimator._parameter_constraints, *self._of_answers}
        names = own - (how - {"n_components", "regressor"})
        names &= {*self._get_param_names()}
        return {name: getattr(self, name) for name in sorted(names)}

    def _with_settings(self, state):
        """The state of a stream with the constructor's settings of today."""
        method = state.method._replace(**self._settings())
        if method.learning_rate == state.method.learning_rate:
            return state._replace(method=method)
        return state._replace(method=method, optimizer=self._make_optimizer(method))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _check_X(self, X, sample_weight, reset):
        if not reset:
            check_is_fitted(self)
        elif isinstance(self.n_components, (bool, np.bool_)):
            raise ValueError(
                f"n_components of {type(self).__name__} must be a number or None; got "
                f"{self.n_components}."
            )
        lazy = is_lazy(X)
        few = first_rows(X) if lazy else X
        checked = validate_data(
            self,
            with_missing(few),
            reset=reset,
            dtype=[np.float64, np.float32],
            accept_sparse="csr" if self.__sklearn_tags__().input_tags.sparse else False,
            ensure_all_finite="allow-nan",
        )
        X = in_blocks(X, type(self).__name__) if lazy else checked
        sample_weight = check_sample_weight(sample_weight, X)
        check_observed(X, type(self).__name__, reset, sample_weight)
        return X, sample_weight

    def _seeds(self, n_seeds):
        if self.warm_start and hasattr(self, "_state"):  # the same numbers teach nothing
            return self._state.rng.spawn(n_seeds)
        return make_rng(check_random_state(self.random_state)).spawn(n_seeds)

    def _method(self, model, rows, n_rows):
        """The method, with the settings of the constructor."""
        method, own = self._make_method(model, rows, n_rows), self._settings()
        if self.regressor is not None:
            own["regression"] = self._make_regression(method)
        return method._replace(**own)

    def _settings(self):
        """Numbers of a method that the constructor gives."""
        names = ("n_simulations", "max_iter", "learning_rate", "n_iter_no_change")
        own = {name: getattr(self, name) for name in names}
        return {name: value for name, value in own.items() if value is not None}

    def _fresh_state(self, model, method, params, rng, schedule):
        return LoopState(
            model,
            params,
            method,
            self._make_optimizer(method),
            schedule,
            PolynomialAverage(),
            rng,
            clone(method.regression),
            self._units,
        )

    @with_callbacks
    def _trainings(self, X, rows, sample_weight):
        """One training a restart, and what was raised instead of some.

        Where the user interrupts, or a worker is killed, those up to there.
        """
        model = self._make_model(rows)
        self._units = units_of(model, rows)
        method = self._method(model, rows, X.shape[0])
        context = context_of(self, X, self.n_init)
        tables = (self._progress(n, context, method, rows) for n in range(self.n_init))
        trainings, errors = [], []
        try:
            for training in results_in_turn(self.n_jobs)(
                delayed(self._restart)(model, method, rng, X, rows, sample_weight, table)
                for rng, table in zip(self._seeds(self.n_init), tables, strict=True)
            ):
                if isinstance(training, Exception):
                    errors.append(training)
                    continue
                trainings.append(training)
                if training.interrupted:
                    break
        except KeyboardInterrupt:  # between trainings, or while others run them
            if not trainings:
                raise
        except Exception as error:  # a worker was killed
            errors.append(error)
        if not trainings:
            raise errors[0]
        if context is not None:
            context.call_on_fit_task_end(estimator=self, X=X)
        return trainings, errors

    def _progress(self, number, context, method, rows):
        """What is told of start `number`."""
        name, n_iter = type(self).__name__, method.max_iter
        table = make_progress(self.verbose, name, n_iter, number + 1, self.n_init)
        attributes = partial(self._attributes_at, rows)
        return watched(table, self, context, number, n_iter, attributes)

    def _attributes_at(self, rows, reached):
        """What this estimator would have learnt, had it stopped there."""
        other, (state, params) = copy(self), reached
        other._state = state
        other._settle(params, rows)
        own = self.get_params(deep=False)
        return {name: value for name, value in vars(other).items() if name not in own}

    def _best(self, trainings, rows):
        """The likeliest; one alone needs no likelihood."""
        sound = [training for training in trainings if training.failure is None]
        trainings = sound or trainings
        if len(trainings) == 1:
            return trainings[0]
        return max(trainings, key=lambda training: self._rank(training, rows))

    def _restart(self, *task):
        """One training; of several restarts, what it raised: the others go on."""
        try:
            return self._one_training(*task)
        except Exception as error:
            if self.n_init == 1:
                raise
            return error

    def _one_training(self, model, method, rng, X, rows, sample_weight, progress):
        warm = self.warm_start and hasattr(self, "_state")
        params = self._last_params(model, rows) if warm else self._start(model, rows, rng)
        schedule = self._make_schedule(method)
        start = self._fresh_state(model, method, params, rng, schedule)
        if warm:
            last = self._state
            start = start._replace(posterior=last.posterior, n_iter=last.n_iter)
        else:
            found = self._search(
                start, rows, lambda state: self._train(state, X, sample_weight, Silent())
            )
            if found.interrupted:
                return found
            start = start._replace(model=found.state.model, params=found.params)
        training = self._train(start, X, sample_weight, progress)
        progress.close(ending(training))
        return training

    def _last_params(self, model, rows):
        """What the last call learnt; raise if the model is now of other shapes."""
        last, fresh = (
            {".".join(path): np.shape(value) for path, value in leaves(params)}
            for params in (
                self._state.params,
                self._start(model, rows, np.random.default_rng(0)),
            )
        )
        if last != fresh:
            raise ValueError(
                f"{type(self).__name__} has warm_start=True, but the last fit was of "
                f"params of other shapes: {last}; this one's are {fresh}. Fit a clone, or "
                "set warm_start=False."
            )
        return self._state.params

    def _train(self, state, X, sample_weight, progress, n_iter=None):
        return train(
            state,
            X,
            progress,
            max_iter=state.method.max_iter,
            n_iter=n_iter,
            n_simulations=state.method.n_simulations,
            batch_size=self._rows_a_step(X.shape[0]),
            sample_weight=sample_weight,
        )

    def _rank(self, training, rows):
        """Sound runs first, then by log-likelihood."""
        log_marginal = self._log_likelihoods(training, representative_rows(rows))
        return training.failure is None, float(np.mean(log_marginal))

    def _log_likelihoods(self, training, rows):
        """Log-likelihood of each of some rows at the params of a training."""
        model, params = training.state.model, training.params
        posterior = answering(training.state, model, params, rows)
        return log_marginal_likelihood(model, params, rows, posterior=posterior)

    def _remaining_rise(self, X, rows):
        parts = self._model, self.params_, rows, self._posterior
        return remaining_rise(*parts, n_rows=X.shape[0])

    def _tell_how_it_ended(self, best, trainings, errors, rise):
        n_ended = sum(not training.interrupted for training in trainings)
        if errors:
            warnings.warn(
                f"{type(self).__name__}: {self.n_init - n_ended} of n_init={self.n_init} "
                f"restarts failed ({type(errors[0]).__name__}: {errors[0]}); the likeliest "
                "of the others is kept.",
                UserWarning,
                stacklevel=5,
            )
        if best.interrupted:
            message = (
                f"was interrupted after {self.n_iter_} iterations; it keeps the "
                "parameters learnt so far."
            )
        elif best.failure is not None:
            raise best.failure
        elif n_ended < self.n_init and not errors:
            message = (
                f"was interrupted after {n_ended} of n_init={self.n_init} restarts; it "
                "keeps the likeliest of these."
            )
        elif rise > RISING:
            message = (
                "came to rest where the log-likelihood still rises: a few steps of EM gain "
                f"{rise:.2g} nats a row at least. Increase max_iter, try another "
                "learning_rate, or compare several starts (n_init)."
            )
        elif not self.converged_:
            message = self._came_to_max_iter(best.state)
        else:
            return
        message = f"{type(self).__name__} {message}"
        warnings.warn(message, ConvergenceWarning, stacklevel=5)

    def _came_to_max_iter(self, state):
        method, schedule = state.method, state.schedule
        return (
            f"came to max_iter={method.max_iter} before its steps stopped paying: the last "
            f"{schedule.n_judged} full ones gained {schedule.last_gain:.2g} nats a row "
            f"(tol={self.tol:g} over {method.n_iter_no_change}). Increase max_iter or "
            "learning_rate, or tol if that is precise enough."
        )


def results_in_turn(n_jobs):
    """Function from delayed calls to their results, each as soon as it is there.

    Backends that give all results at once (multiprocessing, Ray's, Spark's) do so.
    """
    in_turn = get_active_backend()[0].supports_return_generator
    return Parallel(n_jobs=n_jobs, return_as="generator" if in_turn else "list")


class Stream(NamedTuple):
    """What partial_fit knows of the rows so far."""

    params: dict  # of the constructor, those that describe the model
    rows: np.ndarray | None  # all rows so far, as long as these are few
    n_at_start: int  # how many the start was made from

    def after(self, rows):
        """With some more rows, unless the start was made from enough."""
        if self.rows is None:
            return self
        return self._replace(rows=np.vstack([self.rows, rows]))

    @property
    def outgrew_start(self):
        """Whether the start should be made anew: it is rough where rows were few."""
        return self.rows is not None and len(self.rows) >= 2 * self.n_at_start

    def started(self):
        """The same, started from its rows; these are kept only while they are few."""
        n_rows = len(self.rows)
        return Stream(self.params, self.rows if n_rows < N_ENOUGH else None, n_rows)


def check_same_model(before, now, name):
    """Raise ValueError if parameters that describe the model have changed."""
    for parameter, value in now.items():
        was = before[parameter]
        if value is not was and repr(value) != repr(was):
            raise ValueError(
                f"{parameter} of {name} was set to {value!r} after rows were learnt under "
                f"{was!r}; partial_fit cannot go on under another model. Set it back, or "
                "fit a clone."
            )


def answering(state, model, params, rows):
    """The posterior that all answers come from; what was learnt of it goes on.

    Draws for a fit are chosen among those of a posterior inside, which has densities.
    """
    previous = getattr(state.posterior, "inner", state.posterior)
    same = model is state.model
    return fit_posterior(model, params, rows, previous=previous if same else None)
