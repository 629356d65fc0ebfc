"""What a named estimator chooses: its parameters, and what its fit is made of."""

from abc import ABC, abstractmethod
from numbers import Integral, Real

from sklearn.base import BaseEstimator
from sklearn.kernel_ridge import KernelRidge
from sklearn.utils._param_validation import Interval

from ..forms import ScalarForm
from ..optimizers import Adam, PlateauThenDecay
from ..regression import (
    AdaptiveEmbedding,
    LatentEstimate,
    default_regressor,
    make_embedding,
)
from .rows import warn_of_constant_columns, warn_of_few_rows
from .training import Training

__all__ = ["Recipe"]


class Recipe(BaseEstimator, ABC):
    """Shared constructor parameters, and the choices that an estimator may override.

    ``_make_model`` reads like the model's definition, ``_set_attributes`` renames what was
    learnt; all other choices have a default.
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

    def _schedule(self):
        """When steps grow smaller and end."""
        return PlateauThenDecay(
            self._option("max_iter"), self.tol, self._option("n_iter_no_change")
        )

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

    def _warn_of_odd_fit(self, rows):
        """Warn of a model that does not suit the real `rows`; nothing by default."""
