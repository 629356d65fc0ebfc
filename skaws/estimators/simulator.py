"""Parameters of a simulator of series, with standard errors."""

import warnings
from numbers import Integral
from typing import NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.kernel_ridge import KernelRidge
from sklearn.utils import Bunch, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ..lifted import (
    Lift,
    SeriesSummaries,
    Simulator,
    UnitCoordinates,
    grouped,
    last_stage,
    lift,
    predicted,
    predictive_checks,
    read_series,
)
from ..progress import make_progress
from ..threads import one_blas_thread
from .mixin import make_rng

__all__ = ["AmortisedSimulator"]

ALPHA = 10.0
FIRST_WIDTH, OTHER_WIDTH = 0.5, 0.3  # of first proposals, in prior deviations
N_OTHER_STARTS = 4
FAR = 1.2  # distance at which simulations do not look like the series
KNOWN = 0.1  # share of a prior's variance that series take away, at least
FAILED = 0.1
EDGE = 2.5  # prior deviations
TAIL = 0.01
APART, CLOSE = 3.0, 3.0  # modes: posterior deviations, nats
N_SYNTHETIC = 300
SHRUNK = 0.2
N_DRAWS = 2000
LEVELS = (0.05, 0.95)
PEAKED = 0.3  # share of a series' variance in one frequency, if it oscillates


