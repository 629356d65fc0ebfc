"""Any generative model as an estimator."""

from copy import copy
from functools import partial
from numbers import Integral, Real

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from ..evaluation import log_marginal_likelihood
from ..latents import arrays_of
from ..models import GenerativeModel
from ..optimizers import FixedLength, PolynomialAverage
from ..returned import check_returned
from .base import AmortisedEstimator
from .odd_fits import warn_of_odd_fit
from .plans import PLANS, plan_for

__all__ = ["AmortisedLearner"]


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
    plan : {"summed", "bayes", "draws", "residual"}, default=None
        How to fit it. None reads it off the model (see Notes).
    n_simulations : int, default=None
        Pairs simulated in each iteration. None leaves it to the plan (see Notes).
    batch_size : int, default=256
        Largest number of rows in an iteration. A table of no more rows than this is
        used whole.
    max_iter : int, default=None
        Largest number of iterations. None leaves it to the plan.
    learning_rate : float, default=None
        Size of a full step of Adam in the coordinates of the model's ``move``. None
        leaves it to the plan.
    regressor : KernelRidge or AdaptiveEmbedding, default=None
        The regression of the log joint; see :class:`skaws.regression.Embedding`. None
        leaves it to the plan. Latents of few values need none.
    tol : float, default=1e-3
        Steps stay at full size while `n_iter_no_change` of them gain at least this, in
        nats a row.
    n_iter_no_change : int, default=None
        Number of iterations over which the gain is summed. None leaves it to the plan.
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
    plan_ : str
        Name of the plan that was followed: "summed", "bayes", "draws" or "residual".
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
        Whether steps had stopped paying before `max_iter` made them smaller; for plans
        of fixed length, whether it came to its end.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, where X has names that are all strings.

    Raises
    ------
    TypeError
        In `fit`, if `model` is no GenerativeModel.
    ValueError
        In `fit`, if the model is not made for `plan`, or "X contains NaN" and its
        ``allows_missing`` is False.

    Warns
    -----
    UserWarning
        In `fit`: "real rows lie far from simulated ones", if their log density is lower by
        more than a standard deviation of simulated rows, in the mean; "the noise has
        collapsed", if it is less than a thousandth of the deviation of a column of X.

    See Also
    --------
    skaws.wake_sleep.wake_sleep : The loop itself, to be run with parts of one's own.

    Notes
    -----
    The plan, unless named, is read off 300 simulations from the model's start:

    - *summed*, for latents that take at most 32 values: the exact likelihood, from the log
      joint alone.
    - *bayes*, for latents on a circle or sphere of a model that knows p(x | z) (or up to
      three whose ``latent_support`` is not told, if it has no linear mean):
      half of the iterations with weights by kernel ridge regression on a network's latent
      estimates, which give the latents their order; half with weights by Bayes' rule over
      the simulations, which give it precision. It takes a fixed number of iterations, with
      plain steps: relative to the noise they would come to rest before the order is found,
      where there is nearly none.
    - *draws*, for other latents of a model that knows p(x | z) and has no linear mean, such
      as a network: reweighted wake-sleep [1]_. The log joint is climbed at draws from each
      row's posterior, candidates of a recognition network of which importance resampling
      keeps one; a fixed number of iterations with plain steps. With few candidates it is
      biased towards the network's posteriors.
    - *residual*, for all others, three functions among them: the residual of the log joint
      from its value at latent estimates is regressed on x, and the regression believed as
      far as it predicts.  Estimates are draws as in *draws*, unless the model has an
      estimate to rely on: its own, or the posterior mean of Gaussian latents under a
      linear mean.  For latents in a dictionary, and for columns of labels among others,
      the log joint itself is regressed, by a kernel that learns
      (:class:`skaws.regression.AdaptiveEmbedding`); that takes many simulations where x has
      many columns.

    The likelihood may have many maxima: ``n_init`` tries several starts.  ``partial_fit``
    and ``warm_start`` go on with the networks too, and the first
    half of *bayes* lasts until half of `max_iter` iterations were taken, in whatever calls.

    References
    ----------
    .. [1] J. Bornschein, Y. Bengio. Reweighted wake-sleep. ICLR 2015.

    Examples
    --------
    Waiting times measured with error, as three functions:

    >>> import autograd.numpy as anp
    >>> from skaws import AmortisedLearner
    >>> from skaws.bijectors import Positive
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
        "plan": [StrOptions(set(PLANS)), None],
        "max_iter": [Interval(Integral, 1, None, closed="left"), None],
        "learning_rate": [Interval(Real, 0, None, closed="neither"), None],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(
        self,
        model,
        *,
        plan=None,
        n_simulations=None,
        batch_size=256,
        max_iter=None,
        learning_rate=None,
        regressor=None,
        tol=1e-3,
        n_iter_no_change=None,
        n_init=1,
        n_jobs=None,
        warm_start=False,
        random_state=None,
        verbose=0,
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
        self.plan = plan

    def _check_X(self, X, sample_weight, reset):
        check_is_model(self.model)
        X, sample_weight = super()._check_X(X, sample_weight, reset)
        if not self.model.allows_missing and np.isnan(np.sum(X)):
            raise ValueError(
                f"X contains NaN, but log_joint of {type(self.model).__name__} does not "
                "leave missing entries out (allows_missing is False). Fill or drop them."
            )
        return X, sample_weight

    def _make_model(self, X):
        rng = np.random.default_rng(0)
        params = self.model.init_params(X, rng)
        check_returned(self.model, params, X.shape[1])
        self._check_likelihood(params, X)
        self._plan = plan_for(self.model, params, rng, self.plan)
        return self.model if self._plan.relative_steps else with_plain_steps(self.model)

    def _check_likelihood(self, params, X):
        """Restarts are compared by it: rather no fit than an error after all of them."""
        if self.n_init == 1:
            return
        try:
            log_marginal_likelihood(self.model, params, X[:1])
        except NotImplementedError as error:
            raise NotImplementedError(
                f"n_init={self.n_init} keeps the restart of highest likelihood, but {error}"
            ) from None

    def _option(self, name):
        own = getattr(self, name)
        return getattr(self._plan, name) if own is None else own

    def _enough_simulations(self, model, n_rows):
        return self._plan.n_simulations

    def _make_regression(self):
        return self._plan.make_regression(self.regressor)

    def _make_estimate(self):
        return self._plan.make_estimate()

    def _make_form(self, n_rows):
        return self._plan.make_form()

    def _schedule(self):
        if self._plan.n_iter_no_change is None:
            return FixedLength(self._option("max_iter"))
        return super()._schedule()

    def _train(self, state, X, sample_weight, progress, n_iter=None, form=None):
        make_first = self._plan.make_first_form
        half = 0 if make_first is None else max(1, self._option("max_iter") // 2)
        n_first, n_after = half - state.n_iter, None
        if n_first <= 0:
            return super()._train(state, X, sample_weight, progress, n_iter, form)
        if n_iter is not None:
            n_first, n_after = min(n_first, n_iter), max(0, n_iter - n_first)
        before = super()._train(state, X, sample_weight, progress, n_first, make_first())
        if before.state.n_iter < half:
            return before
        # The optimiser goes on; the average of the path begins anew.
        state = before.state._replace(average=PolynomialAverage())
        over = before.failure is not None or state.optimizer.schedule.finished
        if over or n_after == 0:
            return before._replace(state=state)
        after = super()._train(state, X, sample_weight, progress, n_after)
        history = {
            name: np.append(before.history[name], values)
            for name, values in after.history.items()
        }
        return after._replace(history=history)

    def _set_attributes(self, params):
        self.params_ = params
        self.plan_ = self._plan.name
        self._model = self._state.model
        latents, _ = self._model.sample(params, 1, np.random.default_rng(0))
        shapes = [array.shape[1:] for array in arrays_of(latents)]
        self.n_latents_ = sum(int(np.prod(shape)) for shape in shapes)

    @property
    def _n_features_out(self):
        return self.n_latents_

    def _warn_of_odd_fit(self, rows):
        name = type(self).__name__
        warn_of_odd_fit(self._model, self.params_, rows, name)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = getattr(self.model, "allows_missing", False)
        return tags


def with_plain_steps(model):
    """The same model with steps in unconstrained coordinates, whatever its noise."""
    twin = copy(model)
    twin.move = partial(GenerativeModel.move, twin)
    return twin


def check_is_model(model):
    """Raise TypeError if `model` is none, and say how to make one."""
    if not isinstance(model, GenerativeModel):
        raise TypeError(
            f"model of AmortisedLearner must be a GenerativeModel; got {model!r}. Compose "
            "LatentVariableModel(prior, decoder, likelihood), or wrap three functions, "
            "FunctionModel(sample, log_joint, init_params)."
        )
