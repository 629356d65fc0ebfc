"""What all estimators share: scikit-learn's grammar around the wake-sleep loop."""

import warnings
from copy import deepcopy

import numpy as np
from joblib import Parallel, delayed
from scipy.sparse import issparse
from sklearn.base import _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from ..evaluation import log_marginal_likelihood
from ..machine import one_blas_thread
from ..optimizers import PolynomialAverage
from ..params import leaves
from ..progress import Silent, make_progress
from .answers import Answers, make_rng
from .recipe import Recipe
from .rows import check_observed, check_sample_weight, merged_rows, representative_rows
from .training import LoopState, ending, train

__all__ = ["AmortisedEstimator"]


class AmortisedEstimator(Answers, Recipe):
    """Base of all estimators: fits a generative model by amortised learning.

    A named estimator is a :class:`Recipe`: what it does not choose is the same for all.
    """

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, *, sample_weight=None):
        """Fit the model to X by maximum likelihood.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN marks a missing entry. A ``np.memmap`` is read a batch at a
            time.
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
        if X.shape[0] <= self.batch_size:
            X, sample_weight = merged_rows(X, sample_weight)
        rows = representative_rows(X, sample_weight, self._n_representative)
        self._warn_of_odd_tables(X, rows)
        with one_blas_thread():
            trainings = self._trainings(X, rows, sample_weight)
            best = self._best(trainings, rows)
            schedule = best.state.optimizer.schedule
            self.history_, self.n_iter_ = best.history, best.n_iter
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
        self._tell_how_it_ended(best, trainings)
        self._warn_of_odd_fit(rows)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None, *, sample_weight=None):
        """Take one pass over X, from where the last call stopped.

        Steps are at the full `learning_rate`; the answer is the average of the path.

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
            self.n_iter_ += training.n_iter
            self.history_ = {
                name: np.append(self.history_.get(name, []), values)
                for name, values in training.history.items()
            }
            self._set_attributes(training.params)
        if training.failure is not None:
            raise training.failure
        return self

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

    def _seeds(self, n_seeds):
        return make_rng(check_random_state(self.random_state)).spawn(n_seeds)

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
        """One training a restart; where the user interrupts, those up to there."""
        model = self._make_model(rows)
        name, max_iter = type(self).__name__, self._option("max_iter")
        progress = make_progress(self.verbose, name, max_iter)
        trainings = []
        try:
            for training in Parallel(n_jobs=self.n_jobs, return_as="generator")(
                delayed(self._restart)(model, rng, X, rows, sample_weight, progress)
                for rng in self._seeds(self.n_init)
            ):
                trainings.append(training)
                if training.interrupted:
                    break
        except KeyboardInterrupt:  # between trainings, or while others run them
            if not trainings:
                raise
        return trainings

    def _best(self, trainings, rows):
        """The likeliest; one alone needs no likelihood."""
        if len(trainings) == 1:
            return trainings[0]
        return max(trainings, key=lambda training: self._rank(training, rows))

    def _restart(self, model, rng, X, rows, sample_weight, progress):
        warm = self.warm_start and hasattr(self, "_state")
        params = self._last_params(model, rows) if warm else self._start(model, rows, rng)
        start = self._fresh_state(model, params, rng, self._schedule())
        if warm:
            last = self._state  # of which restarts may not learn from each other
            start = start._replace(estimate=deepcopy(last.estimate), n_iter=last.n_iter)
        else:
            found = self._search(
                start, rows, lambda state: self._train(state, X, sample_weight, Silent())
            )
            if found.interrupted:
                return found
            start = start._replace(params=found.params)
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

    def _tell_how_it_ended(self, best, trainings):
        n_ended = sum(not training.interrupted for training in trainings)
        if best.interrupted:
            told = (
                f"was interrupted after {self.n_iter_} iterations; it keeps the "
                "parameters learnt so far."
            )
        elif best.failure is not None:
            raise best.failure
        elif n_ended < self.n_init:
            told = (
                f"was interrupted after {n_ended} of n_init={self.n_init} restarts; it "
                "keeps the likeliest of these."
            )
        elif not self.converged_:
            told = self._came_to_max_iter(best.state.optimizer.schedule)
        else:
            return
        told = f"{type(self).__name__} {told}"
        warnings.warn(told, ConvergenceWarning, stacklevel=4)

    def _came_to_max_iter(self, schedule):
        max_iter, over = self._option("max_iter"), self._option("n_iter_no_change")
        return (
            f"came to max_iter={max_iter} before its steps stopped paying: the last "
            f"{schedule.n_judged} full ones gained {schedule.last_gain:.2g} nats a row "
            f"(tol={self.tol:g} over {over}). Increase max_iter or learning_rate, or "
            "tol if that is precise enough."
        )