class AmortisedSimulator(TransformerMixin, BaseEstimator):
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
        Series simulated at the end, around the answer; 0 leaves that out.  Not with
        partial pooling.
    n_init : int, default=1
        Number of starts, the first at the centre of the prior. They are ranked by a
        Gaussian likelihood of the summaries.  Where series oscillate and one start ends
        with a `distance_` above 1.2, four more are tried.
    regressor : KernelRidge, default=None
        Of parameters on white summaries; None is ``KernelRidge(alpha=10.0)``, linear.
    n_jobs : int, default=None
        Number of processes for simulations, as joblib's. Results do not depend on it.
    warm_start : bool, default=False
        Whether `fit` starts from the last call's answer.
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
        Standard deviations of the parameters over series, in units of prior deviations;
        only with partial pooling.
    history_ : dict of ndarray
        ``step`` (posterior deviations), ``distance``.
    n_iter_ : int
        Number of iterations.
    converged_ : bool
        Whether steps had become smaller than half a posterior deviation.
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
        In `fit`, if X is no table or list of series, or simulated series have another
        shape.
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
        simulate,
        parameters,
        *,
        vectorized=False,
        summaries="auto",
        pooling="complete",
        n_simulations=500,
        max_iter=30,
        n_final=2000,
        n_init=1,
        regressor=None,
        n_jobs=None,
        warm_start=False,
        random_state=None,
        verbose=0,
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
    def fit(self, X, y=None, *, covariates=None):
        """Learn the parameters from series.

        Parameters
        ----------
        X : array-like of shape (n_series, n_times[, n_channels]), or list
            Rows are series, one is enough; a list may have series of different lengths. NaN
            marks missing entries.
        y : Ignored
            Present for API consistency.
        covariates : list, default=None
            What `simulate` is told of each series, such as an array of temperatures. Series
            of equal covariates share their simulations.

        Returns
        -------
        self : object
            Fitted estimator.
        """
        series = read_series(X, type(self).__name__)
        warn_of_constant_series(series, type(self).__name__)
        self._coordinates = UnitCoordinates(self.parameters)
        simulate = self._simulator()
        check_covariates(covariates, simulate, len(series), type(self).__name__)
        self._groups = grouped(series, covariates)
        self._summaries = [self._make_summaries(group) for group in self._groups]
        self.parameter_names_ = list(self._coordinates.names)
        lengths = {group.n_times for group in self._groups}
        if len(lengths) == 1:
            (self.n_features_in_,) = lengths
        rng = make_rng(check_random_state(self.random_state))
        with one_blas_thread():
            best = self._best_start(simulate, rng)
            self._take(best)
            if self.pooling == "complete" and self.n_final and not best.interrupted:
                self._sharpen(simulate, rng)
        self.n_simulations_, self.n_failed_ = simulate.n_simulations, simulate.n_failed
        self._warn(best)
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

    def _best_start(self, simulate, rng):
        size = self._coordinates.size
        if self.warm_start and hasattr(self, "mean_"):
            factor = 2 * np.linalg.cholesky(self._own_covariance + 1e-12 * np.eye(size))
            first = Lift(self.mean_, factor)
        else:
            first = Lift(np.zeros(size), FIRST_WIDTH * np.eye(size))
        runs, n_starts = [], self.n_init
        while len(runs) < n_starts:
            start = first
            if runs:
                start = Lift(rng.standard_normal(size), OTHER_WIDTH * np.eye(size))
            runs.append(self._run(simulate, start, rng, len(runs)))
            if runs[-1].interrupted:
                break
            alone = n_starts == 1 and self.pooling == "complete"
            if alone and runs[0].distance > FAR and self._oscillate():
                n_starts += N_OTHER_STARTS
        if len(runs) > 1:
            runs = [run._replace(height=self._height(run.mean, simulate)) for run in runs]
            runs.sort(key=lambda run: -run.height)
        self._runs = runs
        return runs[0]

    def _run(self, simulate, start, rng, number):
        progress = make_progress(self.verbose, type(self).__name__, self.max_iter)
        iterations, interrupted = [], False
        before = simulate.seconds
        try:
            for iteration in lift(
                simulate,
                self._groups,
                self._summaries,
                start,
                rng=rng,
                regressor=self._make_regressor(),
                n_simulations=self.n_simulations,
                max_iter=self.max_iter,
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
        progress.close("interrupted" if interrupted else f"start {number + 1} ended")
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
        self.mean_, self._own_covariance = mean, covariance
        self.covariance_ = covariance
        self.distance_ = distance
        self.r2_ = dict(zip(self.parameter_names_, map(float, r2), strict=True))
        deviations = np.sqrt(np.diag(covariance))
        self.correlation_ = covariance / np.outer(deviations, deviations)
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

    def _sharpen(self, simulate, rng):
        """The last stage, and the answer that it gives."""
        size = len(self.mean_)
        self._locals = [
            last_stage(
                simulate, group, own, self.mean_, self.covariance_, rng, self.n_final
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

    def _warn(self, best):
        name = type(self).__name__
        if best.interrupted:
            message = "was interrupted; it keeps the answer of the last iteration."
            warnings.warn(f"{name} {message}", ConvergenceWarning, stacklevel=4)
        elif not self.converged_:
            message = (
                f"came to max_iter={self.max_iter} while its steps were larger than half a "
                "posterior deviation. Increase max_iter, or n_simulations."
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
                    f"deviations). Widen the prior of {name!r}."
                )
        if len(self.modes_) > 1:
            yield (
                f"{len(self.modes_)} starts ended apart and are about as likely: see "
                "modes_. Standard errors are those of the first alone."
            )

    # Answers.

    @property
    def _scatter(self):
        """Covariance of the parameters of a new series, in unit coordinates."""
        return self.covariance_ if self._population is None else self._population

    def _unit_draws(self, n_samples, rng, covariance):
        factor = np.linalg.cholesky(covariance + 1e-12 * np.eye(len(covariance)))
        return self.mean_ + rng.standard_normal((n_samples, len(covariance))) @ factor.T

    def sample_parameters(self, n_samples=1000, random_state=None):
        """Draw parameters from the posterior, or from the population of series.

        Parameters
        ----------
        n_samples : int, default=1000
            How many.
        random_state : int, RandomState instance or None, default=None
            Source of randomness.

        Returns
        -------
        parameters : dict of ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        rng = make_rng(check_random_state(random_state))
        draws = self._coordinates.natural(self._unit_draws(n_samples, rng, self._scatter))
        return {name: draws[name] for name in self.parameter_names_}

    def sample(self, n_samples=100, random_state=None, *, at_estimate=False, n_times=None):
        """Simulate series at draws of the parameters, or at their estimates.

        Parameters
        ----------
        n_samples : int, default=100
            How many.
        random_state : int, RandomState instance or None, default=None
            Source of randomness.
        at_estimate : bool, default=False
            Whether all are simulated at ``parameters_``.
        n_times : int, default=None
            Length; None is that of the first series that was fitted.

        Returns
        -------
        series : ndarray of shape (n_samples, n_times) or (n_samples, n_times, n_channels)
        """
        check_is_fitted(self)
        rng = make_rng(check_random_state(random_state))
        n_times = self._groups[0].n_times if n_times is None else n_times
        unit = np.repeat(self.mean_[None], n_samples, axis=0)
        if not at_estimate:
            unit = self._unit_draws(n_samples, rng, self._scatter)
        series = self._simulator()(unit, n_times, rng, self._groups[0].covariates)
        return series[..., 0] if series.shape[2] == 1 else series

    def simulate_at(self, parameters, n_times=None, random_state=None, *, covariates=None):
        """Simulate series at given values of the parameters.

        Parameters
        ----------
        parameters : dict
            Name to values, (n,) or a number.
        n_times : int, default=None
            Length; None is that of the first series that was fitted.
        random_state : int, RandomState instance or None, default=None
            Source of randomness.
        covariates : object, default=None
            What `simulate` is told; None takes those of the first series that was fitted.

        Returns
        -------
        series : ndarray of shape (n, n_times) or (n, n_times, n_channels)
        """
        check_is_fitted(self)
        if covariates is None:
            covariates = self._groups[0].covariates
        values = {n: np.atleast_1d(parameters[n]) for n in self.parameter_names_}
        unit = self._coordinates.unit(values)
        n_times = self._groups[0].n_times if n_times is None else n_times
        rng = make_rng(check_random_state(random_state))
        series = self._simulator()(unit, n_times, rng, covariates)
        return series[..., 0] if series.shape[2] == 1 else series

    def transform(self, X, covariates=None):
        """Estimates of the parameters of each series by itself.

        Parameters
        ----------
        X : array-like
            Series, of lengths and patterns of missing entries that were fitted.
        covariates : list, default=None
            Those of the series, which must have been fitted, too.

        Returns
        -------
        parameters : ndarray of shape (n_series, n_parameters)
            Medians of their posteriors, columns as ``parameter_names_``.

        Raises
        ------
        ValueError
            If a series has a length or a pattern that "was not fitted", or `n_final` was 0.
        """
        check_is_fitted(self)
        groups = grouped(read_series(X, type(self).__name__), covariates)
        found = np.empty((sum(len(group.index) for group in groups), len(self.mean_)))
        for group, place in zip(groups, self._places(groups), strict=True):
            found[group.index] = self._of_each(group, place)
        natural = self._coordinates.natural(found)
        return np.stack([natural[name] for name in self.parameter_names_], axis=1)

    def _places(self, groups):
        """Number of the fitted group that each of some groups is like."""
        known = [group.pattern for group in self._groups]
        if any(group.pattern not in known for group in groups):
            raise ValueError(
                "A series has a length or a pattern of missing entries that was not "
                f"fitted; {type(self).__name__} was fitted to lengths "
                f"{sorted({group.n_times for group in self._groups})}. Fit a clone to it."
            )
        return [known.index(group.pattern) for group in groups]

    def _of_each(self, group, place):
        """Posterior means of single series, in unit coordinates."""
        if self._locals is None:
            self._locals = self._sharpened_locals()
        own, size = self._locals[place], len(self.mean_)
        means, precisions, _ = own.of(self._summaries[place](group.series))
        centre, factor = own.proposal
        if self._population is None:
            prior, towards = factor.T @ factor, -factor.T @ centre
        else:
            inverse = np.linalg.inv(self._population + 1e-9 * np.eye(size))
            prior = factor.T @ inverse @ factor
            towards = factor.T @ inverse @ (self.mean_ - centre)
        left = precisions - np.eye(size) + prior + 1e-6 * np.eye(size)
        right = np.einsum("nij,nj->ni", precisions, means) + towards
        return centre + np.linalg.solve(left, right[..., None])[..., 0] @ factor.T

    def _sharpened_locals(self):
        """Regressions for single series, around the population of their parameters."""
        if self._population is None and not self.n_final:
            raise ValueError(
                f"{type(self).__name__} was fitted with n_final=0, and has no regression "
                "for single series. Set n_final, and fit again."
            )
        rng, n_final = np.random.default_rng(0), self.n_final or 2000
        simulate = self._simulator()
        return [
            last_stage(simulate, group, own, self.mean_, self._scatter, rng, n_final)
            for group, own in zip(self._groups, self._summaries, strict=True)
        ]

    def get_feature_names_out(self, input_features=None):
        """Names of the parameters, the columns of :meth:`transform`.

        Parameters
        ----------
        input_features : Ignored
            Present for API consistency.

        Returns
        -------
        names : ndarray of str
        """
        check_is_fitted(self)
        return np.array(self.parameter_names_, dtype=object)

    def score(self, X, y=None, covariates=None):
        """Mean synthetic log-likelihood of the series, at the estimates.

        Parameters
        ----------
        X : array-like
            Series, of lengths and patterns that were fitted.
        y : Ignored
            Present for API consistency.
        covariates : list, default=None
            Those of the series, which must have been fitted, too.

        Returns
        -------
        score : float
            Log density of the summaries, nats a series, if these were Gaussian. Only
            comparable between fits with the same summaries.
        """
        check_is_fitted(self)
        groups = grouped(read_series(X, type(self).__name__), covariates)
        own = [self._summaries[place] for place in self._places(groups)]
        total = self._synthetic(self.mean_, self._simulator(), groups, own)
        return total / sum(len(group.index) for group in groups)

    def forecast(self, X, n_ahead, n_draws=1000, random_state=0):
        """Predict how series go on, from simulated series whose last values are alike.

        Parameters
        ----------
        X : array-like
            Series of one length.
        n_ahead : int
            Number of times.
        n_draws : int, default=1000
            Series that are simulated, at draws of the parameters.
        random_state : int, RandomState instance or None, default=0
            Source of randomness.

        Returns
        -------
        forecast : Bunch
            ``mean``, ``lower`` and ``upper`` (5% and 95%), each of shape (n_series,
            n_ahead[, n_channels]).

        Raises
        ------
        ValueError
            If `simulate` takes no `n_times`, or X has several lengths.
        """
        check_is_fitted(self)
        groups = grouped(read_series(X, type(self).__name__))
        simulate = self._simulator()
        if not simulate.takes_length or simulate.takes_covariates:
            raise ValueError(
                "forecast needs a simulator of any length, without covariates: let "
                "simulate take n_times."
            )
        if len({group.n_times for group in groups}) > 1:
            raise ValueError("forecast needs series of one length; got several.")
        n_times = groups[0].n_times
        rng = make_rng(check_random_state(random_state))
        unit = self._unit_draws(n_draws, rng, self._scatter)
        drawn = simulate(unit, n_times + n_ahead, rng)
        drawn = drawn[np.isfinite(drawn).all(axis=(1, 2))]
        found = [predicted(drawn, group.series, n_ahead) for group in groups]
        order = np.argsort(np.concatenate([group.index for group in groups]))
        names = ("mean", "lower", "upper")
        joined = [np.concatenate(parts)[order] for parts in zip(*found, strict=True)]
        if joined[0].shape[2] == 1:
            joined = [part[..., 0] for part in joined]
        return Bunch(**dict(zip(names, joined, strict=True)))

    def check(self, X=None, n_samples=300, random_state=0):
        """Compare statistics of real series with those of simulated ones.

        Parameters
        ----------
        X : array-like, default=None
            Series of one length; None takes the first that were fitted.
        n_samples : int, default=300
            Simulations, at draws of the parameters.
        random_state : int, RandomState instance or None, default=0
            Source of randomness.

        Returns
        -------
        checks : list of PredictiveCheck
            A `tail` below 0.01 says that the simulator does not do what the series do.
        """
        check_is_fitted(self)
        group = self._groups[0]
        if X is not None:
            (group, *_) = grouped(read_series(X, type(self).__name__))
        drawn = self.sample(n_samples, random_state, n_times=group.n_times)
        drawn = drawn.reshape(n_samples, group.n_times, -1)
        drawn = drawn[np.isfinite(drawn).all(axis=(1, 2))]
        drawn = np.where(np.isnan(group.series).all(axis=0), np.nan, drawn)
        return predictive_checks(group.series, drawn)

    def calibrate(self, n_fits=40, random_state=0):
        """Simulation-based calibration: fits of series whose parameters are known.

        Parameters
        ----------
        n_fits : int, default=40
            Parameters drawn from the prior, each with a series of its own.
        random_state : int, RandomState instance or None, default=0
            Source of randomness.

        Returns
        -------
        calibration : Bunch
            ``coverage``, a dict from 0.5 and 0.9 to the share of intervals of that
            probability that cover the truth; ``z``, errors in posterior deviations,
            (n_fits, n_parameters).
        """
        check_is_fitted(self)
        rng = make_rng(check_random_state(random_state))
        simulate, n_times = self._simulator(), self._groups[0].n_times
        z = []
        while len(z) < n_fits:
            truth = rng.standard_normal(len(self.mean_))
            series = simulate(np.repeat(truth[None], 3, axis=0), n_times, rng)
            sound = np.isfinite(series).all(axis=(1, 2))
            if not sound.any():
                continue
            one = clone(self).set_params(random_state=int(rng.integers(2**31)), n_init=1)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                one.fit(series[sound][:1])
            z.append((truth - one.mean_) / np.sqrt(np.diag(one.covariance_)))
        z = np.array(z)
        within = {0.5: 0.6745, 0.9: 1.6449}
        coverage = {level: float(np.mean(np.abs(z) < at)) for level, at in within.items()}
        return Bunch(coverage=coverage, z=z)

    def summary(self):
        """Table of estimates, standard errors, intervals, and what to think of them.

        Returns
        -------
        text : str
        """
        check_is_fitted(self)
        width = max(9, *(len(name) for name in self.parameter_names_))
        titles = f"{'parameter':<{width}}{'estimate':>12}{'std. error':>12}"
        lines = [f"{titles}{'5%':>12}{'95%':>12}{'R2':>7}"]
        for name, at in zip(self.parameter_names_, self.mean_, strict=True):
            low, high = self.intervals_[name]
            value, error = self.parameters_[name], self.standard_errors_[name]
            row = f"{name:<{width}}{value:>12.4g}{error:>12.3g}{low:>12.4g}{high:>12.4g}"
            note = "  prior only" if self.r2_[name] < KNOWN else ""
            note += "  at the edge of its prior" if abs(at) > EDGE else ""
            lines.append(f"{row}{self.r2_[name]:>7.2f}{note}")
        looks = "do not look" if self.distance_ > FAR else "look"
        lines.append(
            f"distance {self.distance_:.2f}: the series {looks} like simulated ones; "
            f"{self.n_simulations_} simulations, {self.n_failed_} failed; "
            f"{'at rest' if self.converged_ else 'not at rest'} after {self.n_iter_} "
            "iterations"
        )
        return "\n".join(lines)


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
