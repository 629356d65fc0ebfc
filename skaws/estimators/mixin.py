"""What a fitted estimator says: latents, locations, new rows, likelihoods, draws."""

import warnings
from contextlib import contextmanager
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array, check_random_state, check_scalar, gen_batches
from sklearn.utils.validation import check_is_fitted

from ..batches import is_lazy
from ..evaluation import (
    Summary,
    effective_draws,
    log_marginal_likelihood,
    posterior_mean,
    sample_posterior,
)
from ..evaluation.summary import feature_names
from ..progress import Rows, Silent
from ..spaces import Space
from .validation import check_sample_weight, first_rows

__all__ = [
    "FittedMixin",
    "check_n_samples",
    "make_rng",
    "span",
    "usual_arithmetic",
    "weighted_mean",
]

#: NumPy's own settings: what underflows is zero, whatever the caller made of it.
USUAL = {"divide": "warn", "over": "warn", "invalid": "warn", "under": "ignore"}
N_AT_ONCE = 5000  # rows, between two looks at the clock
N_NAMED = 3  # entries of a component, in a summary
N_IMPUTED = 200  # posterior draws, of means without a formula


class FittedMixin(ClassNamePrefixFeaturesOutMixin, TransformerMixin):
    """Methods of a fitted estimator, read off its ``_model`` at its ``params_``.

    What is said of latents comes from the fitted posterior, ``_posterior``: nothing is
    simulated again.
    """

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Posterior mean of the latents given each row, E[z | x].

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN marks a missing entry.

        Returns
        -------
        latents : ndarray of shape (n_samples, n_components)
            Of an array or data frame of dask: a dask array, not computed yet.

        Raises
        ------
        NotImplementedError
            If "no posterior suits" the model.

        Warns
        -----
        UserWarning
            If rows "have no finite answer"; latents are then NaN, scores minus infinity.

        Notes
        -----
        Where there is a formula or few values to sum over, that takes about a microsecond a
        row and column.  Else each row takes 200 draws of its latents, some 30 to 100
        microseconds for few columns: seconds for 100 000 rows.  With ``verbose=1`` a line
        every five seconds says how far it is.
        """
        return self._block_by_block(X, self._transform)

    def _rows(self, X):
        """Rows as the model and the posterior take them, in memory."""
        if is_lazy(X):
            raise TypeError(
                f"This method of {type(self).__name__} takes rows in memory; got "
                f"{type(X).__name__} of dask. Pass X.compute(), or one block after another "
                "(X.map_blocks, X.map_partitions); transform, score_samples and score take "
                "X itself."
            )
        return self._check_X(X, None, reset=False)[0]

    def _block_by_block(self, X, answer, **given):
        """``answer(rows)`` of X, or a dask array that will answer each block of its own."""
        check_is_fitted(self)
        if not is_lazy(X) or any(columns is not None for columns in given.values()):
            return answer(self._rows(X, **given))
        few = answer(self._rows(first_rows(X)))[:0]

        def block(rows):
            return answer(self._rows(rows)) if len(rows) else few

        if hasattr(X, "head"):
            return X.map_partitions(block, meta=few)
        X = X.rechunk({1: -1})
        if few.ndim == 1:
            return X.map_blocks(block, meta=few, drop_axis=1)
        return X.map_blocks(block, meta=few, chunks=(X.chunks[0], few.shape[1:]))

    def _transform(self, X):
        mean = self._answers(
            X, lambda X: posterior_mean(*self._fitted, X, posterior=self._posterior)
        )
        with np.errstate(over="ignore"):
            return mean.astype(X.dtype, copy=False)

    @property
    def _fitted(self):
        return self._model, self.params_

    def _answers(self, X, answer):
        """Answers for the rows of X, some at a time; tell how far it is."""
        n_rows = X.shape[0]
        progress = Rows(type(self).__name__, n_rows) if self.verbose else Silent()
        blocks = []
        for rows in gen_batches(n_rows, N_AT_ONCE):
            with usual_arithmetic(type(self).__name__), np.errstate(all="ignore"):
                blocks.append(answer(X[rows]))  # what is not finite is warned of below
            progress.update(rows.stop)
        found = np.concatenate(blocks)
        warn_of_rows_without_answer(found, type(self).__name__)
        return found

    def sample_posterior(
        self,
        X: ArrayLike,
        n_samples: int = 1,
        random_state: int | np.random.RandomState | None = None,
    ) -> np.ndarray:
        """Draw latents of each row from their posterior, p(z | x).

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            Rows; NaN marks a missing entry.
        n_samples : int, default=1
            Number of draws of each row.
        random_state : int, RandomState instance or None, default=None
            Source of randomness.

        Returns
        -------
        latents : ndarray of shape (n_samples, n_rows, n_components)
            In the order of :meth:`transform`, whose answer is their mean.

        Raises
        ------
        ValueError
            If "n_samples must be at least 1".
        NotImplementedError
            If "no posterior suits" the model.
        """
        return self._sample_posterior(self._rows(X), n_samples, random_state)

    def _sample_posterior(self, X, n_samples, random_state):
        check_n_samples(n_samples)
        rng = make_rng(check_random_state(random_state))
        draws = sample_posterior(
            self._model, self.params_, X, n_samples, rng, self._posterior
        )
        return draws.astype(X.dtype, copy=False)

    def impute(
        self,
        X: ArrayLike,
        n_draws: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> np.ndarray:
        """Fill missing entries from what each row's other entries say.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN marks a missing entry.
        n_draws : int, default=None
            None fills with conditional means, E[x_missing | x_seen]; a number gives so many
            draws of each row, noise included, as multiple imputation asks for.
        random_state : int, RandomState instance or None, default=None
            Source of randomness, also of means where these have no formula (then within
            about 7% of the standard deviation of what is missing).

        Returns
        -------
        X_filled : ndarray of shape (n_samples, n_features), or (n_draws, n_samples, \
n_features)
            X where it is not NaN.

        Raises
        ------
        NotImplementedError
            If the model "cannot say what is observed", or "no posterior suits" it.
        """
        return self._impute(self._rows(X), n_draws, random_state)

    def _impute(self, X, n_draws, random_state):
        """Rows X, with given columns behind their own, filled."""
        model, given = self._model, self._given_of(X)
        if not hasattr(model, "observe"):
            raise NotImplementedError(
                f"{type(model).__name__} cannot say what is observed given latents. Give "
                "it methods mean and observe (skaws.models.GenerativeModel)."
            )
        own = X[:, : self.n_features_in_]
        if n_draws is None and hasattr(model, "linear_moments"):
            moments = model.linear_moments(self.params_)
            expected = moments.mean + self._transform(X) @ moments.components
            return np.where(np.isnan(own), expected, own)
        n_posterior = N_IMPUTED if n_draws is None else n_draws
        draws = self._sample_posterior(X, n_posterior, random_state)
        rng, read = make_rng(check_random_state(random_state)), self._reader(X)
        if n_draws is None:
            filled = [model.mean(self.params_, read(z), *given) for z in draws]
            return np.where(np.isnan(own), np.mean(filled, axis=0), own)
        filled = [model.observe(self.params_, read(z), rng, *given) for z in draws]
        return np.where(np.isnan(own), np.array(filled)[..., : own.shape[1]], own)

    def _given_of(self, X):
        """What the model takes beside latents, of rows X: nothing, or given columns."""
        return ()

    def _reader(self, like=None):
        """Function from columns of `transform` to latents as the model takes them."""
        return lambda columns: columns

    def conditional_score_samples(self, X: ArrayLike, context: ArrayLike) -> np.ndarray:
        """Log-likelihood of the rest of each row given some of it, log p(rest | some).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN marks a missing entry, on neither side.
        context : array-like of bool, of shape (n_features,) or (n_samples, n_features)
            Which entries are known.

        Returns
        -------
        log_likelihood : ndarray of shape (n_samples,)
            In nats: the difference of two scores, of the whole row and of its known part.

        Raises
        ------
        ValueError
            If "context must be" booleans of one of these shapes.
        """
        return self._conditional(self._rows(X), context)

    def _conditional(self, X, context):
        context, n_own = np.asarray(context), self.n_features_in_
        if context.dtype != bool or context.shape not in ((n_own,), (len(X), n_own)):
            raise ValueError(
                f"context must be booleans of shape ({n_own},) or {(len(X), n_own)}; got "
                f"{context.dtype} of shape {context.shape}."
            )
        known = np.array(X)
        known[:, :n_own] = np.where(context, X[:, :n_own], np.nan)
        # Scores of rows of which nothing is known are zero.
        empty = np.isnan(known[:, :n_own]).all(axis=1)
        before = np.zeros(len(X))
        if not empty.all():
            before[~empty] = self._score_samples(known[~empty])
        return self._score_samples(X) - before

    def inverse_transform(self, X: ArrayLike) -> np.ndarray:
        """Location of the observations given latents.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Latents.

        Returns
        -------
        location : ndarray of shape (n_samples, n_features)

        Raises
        ------
        ValueError
            If X has another number of columns than there are components.
        NotImplementedError
            If the model "has no location of observations given latents".
        """
        check_is_fitted(self)
        X = check_array(
            X, dtype=[np.float64, np.float32], input_name="X", ensure_min_features=0
        )
        if X.shape[1] != self._n_features_out:
            raise ValueError(
                f"X has {X.shape[1]} columns, but {type(self).__name__} has "
                f"{self._n_features_out} components. Pass latents as transform returns."
            )
        if not hasattr(self._model, "location"):
            raise NotImplementedError(
                f"{type(self._model).__name__} has no location of observations given "
                "latents. Give the model a location method."
            )
        location = self._model.location(self.params_, self._reader()(X))
        return location.astype(X.dtype, copy=False)

    def sample(
        self, n_samples: int = 1, random_state: int | np.random.RandomState | None = None
    ) -> np.ndarray:
        """Draw new rows from the fitted model.

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows.
        random_state : int, RandomState instance or None, default=None
            Source of randomness.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)

        Raises
        ------
        ValueError, TypeError
            If `n_samples` is no whole number, or "must be at least 1".
        """
        check_is_fitted(self)
        check_n_samples(n_samples)
        rng = make_rng(check_random_state(random_state))
        with usual_arithmetic(type(self).__name__):
            return self._model.sample(self.params_, n_samples, rng)[1]

    def score_samples(self, X: ArrayLike) -> np.ndarray:
        """Log-likelihood of each row, log p(x), over its observed entries.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN marks a missing entry.

        Returns
        -------
        log_likelihood : ndarray of shape (n_samples,)
            In nats. Of an array or data frame of dask: a dask array, not computed yet.

        Raises
        ------
        NotImplementedError
            If "no posterior suits" the model.

        Notes
        -----
        It takes as long as :meth:`transform`.
        """
        return self._block_by_block(X, self._score_samples)

    def _score_samples(self, X):
        found = self._answers(
            X,
            lambda X: log_marginal_likelihood(*self._fitted, X, posterior=self._posterior),
        )
        return np.where(np.isnan(found), -np.inf, found)

    def effective_draws(self, X: ArrayLike) -> np.ndarray:
        """Number of draws that count in what is said of each row's latents and score.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN marks a missing entry.

        Returns
        -------
        numbers : ndarray of shape (n_samples,)
            Of importance sampling (:func:`skaws.evaluation.effective_draws`); infinite
            where answers are exact. Below ten, scores come out low and intervals narrow.
        """
        X = self._rows(X)
        return effective_draws(*self._fitted, X, posterior=self._posterior)

    def score(
        self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None
    ) -> float:
        """Mean log-likelihood of the rows of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN marks a missing entry.
        y : Ignored
            Present for API consistency.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights of the rows in the mean.

        Returns
        -------
        log_likelihood : float
            In nats a row.
        """
        return weighted_mean(np.asarray(self.score_samples(X)), sample_weight)

    def get_covariance(self) -> np.ndarray:
        """Covariance of the observations under the fitted model.

        Returns
        -------
        covariance : ndarray of shape (n_features, n_features)
            That of the latents through the components, and the noise (of counts: at their
            mean) on its diagonal.

        Raises
        ------
        NotImplementedError
            If the mean of x "is not linear in the latents".
        """
        check_is_fitted(self)
        if not hasattr(self._model, "linear_moments"):
            raise NotImplementedError(
                f"{type(self).__name__} has no formula for its covariance here: the mean "
                "of x is not linear in the latents. Take that of draws: "
                "numpy.cov(estimator.sample(10000).T)."
            )
        moments = self._model.linear_moments(self.params_)
        loadings = moments.latent_factor @ moments.components
        noise = moments.noise_variance * np.ones(loadings.shape[1])
        return loadings.T @ loadings + np.diag(noise)

    def aic(self, X: ArrayLike) -> float:
        """Akaike's information criterion of the fitted model on X; lower is better.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows that the estimator was fitted to; NaN marks a missing entry.

        Returns
        -------
        aic : float
            Twice the number of free parameters, less twice the log-likelihood.

        See Also
        --------
        skaws.evaluation.compare : By held-out rows, which needs no count of parameters.

        Notes
        -----
        Parameters are counted as the model has them, less the rotation that factors leave
        open.  For latents that fall out of use, and under priors over parameters, there is
        no right count: compare scores of held-out rows.
        """
        return 2 * self._n_parameters - 2 * float(np.sum(self.score_samples(X)))

    def bic(self, X: ArrayLike) -> float:
        """Bayesian information criterion of the fitted model on X; lower is better.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows that the estimator was fitted to; NaN marks a missing entry.

        Returns
        -------
        bic : float
            As :meth:`aic`, with the logarithm of the number of rows for each parameter in
            place of 2.
        """
        log_likelihood = np.asarray(self.score_samples(X))
        penalty = self._n_parameters * np.log(len(log_likelihood))
        return float(penalty - 2 * np.sum(log_likelihood))

    @property
    def _n_parameters(self):
        """Number of free parameters."""
        return Space(self.params_, self._model.constraints).size

    def summary(self):
        """Small table of what was learnt; ``print`` it, or take its ``to_frame()``.

        Returns
        -------
        summary : skaws.evaluation.Summary
            A row for each component, or for each parameter of a model of your own.
        """
        check_is_fitted(self)
        ended = "converged" if self.converged_ else "had not converged"
        ending = f"{ended} after {self.n_iter_} iterations"
        columns, notes = self._summary()
        return Summary(type(self).__name__, columns, [*notes, ending])

    def _summary(self):
        """Columns of a summary, and notes."""
        components = self._loadings
        columns = {"component": list(range(len(components)))}
        if hasattr(self._model, "linear_moments"):
            columns["variance"] = self.explained_variance_.tolist()
            columns["share"] = self.explained_variance_ratio_.tolist()
        columns["largest entries"] = [self._largest(row) for row in components]
        return columns, []

    def _largest(self, row):
        """Names and values of the three entries of a component that are largest."""
        names = feature_names(self)
        order = np.argsort(-np.abs(row), kind="stable")[:N_NAMED]
        return ", ".join(f"{names[j]} ({row[j]:.3g})" for j in order)

    @property
    def _loadings(self):
        """What each latent adds to the columns, (n_components, n_features)."""
        return self.components_

    @property
    def explained_variance_(self):
        """Variance of the columns that each component explains, (n_components,)."""
        moments = self._model.linear_moments(self.params_)
        loadings = moments.latent_factor @ moments.components
        shared = moments.latent_factor.T @ loadings
        return np.sum(moments.components * shared, axis=1)

    @property
    def explained_variance_ratio_(self):
        """The same as shares of the columns' variance under the model, (n_components,)."""
        return self.explained_variance_ / np.trace(self.get_covariance())

    @property
    def _n_features_out(self):
        return self.components_.shape[0]


