"""Any generative model as an estimator."""

from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import _fit_context
from sklearn.utils import check_array, check_consistent_length, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ..batches import is_lazy, row_slices
from ..checks.fit import warn_of_vanished_noise
from ..methods import METHODS, Method, choose_method
from ..models import GenerativeModel, GivenColumns
from ..models.given import check_needs_no_given
from ..posteriors import NoPosterior, posterior_for
from ..schedules import FixedLength
from ..simulations import latent_space
from ..spaces import latents_of, leaves
from ..starts import nearer_start
from ..validation import check_returned
from .base import AmortisedEstimator
from .mixin import check_n_samples, make_rng, usual_arithmetic, weighted_mean

__all__ = ["AmortisedLearner"]

N_AT_ONCE = 10_000  # rows whose entries are looked at together


class AmortisedLearner(AmortisedEstimator):
    """Maximum likelihood for any model that can be sampled and has a log joint.

    The model is composed of parts, :class:`skaws.models.LatentVariableModel`, or brought
    as three plain functions, :class:`skaws.models.FunctionModel`.  Run
    :func:`skaws.checks.check_model` on it first.  Linear Gaussian factors, noisy
    independent components and non-negative parts have estimators of their own, which are
    faster and settle signs, order and scale.

    Parameters
    ----------
    model : GenerativeModel
        What to fit; it is not changed.
    method : {"enumeration", "importance", "reweighted", "residual"} or Method, \
default=None
        How to fit it. None takes what suits the model (see Notes); a
        :class:`skaws.methods.Method` replaces any part of that.
    n_simulations : int, default=None
        Pairs simulated in each iteration. None leaves it to the method.
    batch_size : int, default=256
        Largest number of rows in an iteration. A table of no more rows than this is
        used whole.
    max_iter : int, default=None
        Largest number of iterations. None leaves it to the method.
    learning_rate : float, default=None
        Size of a full step of Adam in the coordinates of the model's ``move``. None
        leaves it to the method.
    regressor : KernelRidge or AdaptiveKernelRegression, default=None
        The regression of the log joint (:class:`skaws.regression.KernelRegression`). None
        leaves it to the method. Latents of few values need none.
    tol : float, default=1e-3
        Steps stay at full size while `n_iter_no_change` of them gain at least this, in
        nats a row.
    n_iter_no_change : int, default=None
        Number of iterations over which the gain is summed. None leaves it to the method.
    n_init : int, default=1
        Number of restarts; the one of highest likelihood is kept, so that the model must
        have one (see :meth:`score_samples`).
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
    params_ : dict
        What was learnt, nested as the model's params.
    method_ : str
        Name of the method: "enumeration", "importance", "reweighted" or "residual".
    latent_support_ : Support or dict of Support
        Values that latents may take: declared, or read off simulations.
    n_latents_ : int
        Number of columns of the latents.
    n_iter_ : int
        Number of iterations.
    history_ : dict of ndarray
        A value for each iteration: ``"objective"`` (nats a row), ``"gain"`` (in
        log-likelihood by the step before, estimated, nats a row),
        ``"gradient_norm"``, ``"weight_sum"``, ``"regression_error"`` and
        ``"input_distance"``; see
        :class:`skaws.wake_sleep.Iteration`.
    converged_ : bool
        Whether steps had stopped paying before `max_iter` made them smaller (for methods
        of fixed length: whether it came to its end), and the log-likelihood of the answer
        is not raised by a few steps of EM.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, where X has names that are all strings.

    Raises
    ------
    TypeError
        In `fit`, if `model` is no GenerativeModel.
    ValueError
        In `fit`, if the model is not made for `method`, or "X contains NaN" and its
        ``allows_missing`` is False.

    Warns
    -----
    UserWarning
        In `fit`: "real rows lie far from simulated ones", if their log densities rank lower
        by more than a standard deviation, in the mean; "the noise has
        collapsed", if it is less than a thousandth of the deviation of a column of X.

    See Also
    --------
    skaws.wake_sleep.wake_sleep : The loop itself, to be run with parts of one's own.

    Notes
    -----
    The method, unless named, follows from the model (:func:`skaws.methods.choose_method`):

    - *enumeration*, for latents that take few values: the exact likelihood, from the log
      joint alone.
    - *importance*, for latents on a circle or sphere of a model that knows p(x | z): half
      of the iterations with weights by kernel ridge regression on a network's latent
      estimates, which give the latents their order; half with weights by Bayes' rule over
      the simulations, which give it precision. It takes a fixed number of iterations, with
      plain steps: relative to the noise they would come to rest before the order is found,
      where there is nearly none.
    - *reweighted*, for other latents of a model that knows p(x | z) and has no linear mean,
      such as a network: reweighted wake-sleep [1]_. The log joint is climbed at draws from
      each row's posterior, candidates of a recognition network of which importance
      resampling keeps one; a fixed number of iterations with plain steps.
    - *residual*, for all others, three functions among them: the residual of the log joint
      from its value at latents of the posterior is regressed on x, and the regression
      believed as far as it predicts.  These latents are draws as in *reweighted*, unless
      the posterior is exact, or that of Gaussian latents under a linear mean, or the
      latents are paths.  Only latents without real coordinates, such as waiting times that
      are zero for some, have no baseline: the log joint itself is regressed, by a kernel
      that learns (:class:`skaws.regression.AdaptiveKernelRegression`); that takes many
      simulations where x has many columns.

    A start (``init_params``) whose simulated rows lie far from X is moved first: the means
    and deviations of its columns are brought to those of X by least squares
    (:func:`skaws.starts.nearer_start`), for models of at most fifty params.

    The likelihood may have many maxima: ``n_init`` tries several starts.  ``partial_fit``
    and ``warm_start`` go on with the networks too, and the first half of *importance* lasts
    until half of `max_iter` iterations were taken, in whatever calls.

    References
    ----------
    .. [1] J. Bornschein, Y. Bengio. Reweighted wake-sleep. ICLR 2015.

    Examples
    --------
    Waiting times measured with error, as three functions:

    >>> import autograd.numpy as anp
    >>> from skaws import AmortisedLearner
    >>> from skaws.supports import Positive
    >>> from skaws.models import FunctionModel
    >>> def sample(params, n_samples, rng):
    ...     z = rng.exponential(1 / params["rate"], (n_samples, 1))
    ...     return z, z + 0.5 * rng.standard_normal((n_samples, 1))
    >>> def log_joint(params, z, x):
    ...     log_prior = anp.log(params["rate"]) - params["rate"] * z[:, 0]
    ...     log_prior = anp.where(z[:, 0] >= 0, log_prior, -np.inf)
    ...     return log_prior - 2 * (x - z)[:, 0] ** 2 - 0.5 * np.log(0.5 * np.pi)
    >>> def init_params(X, rng):
    ...     return {"rate": 1.0}
    >>> model = FunctionModel(sample, log_joint, init_params, {"rate": Positive()})
    >>> X = model.sample({"rate": 0.4}, 1000, np.random.default_rng(0))[1]
    >>> learner = AmortisedLearner(model, max_iter=300, random_state=0).fit(X)
    >>> bool(abs(learner.params_["rate"] - 1 / X.mean()) < 0.01)
    True
    """

    _parameter_constraints: dict = {
        **{
            name: constraint
            for name, constraint in AmortisedEstimator._parameter_constraints.items()
            if name != "n_components"
        },
        "model": "no_validation",  # fit says more of what is wrong
        "method": [StrOptions(set(METHODS)), Method, None],
        "max_iter": [Interval(Integral, 1, None, closed="left"), None],
        "learning_rate": [Interval(Real, 0, None, closed="neither"), None],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(
        self,
        model,
        *,
        method=None,
        n_simulations: int | None = None,
        batch_size: int = 256,
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
            n_components=None,
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
        self.model = model
        self.method = method

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: ArrayLike,
        y: object = None,
        *,
        sample_weight: ArrayLike | None = None,
        given: ArrayLike | None = None,
    ):
        """Fit the model to X by maximum likelihood.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN marks a missing entry, where the model ``allows_missing``.
        y : Ignored
            Present for API consistency.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights; an integer weight counts its row that many times.
        given : array-like of shape (n_samples, n_given), default=None
            Columns that are known of a row before x, such as covariates; the model's
            ``sample`` and ``log_joint`` then take them as an argument ``given``.

        Returns
        -------
        self : object
            Fitted estimator.

        Raises
        ------
        ValueError, TypeError
            If X, `given` or what the model's functions return cannot be used; the message
            says which function returned what.
        FloatingPointError
            If the gradient "is not finite", a parameter "came to the edge of its
            support", or "Parameters ran away"; attributes then hold what was learnt
            before that.

        Warns
        -----
        ConvergenceWarning
            If the fit "came to max_iter before its steps stopped paying", or "was
            interrupted"; attributes hold the parameters learnt so far.
        """
        X, sample_weight = self._check_X(X, sample_weight, reset=True)
        X = self._with_given(X, given, reset=True)
        with usual_arithmetic(type(self).__name__):
            return self._fit(X, sample_weight)

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: ArrayLike,
        y: object = None,
        *,
        sample_weight: ArrayLike | None = None,
        given: ArrayLike | None = None,
    ):
        """Take one pass over X, from where the last call stopped.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN marks a missing entry.
        y : Ignored
            Present for API consistency.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights.
        given : array-like of shape (n_samples, n_given), default=None
            As in :meth:`fit`.

        Returns
        -------
        self : object
            Fitted estimator.
        """
        first = not hasattr(self, "_state")
        X, sample_weight = self._check_X(X, sample_weight, reset=first)
        X = self._with_given(X, given, reset=first)
        with usual_arithmetic(type(self).__name__):
            return self._partial_fit(X, sample_weight, first)

    def fit_transform(self, X, y=None, *, sample_weight=None, given=None) -> np.ndarray:
        """Fit to X, then transform it.

        Parameters
        ----------
        X, y, sample_weight, given
            As in :meth:`fit`.

        Returns
        -------
        latents : ndarray of shape (n_samples, n_latents)
        """
        self.fit(X, sample_weight=sample_weight, given=given)
        return self.transform(X, given=given)

    def transform(self, X: ArrayLike, given: ArrayLike | None = None) -> np.ndarray:
        """Posterior mean of the latents given each row, E[z | x].

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN marks a missing entry.
        given : array-like of shape (n_samples, n_given), default=None
            As in :meth:`fit`.

        Returns
        -------
        latents : ndarray of shape (n_samples, n_latents)
            Latents in a dictionary side by side, those of a path unravelled.

        Raises
        ------
        NotImplementedError
            If "no posterior suits" the model.
        """
        return self._block_by_block(X, self._transform, given=given)

    def sample_posterior(
        self,
        X: ArrayLike,
        n_samples: int = 1,
        random_state: int | np.random.RandomState | None = None,
        given: ArrayLike | None = None,
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
        given : array-like of shape (n_rows, n_given), default=None
            As in :meth:`fit`.

        Returns
        -------
        latents : ndarray of shape (n_samples, n_rows, n_latents)
            In the order of :meth:`transform`, whose answer is their mean.
        """
        return self._sample_posterior(self._rows(X, given), n_samples, random_state)

    def impute(
        self,
        X: ArrayLike,
        n_draws: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        given: ArrayLike | None = None,
    ) -> np.ndarray:
        """Fill missing entries from what each row's other entries say.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN marks a missing entry.
        n_draws : int, default=None
            None fills with conditional means; a number gives so many draws.
        random_state : int, RandomState instance or None, default=None
            Source of randomness.
        given : array-like of shape (n_samples, n_given), default=None
            As in :meth:`fit`.

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
        return self._impute(self._rows(X, given), n_draws, random_state)

    def conditional_score_samples(
        self, X: ArrayLike, context: ArrayLike, given: ArrayLike | None = None
    ) -> np.ndarray:
        """Log-likelihood of the rest of each row given some of it, log p(rest | some).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN marks a missing entry, on neither side.
        context : array-like of bool, of shape (n_features,) or (n_samples, n_features)
            Which entries are known.
        given : array-like of shape (n_samples, n_given), default=None
            As in :meth:`fit`.

        Returns
        -------
        log_likelihood : ndarray of shape (n_samples,)
            In nats.

        Raises
        ------
        ValueError
            If `context` has neither of these shapes.
        NotImplementedError
            If "no posterior suits" the model.
        """
        return self._conditional(self._rows(X, given), context)

    def _given_of(self, X):
        return (X[:, self.n_features_in_ :],) if self._n_given else ()

    def _reader(self, like=None):
        space = latent_space(self._model, self.params_, like)
        return lambda columns: latents_of(columns, space)

    def sample(
        self,
        n_samples: int = 1,
        random_state: int | np.random.RandomState | None = None,
        given: ArrayLike | None = None,
    ) -> np.ndarray:
        """Draw new rows from the fitted model.

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows.
        random_state : int, RandomState instance or None, default=None
            Source of randomness.
        given : array-like of shape (n_samples, n_given), default=None
            As in :meth:`fit`, a row for each sample.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
        """
        if given is None and not getattr(self, "_n_given", 0):
            return super().sample(n_samples, random_state)
        check_is_fitted(self)
        check_n_samples(n_samples)
        rng = make_rng(check_random_state(random_state))
        given = self._with_given(np.zeros((n_samples, 0)), given, reset=False)
        x = self._model.sample(self.params_, n_samples, rng, given)[1]
        return x[:, : self.n_features_in_]

    def score_samples(self, X: ArrayLike, given: ArrayLike | None = None) -> np.ndarray:
        """Log-likelihood of each row, log p(x), over its observed entries.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN marks a missing entry.
        given : array-like of shape (n_samples, n_given), default=None
            As in :meth:`fit`.

        Returns
        -------
        log_likelihood : ndarray of shape (n_samples,)
            In nats.
        """
        return self._block_by_block(X, self._score_samples, given=given)

    def score(
        self,
        X: ArrayLike,
        y: object = None,
        sample_weight: ArrayLike | None = None,
        given: ArrayLike | None = None,
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
        given : array-like of shape (n_samples, n_given), default=None
            As in :meth:`fit`.

        Returns
        -------
        log_likelihood : float
            In nats a row.
        """
        log_likelihood = np.asarray(self.score_samples(X, given=given))
        return weighted_mean(log_likelihood, sample_weight)

    def _summary(self):
        found = {".".join(path): np.asarray(own) for path, own in leaves(self.params_)}
        columns = {
            "parameter": list(found),
            "shape": [str(own.shape) for own in found.values()],
            "mean": [float(np.mean(own)) for own in found.values()],
            "smallest": [float(np.min(own)) for own in found.values()],
            "largest": [float(np.max(own)) for own in found.values()],
        }
        return columns, [repr(self.model)]

    def _rows(self, X, given=None):
        return self._with_given(super()._rows(X), given, reset=False)

    def _with_given(self, X, given, reset):
        """X with the given columns, float64, behind its own."""
        if reset:
            self._n_given = 0 if given is None else np.shape(check_given(given, X))[1]
        if given is None and self._n_given == 0:
            return X
        if is_lazy(X):
            raise TypeError(
                "AmortisedLearner takes given columns beside rows in memory only; got "
                f"{type(X).__name__} of dask. Pass X.compute()."
            )
        given = check_given(given, X)
        if given.shape[1] != self._n_given:
            raise ValueError(
                f"given has {given.shape[1]} columns, but AmortisedLearner was fitted with "
                f"{self._n_given}. Pass the same columns as in fit."
            )
        return np.hstack([X, given.astype(X.dtype)])

    def _check_X(self, X, sample_weight, reset):
        check_is_model(self.model)
        X, sample_weight = super()._check_X(X, sample_weight, reset)
        if not self.model.allows_missing and np.isnan(np.sum(X)):
            raise ValueError(
                f"X contains NaN, but log_joint of {type(self.model).__name__} does not "
                "leave missing entries out (allows_missing is False). Fill or drop them."
            )
        if hasattr(self.model, "likelihood"):
            for rows in row_slices(X, N_AT_ONCE):
                self.model.likelihood.check_entries(np.asarray(X[rows]))
        return X, sample_weight

    def _make_model(self, X):
        model = self.model
        if self._n_given:
            model = GivenColumns(model, self._n_given)
        else:
            check_needs_no_given(model)
        params = model.init_params(X, np.random.default_rng(0))
        check_returned(model, params, X)
        return model

    def _make_method(self, model, rows, n_rows):
        params = model.init_params(rows, np.random.default_rng(0))
        self._space = space = latent_space(model, params, rows)
        if self.n_init > 1:
            self._check_likelihood(model, params, space)
        if isinstance(self.method, Method):
            return self.method
        return choose_method(model, params, self.method, space)

    def _start(self, model, rows, rng):
        return nearer_start(model, super()._start(model, rows, rng), rows)

    def _check_likelihood(self, model, params, space):
        """Restarts are compared by it: rather no fit than an error after all of them."""
        if isinstance(posterior_for(model, params, space), NoPosterior):
            raise NotImplementedError(
                f"n_init={self.n_init} keeps the restart of highest likelihood, but no "
                f"posterior suits {type(model).__name__}: its latents are "
                f"{space.latent_support!r}. Set n_init=1, or give the model a "
                "posterior(params) method."
            )

    def _make_schedule(self, method):
        if method.n_iter_no_change is None:
            return FixedLength(method.max_iter)
        return super()._make_schedule(method)

    def _set_attributes(self, params):
        self.params_ = params
        self.method_ = self._state.method.name
        self._model = self._state.model
        # Without a posterior the first iteration has failed.
        space = getattr(self._state.posterior, "space", self._space)
        self.latent_support_ = space.latent_support
        self.n_latents_ = sum(int(np.prod(shape)) for shape in space.shapes.values())

    @property
    def _n_features_out(self):
        return self.n_latents_

    def _warn_of_fit(self, rows):
        warn_of_vanished_noise(self._model, self.params_, rows, type(self).__name__)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = getattr(self.model, "allows_missing", False)
        return tags


def check_given(given, X):
    """Given columns as finite floats, a row for each of X; raise if they are none."""
    if given is None:
        raise ValueError(
            "AmortisedLearner was fitted with given columns, but none were passed. Pass "
            "given=, an array (n_samples, n_given)."
        )
    given = check_array(given, dtype=float, input_name="given")
    check_consistent_length(X, given)
    return given


def check_is_model(model):
    """Raise TypeError if `model` is none, and say how to make one."""
    if not isinstance(model, GenerativeModel):
        raise TypeError(
            f"model of AmortisedLearner must be a GenerativeModel; got {model!r}. Compose "
            "LatentVariableModel(prior, decoder, likelihood), or wrap three functions, "
            "FunctionModel(sample, log_joint, init_params)."
        )
