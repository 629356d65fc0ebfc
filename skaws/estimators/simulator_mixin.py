"""What a fitted simulator says: parameters, new series, forecasts, checks."""

import warnings

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import TransformerMixin, clone
from sklearn.utils import Bunch, check_random_state
from sklearn.utils.validation import check_is_fitted

from ..evaluation import Summary
from ..lifted import grouped, last_stage, predicted, predictive_checks, read_series
from .mixin import make_rng

__all__ = ["FittedSimulatorMixin"]

FAR = 1.2  # distance at which simulations do not look like the series
KNOWN = 0.1  # share of a prior's variance that series take away, at least
EDGE = 2.5  # standard deviations of a prior
N_FOR_SINGLE_SERIES = 2000
MOST_TRIES = 10  # for each fit of a calibration
NORMAL = {0.5: 0.6745, 0.9: 1.6449}  # where central intervals of these probabilities end


class FittedSimulatorMixin(TransformerMixin):
    """Methods of a fitted :class:`skaws.AmortisedSimulator`."""

    @property
    def _scatter(self):
        """Covariance of the parameters of a new series, in unit coordinates."""
        return self.covariance_ if self._population is None else self._population

    def _unit_draws(self, n_samples, rng, covariance):
        factor = np.linalg.cholesky(covariance + 1e-12 * np.eye(len(covariance)))
        return self.mean_ + rng.standard_normal((n_samples, len(covariance))) @ factor.T

    def sample_parameters(
        self, n_samples: int = 1000, random_state: int | np.random.RandomState | None = None
    ):
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

    def sample(
        self,
        n_samples: int = 100,
        random_state: int | np.random.RandomState | None = None,
        *,
        at_estimate: bool = False,
        n_times: int | None = None,
    ) -> np.ndarray:
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

    def simulate_at(
        self,
        parameters: dict,
        n_times: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        *,
        covariates=None,
    ) -> np.ndarray:
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
            What `simulate` gets; None takes those of the first series that was fitted.

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

    def transform(self, X: ArrayLike, covariates: list | None = None) -> np.ndarray:
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
        rng, n_final = np.random.default_rng(0), self.n_final or N_FOR_SINGLE_SERIES
        simulate = self._simulator()
        return [
            last_stage(simulate, group, own, self.mean_, self._scatter, rng, n_final)
            for group, own in zip(self._groups, self._summaries, strict=True)
        ]

    def get_feature_names_out(self, input_features=None) -> np.ndarray:
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

    def score(
        self, X: ArrayLike, y: object = None, covariates: list | None = None
    ) -> float:
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

    def forecast(
        self,
        X: ArrayLike,
        n_ahead: int,
        n_draws: int = 1000,
        random_state: int | np.random.RandomState | None = 0,
    ):
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

    def check(
        self,
        X: ArrayLike | None = None,
        n_samples: int = 300,
        random_state: int | np.random.RandomState | None = 0,
    ):
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

    def calibrate(
        self, n_fits: int = 40, random_state: int | np.random.RandomState | None = 0
    ):
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
            probability that cover the truth; ``z``, errors in standard deviations of the
            posterior, (n_fits, n_parameters), fewer where simulations fail.

        Raises
        ------
        RuntimeError
            If "simulations fail all over the prior".
        """
        check_is_fitted(self)
        rng = make_rng(check_random_state(random_state))
        simulate, group, z = self._simulator(), self._groups[0], []
        known = None if group.covariates is None else [group.covariates]
        for _ in range(MOST_TRIES * n_fits):
            truth = rng.standard_normal(len(self.mean_))
            one = clone(self).set_params(random_state=int(rng.integers(2**31)), n_init=1)
            try:
                series = simulate.like(group, truth[None], rng)
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    one.fit(series, covariates=known)
            except RuntimeError:  # simulations fail there
                continue
            z.append((truth - one.mean_) / np.sqrt(np.diag(one.covariance_)))
            if len(z) == n_fits:
                break
        if not z:
            raise RuntimeError(
                "calibrate: simulations fail all over the prior. Narrow it to where the "
                "simulator works."
            )
        z = np.array(z)
        coverage = {p: float(np.mean(np.abs(z) < end)) for p, end in NORMAL.items()}
        return Bunch(coverage=coverage, z=z)

    def summary(self):
        """Table of estimates, standard errors, intervals, and what to think of them.

        Returns
        -------
        summary : skaws.evaluation.Summary
            ``print`` it, or take its ``to_frame()``.
        """
        check_is_fitted(self)
        names = list(self.parameter_names_)
        notes = []
        for name, at in zip(names, self.mean_, strict=True):
            note = ["prior only"] if self.r2_[name] < KNOWN else []
            note += ["at the edge of its prior"] if abs(at) > EDGE else []
            notes.append("; ".join(note))
        columns = {
            "parameter": names,
            "estimate": [float(self.parameters_[name]) for name in names],
            "std. error": [float(self.standard_errors_[name]) for name in names],
            "5%": [float(self.intervals_[name][0]) for name in names],
            "95%": [float(self.intervals_[name][1]) for name in names],
            "R2": [round(float(self.r2_[name]), 2) for name in names],
        }
        if any(notes):
            columns["note"] = notes
        looks = "do not look" if self.distance_ > FAR else "look"
        ending = (
            f"distance {self.distance_:.2f}: the series {looks} like simulated ones; "
            f"{self.n_simulations_} simulations, {self.n_failed_} failed; "
            f"{'at rest' if self.converged_ else 'not at rest'} after {self.n_iter_} "
            "iterations"
        )
        return Summary(type(self).__name__, columns, [ending])
