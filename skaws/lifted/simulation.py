"""A user's simulator, called for many parameters, failures counted."""

import inspect
from time import perf_counter

import numpy as np
from joblib import Parallel, delayed

__all__ = ["Simulator"]

OWN = ("rng", "n_times", "covariates")  # what a simulator may ask for beside its parameters
MOST_FAILED = 0.5


class Simulator:
    """Simulations of series at unit coordinates.

    Parameters
    ----------
    simulate : callable
        ``simulate(**parameters, rng, n_times, covariates)``; the last two only if they are
        asked for. One series, (n_times,) or (n_times, n_channels).
    coordinates : UnitCoordinates
        Of the parameters.
    vectorized : bool, default=False
        Whether `simulate` takes arrays (n,) and returns (n, n_times[, n_channels]).
    n_jobs : int, default=None
        Processes, as joblib's.

    Attributes
    ----------
    n_simulations, n_failed : int
        How many there were, and how many raised or were not finite.
    seconds : float
        How long they took.

    Examples
    --------
    >>> from scipy.stats import norm
    >>> from skaws.lifted import UnitCoordinates
    >>> def noise(level, rng, n_times):
    ...     return level + rng.standard_normal(n_times)
    >>> simulator = Simulator(noise, UnitCoordinates({"level": norm(5, 1)}))
    >>> simulator(np.zeros((2, 1)), 7, np.random.default_rng(0)).shape
    (2, 7, 1)
    """

    def __init__(self, simulate, coordinates, vectorized=False, n_jobs=None):
        self.coordinates = coordinates
        self._simulate, self._vectorized, self._n_jobs = simulate, vectorized, n_jobs
        self._asked = asked_for(simulate, [*coordinates.names, *coordinates.fixed])
        self.n_simulations = self.n_failed = 0
        self.seconds = 0.0
        self._error = None

    @property
    def takes_length(self):
        """Whether series of other lengths than those of X can be simulated."""
        return "n_times" in self._asked

    @property
    def takes_covariates(self):
        """Whether it asks for what is known of the series."""
        return "covariates" in self._asked

    def like(self, group, unit, rng):
        """Series at coordinates (n, size), of the length and covariates of a group."""
        return self(unit, group.n_times, rng, group.covariates)

    def __call__(self, unit, n_times, rng, covariates=None):
        """Series at coordinates (n, size): (n, n_times, n_channels), NaN where failed."""
        started, values = perf_counter(), self.coordinates.natural(unit)
        options = {"n_times": n_times} if self.takes_length else {}
        if self.takes_covariates:
            options["covariates"] = covariates
        if self._vectorized:
            with np.errstate(all="ignore"):
                found = self._simulate(**values, rng=rng, **options)
            series = np.array(found, dtype=float)
        else:
            seeds = rng.integers(2**63, size=len(unit))
            parallel = Parallel(self._n_jobs)
            tasks = (
                delayed(one_series)(self._simulate, of_one(values, i), seed, options)
                for i, seed in enumerate(seeds)
            )
            series = self._stacked(parallel(tasks))
        series = series[..., None] if series.ndim == 2 else series
        self._check_shape(series, len(unit), n_times)
        failed = ~np.isfinite(series).all(axis=(1, 2))
        series[failed] = np.nan
        self.n_simulations += len(unit)
        self.n_failed += int(failed.sum())
        self.seconds += perf_counter() - started
        if failed.mean() > MOST_FAILED:
            self._raise_of_failures(unit, failed)
        return series

    def _stacked(self, found):
        shapes = [np.shape(one) for one in found if not isinstance(one, Exception)]
        if not shapes:
            raise RuntimeError(
                "simulate raised for every parameter that was tried; the last said "
                f"{type(found[-1]).__name__}: {found[-1]}."
            ) from found[-1]
        self._error = next((one for one in found if isinstance(one, Exception)), None)
        blank = np.full(shapes[0], np.nan)
        series = [blank if isinstance(one, Exception) else one for one in found]
        if any(np.shape(one) != shapes[0] for one in series):
            raise ValueError(
                f"simulate returned series of different shapes, {shapes[0]} among them. "
                "Return the same length every time; mark what is missing by NaN in X only."
            )
        return np.array(series, dtype=float)

    def _check_shape(self, series, n, n_times):
        if series.ndim != 3 or series.shape[:2] != (n, n_times):
            more = (
                f"({n}, {n_times}[, n_channels])"
                if self._vectorized
                else f"({n_times}, ...)"
            )
            came = series.shape if self._vectorized else series.shape[1:]
            raise ValueError(
                f"simulate returned shape {came}; expected {more} as the series in X. "
                "Let it take n_times, or fit series of its length."
            )

    def _raise_of_failures(self, unit, failed):
        why = ""
        if 0 < failed.sum() < len(failed):
            away = np.abs(unit[failed].mean(axis=0) - unit[~failed].mean(axis=0))
            name = self.coordinates.names[int(np.argmax(away))]
            values = self.coordinates.natural(unit[failed])[name]
            low, high = np.quantile(values, (0.05, 0.95))
            why = (
                f" They differ most in {name!r}, where most lie in {low:.3g} to {high:.3g}."
            )
        error = "" if self._error is None else f" One raised {self._error!r}."
        raise RuntimeError(
            f"{failed.mean():.0%} of the simulations raised or were not finite.{why}"
            f"{error} Narrow the prior of that parameter, or return finite series there."
        )


def asked_for(simulate, names):
    """What the simulator asks for beside its parameters; raise if it cannot be called."""
    signature = inspect.signature(simulate)
    anything = any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values())
    known = set(signature.parameters)
    unknown = [name for name in names if name not in known]
    if unknown and not anything:
        raise TypeError(
            f"simulate takes no parameter {unknown[0]!r}, which parameters names; it takes "
            f"{', '.join(sorted(known - set(OWN)))}. Use the same names."
        )
    if "rng" not in known and not anything:
        raise TypeError(
            "simulate takes no rng: write simulate(..., rng) and draw all random numbers "
            "from this numpy.random.Generator."
        )
    left = [
        name
        for name, p in signature.parameters.items()
        if p.default is p.empty
        and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
        and name not in (*names, *OWN)
    ]
    if left:
        raise TypeError(
            f"simulate needs {left[0]!r}, which parameters does not name. Give it a "
            "distribution, or a number to fix it."
        )
    return [name for name in OWN if name in known]


def of_one(values, i):
    """Parameters of one simulation."""
    return {name: value[i] for name, value in values.items()}


def one_series(simulate, values, seed, options):
    """One series, or the exception that was raised instead."""
    try:
        with np.errstate(all="ignore"):
            return simulate(**values, rng=np.random.default_rng(seed), **options)
    except Exception as error:
        return error
