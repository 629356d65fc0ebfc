"""Parameters of a simulator of series, with standard errors."""

import warnings
from collections.abc import Callable
from numbers import Integral
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.kernel_ridge import KernelRidge
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from ..lifted import (
    Lift,
    SeriesSummaries,
    Simulator,
    UnitCoordinates,
    grouped,
    last_stage,
    lift,
    read_series,
)
from ..progress import make_progress
from ..threads import one_blas_thread
from .callbacks import CallbackSupportMixin, context_of, watched, with_callbacks
from .mixin import make_rng
from .simulator_mixin import EDGE, FAR, KNOWN, FittedSimulatorMixin

__all__ = ["AmortisedSimulator"]

ALPHA = 10.0
FIRST_WIDTH, OTHER_WIDTH = 0.5, 0.3  # of first proposals, relative to priors
N_OTHER_STARTS = 4
FAILED = 0.1
LEAST_FINAL = 100  # simulations, of which a regression can be made
APART, CLOSE = 3.0, 3.0  # modes: standard deviations of the posterior, nats
N_SYNTHETIC = 300
SHRUNK = 0.2
N_DRAWS = 2000
LEVELS = (0.05, 0.95)
PEAKED = 0.3  # share of a series' variance in one frequency, if it oscillates


class AmortisedSimulator(CallbackSupportMixin, FittedSimulatorMixin, BaseEstimator):
    """Parameters of any simulator of series, with standard errors, from its simulations.

    No density is needed: a simulator, and a prior for each of its parameters.  It is
    wake-sleep with the parameters for latents: they are drawn from a Gaussian, series are
    simulated from them, the draws are regressed on summaries of the series, and what the
    regression says of the real series moves the Gaussian.  For many parameters, and hidden
    states whose density is known, take :class:`AmortisedLearner`.

    Parameters
    ----------
    simulate : callable
        ``simulate(**parameters, rng, n_times, covariates)``, called by name, returns one
        series, (n_times,) or (n_times, n_channels).  `n_times` and `covariates` are passed
        only if they are asked for.
        All random numbers must come from `rng`, a numpy.random.Generator
        (:func:`skaws.checks.check_simulator`).
    parameters : dict
        Name of each parameter to its prior, a frozen distribution of scipy.stats
        (discrete ones are integers), or to a number, which fixes it.
    vectorized : bool, default=False
        Whether `simulate` takes an array (n,) for each parameter and returns all n series
        at once, (n, n_times) or (n, n_times, n_channels).
    summaries : "auto" or callable, default="auto"
        ``summaries(series)`` of shape (n, n_times, n_channels) returns (n, n_summaries).
        "auto" takes quantiles, autocorrelations, autoregressions and more
        (:class:`skaws.lifted.SeriesSummaries`).
    pooling : {"complete", "partial"}, default="complete"
        Whether all series have the same parameters, or each its own, from a Gaussian
        population (in coordinates in which priors are Gaussian).
    n_simulations : int, default=500
        Series simulated in an iteration.
    max_iter : int, default=30
        Largest number of iterations.
    n_final : int, default=2000
        Series simulated at the end, around the answer, 100 at least; 0 leaves that out.
        Not with partial pooling.
    n_init : int, default=1
        Number of starts, the first at the centre of the prior. They are ranked by a
        Gaussian likelihood of the summaries.  Where series oscillate and one start ends
        with a `distance_` above 1.2, four more are tried.
    regressor : KernelRidge, default=None
        Of parameters on white summaries; None is ``KernelRidge(alpha=10.0)``, linear.
    n_jobs : int, default=None
        Number of processes for simulations, as joblib's. Results do not depend on it.
    warm_start : bool, default=False
        Whether `fit` starts from the last call's answer, and goes on with its random
        numbers.
    random_state : int, RandomState instance or None, default=None
        Source of randomness.
    verbose : int, default=0
        1 prints a table of about ten rows, 2 a row for each iteration.

    Attributes
    ----------
    parameters_ : dict of float
        Estimates: medians of the posterior.
    standard_errors_ : dict of float
        Standard deviations of the posterior, in the parameters' units.
    intervals_ : dict of tuple
        5% and 95% quantiles.
    parameter_names_ : list of str
        Of the parameters that were learnt.
    mean_, covariance_, correlation_ : ndarray of shape (p,), (p, p) and (p, p)
        Of the posterior, in coordinates in which priors are standard normal.
    r2_ : dict of float
        Share of the prior's variance that the series take away. Below 0.1 the estimate is
        the prior.
    distance_ : float
        Of the real series from the simulated ones, the largest; above 1 they lie outside
        98% of these, and intervals mean little.
    modes_ : list of dict
        Estimates of starts that ended apart and are nearly as likely, the best first.
    population_sd_ : dict of float
        Standard deviations of the parameters over series, relative to those of the priors;
        only with partial pooling.
    history_ : dict of ndarray
        ``step`` (standard deviations of the posterior) and ``distance`` of each iteration.
    n_iter_ : int
        Number of iterations.
    converged_ : bool
        Whether two steps were smaller than 0.7 standard deviations of the posterior.
    n_simulations_, n_failed_ : int
        How many series were simulated, and how many of these failed.
    n_features_in_ : int
        Length of the series, where they have one length.

    Raises
    ------
    TypeError
        In `fit`, if a prior is "no frozen distribution", or `simulate` does not take the
        parameters that are named.
    ValueError
        In `fit`, if X is no table or list of series, simulated series have another shape,
        or `n_final` is too small.
    RuntimeError
        In `fit`, if more than half of the simulations "raised or were not finite".

    Warns
    -----
    UserWarning
        In `fit`, if real series "do not look like simulated ones", series "say nothing of"
        a parameter, an estimate "lies at the edge of its prior", simulations "failed", or
        starts "ended apart".
    ConvergenceWarning
        In `fit`, if it "came to max_iter", or "was interrupted".

    See Also
    --------
    AmortisedLearner : Models with a density.
    skaws.checks.check_simulator : To run first.

    Notes
    -----
    A prior is always there: estimates are posterior ones, near maximum likelihood where the
    series say much.  Intervals are those of the summaries' posterior, under a Gaussian in
    coordinates in which priors are normal.  Apart from `simulate`, an iteration costs about
    0.05 seconds.

    Examples
    --------
    >>> from scipy.stats import norm, uniform
    >>> def walk(persistence, level, rng, n_times):
    ...     x = np.zeros(n_times)
    ...     for t in range(1, n_times):
    ...         x[t] = persistence * x[t - 1] + rng.standard_normal()
    ...     return level + x
    >>> X = walk(0.8, 3.0, np.random.default_rng(0), 200).reshape(1, -1)
    >>> priors = {"persistence": uniform(0, 1), "level": norm(0, 10)}
    >>> model = AmortisedSimulator(walk, priors, n_final=1000, random_state=0).fit(X)
    >>> bool(abs(model.parameters_["persistence"] - 0.8) < 0.15)
    True
    >>> bool(model.distance_ < 1.0)
    True
    """

    _parameter_constraints: dict = {
        "simulate": [callable],
        "parameters": [dict],
        "vectorized": ["boolean"],
        "summaries": [StrOptions({"auto"}), callable],
        "pooling": [StrOptions({"complete", "partial"})],
        "n_simulations": [Interval(Integral, 20, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "n_final": [Interval(Integral, 0, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "regressor": [KernelRidge, None],
        "n_jobs": [Integral, None],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        simulate: Callable,
        parameters: dict,
        *,
        vectorized: bool = False,
        summaries="auto",
        pooling: str = "complete",
        n_simulations: int = 500,
        max_iter: int = 30,
        n_final: int = 2000,
        n_init: int = 1,
        regressor=None,
        n_jobs: int | None = None,
        warm_start: bool = False,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ):
        self.simulate = simulate
        self.parameters = parameters
        self.vectorized = vectorized
        self.summaries = summaries
        self.pooling = pooling
        self.n_simulations = n_simulations
        self.max_iter = max_iter
        self.n_final = n_final
        self.n_init = n_init
        self.regressor = regressor
        self.n_jobs = n_jobs
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    def set_params(self, **params):
        """Set parameters; ``regressor__alpha`` also where `regressor` is None.

        Parameters
        ----------
        **params : dict
            Parameters by name.

        Returns
        -------
        self : object
        """
        nested = any(name.startswith("regressor__") for name in params)
        if nested and params.get("regressor", self.regressor) is None:
            params["regressor"] = KernelRidge(alpha=ALPHA)
        return super().set_params(**params)

    # Fitting.

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: object = None, *, covariates: list | None = None):
        """Learn the parameters from series.

        Parameters
        ----------
        X : array-like of shape (n_series, n_times[, n_channels]), or list
            Rows are series, one is enough; a list may have series of different lengths. NaN
            marks missing entries.
        y : Ignored
            Present for API consistency.
        covariates : list, default=None
            What `simulate` gets for each series, such as an array of temperatures. Series
            of equal covariates share their simulations.

        Returns
        -------
        self : object
            Fitted estimator.
        """
        name = type(self).__name__
        if 0 < self.n_final < LEAST_FINAL:
            raise ValueError(
                f"{name} has n_final={self.n_final}; a regression needs {LEAST_FINAL} "
                "simulations at least. Give it so many, or 0 to leave the last stage out."
            )
        series = read_series(X, name)
        warn_of_constant_series(series, name)
        self._coordinates = UnitCoordinates(self.parameters)
        simulate = self._simulator()
        check_covariates(covariates, simulate, len(series), name)
        self._groups = grouped(series, covariates)
        self._summaries = [self._make_summaries(group) for group in self._groups]
        self.parameter_names_ = list(self._coordinates.names)
        lengths = {group.n_times for group in self._groups}
        if len(lengths) == 1:
            (self.n_features_in_,) = lengths
        warm = self.warm_start and hasattr(self, "_rng")
        if not warm:  # a seed's random numbers, drawn again, would teach nothing
            self._rng = make_rng(check_random_state(self.random_state))
        with one_blas_thread():
            best = self._best_start(simulate, warm, X)
            self._take(best)
            interrupted = best.interrupted
            if self.pooling == "complete" and self.n_final and not interrupted:
                try:
                    self._sharpen(simulate)
                except KeyboardInterrupt:
                    interrupted = True
        self.n_simulations_, self.n_failed_ = simulate.n_simulations, simulate.n_failed
        self._warn(interrupted)
        return self

    def _simulator(self):
        return Simulator(self.simulate, self._coordinates, self.vectorized, self.n_jobs)

    def _make_summaries(self, group):
        if callable(self.summaries):
            return checked_summaries(self.summaries)
        return SeriesSummaries(group.series)

    def _make_regressor(self):
        if self.regressor is not None:
            return self.regressor
        return KernelRidge(alpha=ALPHA)

    @with_callbacks
    def _best_start(self, simulate, warm, X):
        """The likeliest of several runs; what fails or is interrupted loses no other."""
        size, rng = self._coordinates.size, self._rng
        if warm:
            factor = 2 * np.linalg.cholesky(self.covariance_ + 1e-12 * np.eye(size))
            start = Lift(self.mean_, factor)
        else:
            start = Lift(np.zeros(size), FIRST_WIDTH * np.eye(size))
        runs, errors, n_starts = [], [], self.n_init
        context = context_of(self, X, None)
        while len(runs) + len(errors) < n_starts:
            try:
                number = len(runs) + len(errors)
                runs.append(self._run(simulate, start, context, number, n_starts))
            except RuntimeError as error:
                if n_starts == 1:
                    raise
                errors.append(error)
            if runs and runs[-1].interrupted:
                break
            alone = n_starts == 1 and self.pooling == "complete"
            if alone and runs[0].distance > FAR and self._oscillate():
                n_starts += N_OTHER_STARTS
            start = Lift(rng.standard_normal(size), OTHER_WIDTH * np.eye(size))
        if context is not None:
            context.call_on_fit_task_end(estimator=self, X=X)
        if not runs:
            raise errors[0]
        if len(runs) > 1:
            runs = [run._replace(height=self._height(run.mean, simulate)) for run in runs]
            runs.sort(key=lambda run: -run.height)
        self._runs = runs
        return runs[0]

    def _run(self, simulate, start, context, number, n_starts):
        name, max_iter = type(self).__name__, self.max_iter
        progress = make_progress(self.verbose, name, max_iter, number + 1, n_starts)
        progress = watched(progress, self, context, number, max_iter)
        iterations, interrupted = [], False
        before = simulate.seconds
        try:
            for iteration in lift(
                simulate,
                self._groups,
                self._summaries,
                start,
                rng=self._rng,
                regressor=self._make_regressor(),
                n_simulations=self.n_simulations,
                max_iter=max_iter,
                pooling=self.pooling,
            ):
                iterations.append(iteration)
                values = {"step": iteration.step, "distance": iteration.distances.max()}
                progress.update(iteration.number, values)
                if self.verbose and iteration.number == 1:
                    seconds = simulate.seconds - before
                    left = seconds * (self.max_iter - 1 + self.n_final / self.n_simulations)
                    print(f"simulations: {seconds:.2g} s an iteration, {left:.2g} in all")
        except KeyboardInterrupt:
            if not iterations:
                raise
            interrupted = True
        chosen = [one for one in iterations if one.averaged] or iterations[-1:]
        run = Run(
            np.mean([one.mean for one in chosen], axis=0),
            np.mean([one.covariance for one in chosen], axis=0),
            chosen[-1].population,
            float(chosen[-1].distances.max()),
            chosen[-1].r2,
            iterations,
            interrupted,
            0.0,
        )
        progress.close("interrupted" if interrupted else "ended")
        return run

    def _oscillate(self):
        """Whether one frequency makes much of the variance of a series."""
        for group in self._groups:
            y = group.series[:, :, 0]
            y = y - np.nanmean(y, axis=1, keepdims=True)
            power = np.abs(np.fft.rfft(np.nan_to_num(y), axis=1)[:, 1:]) ** 2
            total = np.maximum(power.sum(axis=1), 1e-300)
            around = power + np.roll(power, 1, axis=1) + np.roll(power, -1, axis=1)
            if np.any(around[:, 1:].max(axis=1) / total > PEAKED):
                return True
        return False

    def _take(self, run):
        """Attributes of a run."""
        self._population = run.population
        self._locals = None
        self.history_ = {
            "step": np.array([one.step for one in run.iterations]),
            "distance": np.array([one.distances.max() for one in run.iterations]),
        }
        self.n_iter_ = len(run.iterations)
        self.converged_ = bool(run.iterations[-1].at_rest) and not run.interrupted
        self._set_posterior(run.mean, run.covariance, run.distance, run.r2)

    def _set_posterior(self, mean, covariance, distance, r2):
        self.mean_, self.covariance_ = mean, covariance
        self.distance_ = distance
        self.r2_ = dict(zip(self.parameter_names_, map(float, r2), strict=True))
        sd = np.sqrt(np.diag(covariance))
        self.correlation_ = covariance / np.outer(sd, sd)
        natural = self._coordinates.natural(mean[None])
        self.parameters_ = {name: natural[name][0].item() for name in self.parameter_names_}
        unit = self._unit_draws(N_DRAWS, np.random.default_rng(0), covariance)
        draws = self._coordinates.natural(unit)
        self.standard_errors_ = {n: float(np.std(draws[n])) for n in self.parameter_names_}
        self.intervals_ = {
            name: tuple(float(v) for v in np.quantile(draws[name], LEVELS))
            for name in self.parameter_names_
        }
        self.modes_ = self._modes()
        if self._population is not None:
            sd = np.sqrt(np.diag(self._population))
            self.population_sd_ = dict(
                zip(self.parameter_names_, map(float, sd), strict=True)
            )

    def _modes(self):
        """Estimates of nearly as likely starts that ended apart."""
        found = [self.mean_]
        root = np.linalg.inv(
            np.linalg.cholesky(self.covariance_ + 1e-12 * np.eye(len(self.mean_)))
        )
        for run in self._runs[1:]:
            near = self._runs[0].height - run.height < CLOSE
            away = min(np.linalg.norm(root @ (run.mean - one)) for one in found)
            if near and away > APART * np.sqrt(len(self.mean_)):
                found.append(run.mean)
        natural = self._coordinates.natural(np.array(found))
        return [
            {name: natural[name][i].item() for name in self.parameter_names_}
            for i in range(len(found))
        ]

    def _sharpen(self, simulate):
        """The last stage, and the answer that it gives."""
        size = len(self.mean_)
        self._locals = [
            last_stage(
                simulate, group, own, self.mean_, self.covariance_, self._rng, self.n_final
            )
            for group, own in zip(self._groups, self._summaries, strict=True)
        ]
        factor = self._locals[0].proposal.factor
        precision = factor.T @ factor + 1e-6 * np.eye(size)
        towards, furthest = -factor.T @ self.mean_, []
        for own, group, summaries in zip(
            self._locals, self._groups, self._summaries, strict=True
        ):
            means, precisions, distances = own.of(summaries(group.series))
            precision = precision + np.sum(precisions - np.eye(size), axis=0)
            towards = towards + np.einsum("nij,nj->i", precisions, means)
            furthest.append(distances.max())
        mean = self.mean_ + factor @ np.linalg.solve(precision, towards)
        covariance = factor @ np.linalg.inv(precision) @ factor.T
        r2 = 1 - np.diag(covariance)
        self._set_posterior(mean, covariance, float(max(furthest)), r2)

    def _height(self, mean, simulate):
        """Gaussian log density of the real summaries, and the prior's."""
        return (
            self._synthetic(mean, simulate, self._groups, self._summaries)
            - 0.5 * mean @ mean
        )

    def _synthetic(self, mean, simulate, groups, summaries):
        """Log density of summaries, if these were Gaussian, over all series."""
        total, rng = 0.0, np.random.default_rng(0)
        for group, own in zip(groups, summaries, strict=True):
            unit = np.repeat(mean[None], N_SYNTHETIC, axis=0)
            drawn = own(simulate.like(group, unit, rng))
            drawn = drawn[np.isfinite(drawn).all(axis=1)]
            centre = drawn.mean(axis=0)
            scale = drawn.std(axis=0) + 1e-6 * (1 + np.abs(centre))
            z = np.clip((drawn - centre) / scale, -6, 6)
            real = np.clip((own(group.series) - centre) / scale, -30, 30)
            correlation = (1 - SHRUNK) * z.T @ z / len(z) + SHRUNK * np.eye(len(centre))
            half = np.linalg.solve(correlation, real.T).T
            log_volume = 0.5 * np.linalg.slogdet(correlation)[1] + np.sum(np.log(scale))
            total += -0.5 * np.sum(real * half) - len(real) * log_volume
        return float(total)

    def _warn(self, interrupted):
        name = type(self).__name__
        if interrupted:
            message = "was interrupted; it keeps the answer of the last iteration."
            warnings.warn(f"{name} {message}", ConvergenceWarning, stacklevel=4)
        elif not self.converged_:
            message = (
                f"came to max_iter={self.max_iter} while its steps were larger than 0.7 "
                "standard deviations of the posterior. Increase max_iter, or n_simulations."
            )
            warnings.warn(f"{name} {message}", ConvergenceWarning, stacklevel=4)
        for message in self._advice():
            warnings.warn(f"{name}: {message}", UserWarning, stacklevel=4)

    def _advice(self):
        """What a user should know before the intervals are believed."""
        share = self.n_failed_ / max(self.n_simulations_, 1)
        if share > FAILED:
            yield (
                f"{share:.0%} of the simulations failed and were left out. Narrow the "
                "priors to where the simulator works."
            )
        if self.distance_ > FAR:
            yield (
                "real series do not look like simulated ones (distance "
                f"{self.distance_:.2f}, below 1 for the simulator's own): intervals mean "
                "little. See check(); the simulator may lack noise or a mechanism, or try "
                "n_init=5."
            )
        for name, r2 in self.r2_.items():
            if r2 < KNOWN:
                yield (
                    f"the series say nothing of {name!r} (R2 {r2:.2f}): its estimate is "
                    "the prior. Fix it, or bring other series."
                )
        for name, at in zip(self.parameter_names_, self.mean_, strict=True):
            if abs(at) > EDGE:
                yield (
                    f"the estimate of {name!r} lies at the edge of its prior ({at:+.1f} "
                    f"standard deviations). Widen the prior of {name!r}."
                )
        if len(self.modes_) > 1:
            yield (
                f"{len(self.modes_)} starts ended apart and are about as likely: see "
                "modes_. Standard errors are those of the first alone."
            )


class Run(NamedTuple):
    """What one start came to."""

    mean: np.ndarray
    covariance: np.ndarray
    population: np.ndarray | None
    distance: float
    r2: np.ndarray
    iterations: list
    interrupted: bool
    height: float


def checked_summaries(function):
    """The user's summaries, which must be one row a series."""

    def summaries(series):
        found = np.asarray(function(series), dtype=float)
        if found.ndim != 2 or len(found) != len(series):
            raise ValueError(
                f"summaries returned shape {found.shape}; expected (n, n_summaries) for "
                f"series of shape {series.shape}."
            )
        return found

    return summaries


def check_covariates(covariates, simulate, n_series, name):
    """Raise ValueError unless there are covariates, where some are asked for."""
    if (covariates is not None) != simulate.takes_covariates:
        got = "has no covariates" if covariates is None else "got covariates"
        takes = "takes some" if simulate.takes_covariates else "takes none"
        raise ValueError(
            f"{name} {got}, but simulate {takes}. Pass fit(X, covariates=[...]) to a "
            "simulator with a parameter of that name."
        )
    if covariates is not None and len(covariates) != n_series:
        raise ValueError(
            f"{name} got {len(covariates)} covariates for {n_series} series. Pass one for "
            "each."
        )


def warn_of_constant_series(series, name):
    """Warn of series that never change."""
    still = [i for i, one in enumerate(series) if np.nanmax(np.nanstd(one, axis=0)) == 0]
    if still:
        warnings.warn(
            f"{name}: series {', '.join(map(str, still))} never change; their summaries "
            "say little.",
            UserWarning,
            stacklevel=4,
        )