@contextmanager
def usual_arithmetic(name):
    """NumPy's own settings for what is done in it, and words for singular matrices.

    `name` is that of the estimator.
    """
    try:
        with np.errstate(**USUAL):
            yield
    except np.linalg.LinAlgError as error:
        raise FloatingPointError(
            f"Parameters of {name} ran away, or rows lie too far out to compute with them "
            f"({error}). Lower learning_rate, or look for rows far from all others."
        ) from error


def warn_of_rows_without_answer(found, name):
    """Warn of rows that lie so far out that numbers overflow, or that cannot be."""
    bad = np.flatnonzero(~np.isfinite(found.reshape(len(found), -1)).all(axis=1))
    if len(bad):
        some = ", ".join(map(str, bad[:5])) + (", ..." if len(bad) > 5 else "")
        warnings.warn(
            f"{name}: {len(bad)} row(s) of X have no finite answer (row {some}): they lie "
            "too far from all that the model can make, or are impossible under it. Look "
            "for wrong units or codes for missing values in them.",
            UserWarning,
            stacklevel=5,
        )


def span(values):
    """Smallest and largest of some numbers, in words."""
    low, high = np.min(values), np.max(values)
    return f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}"


def check_n_samples(n_samples):
    """Raise unless it is a whole number, one at least."""
    check_scalar(n_samples, "n_samples", Integral)
    if n_samples < 1:
        raise ValueError(f"n_samples must be at least 1; got {n_samples}.")


def weighted_mean(values, sample_weight):
    """Mean of a value for each row, by weights that were not looked at yet."""
    weights = check_sample_weight(sample_weight, values[:, np.newaxis])
    return float(np.average(values, weights=weights))


def make_rng(random_state):
    """NumPy Generator seeded by a RandomState."""
    return np.random.default_rng(random_state.randint(2**32, size=4, dtype=np.uint32))
