"""A simulator against what fits rely on."""

import numpy as np
from sklearn.utils import check_random_state

from ..lifted import SeriesSummaries, Simulator, UnitCoordinates
from .report import Finding, ModelCheckError, Report

__all__ = ["check_simulator"]

N_DRAWS, N_FEW = 200, 50
LEAST_FINITE = 0.9
LEAST_SHIFT = 4.0  # standard errors of a difference of means


def check_simulator(simulate, parameters, n_times, *, vectorized=False, random_state=0):
    """Test a simulator of series before anything is fitted with it.

    Parameters
    ----------
    simulate : callable
        As :class:`skaws.AmortisedSimulator` takes it.
    parameters : dict
        Priors, as there.
    n_times : int
        Length of the series.
    vectorized : bool, default=False
        As there.
    random_state : int, RandomState instance or None, default=0
        Source of randomness.

    Returns
    -------
    report : Report
        All laws hold; ``print`` it.

    Raises
    ------
    ModelCheckError
        If the same seed gives other series, NumPy's global seed matters, series have a
        wrong shape or too few are finite, or a parameter moves nothing; the message is the
        report.

    Examples
    --------
    >>> from scipy.stats import norm
    >>> def noise(level, rng, n_times):
    ...     return level + rng.standard_normal(n_times)
    >>> print(check_simulator(noise, {"level": norm(0, 3)}, 20))
    check_simulator of noise
      ok    series have their shape                   (20, 1)
      ok    the same seed gives the same series
      ok    NumPy's global seed does not matter
      ok    series are finite under the prior         100%
      ok    each parameter moves the summaries
    """
    seed = int(check_random_state(random_state).randint(2**31))
    simulator = Simulator(simulate, UnitCoordinates(parameters), vectorized)
    unit = np.random.default_rng(seed).standard_normal(
        (N_DRAWS, simulator.coordinates.size)
    )
    name, findings = getattr(simulate, "__name__", type(simulate).__name__), []
    for law in (shape, repeats, ignores_global_seed, finite, every_parameter_moves):
        findings.append(law(simulator, unit, n_times, seed))
        if not findings[-1].holds:
            report = Report(name, tuple(findings), "check_simulator")
            raise ModelCheckError(report)
    return Report(name, tuple(findings), "check_simulator")


def shape(simulator, unit, n_times, seed):
    """Series have the length that was asked for."""
    law = "series have their shape"
    try:
        series = simulator(unit[:N_FEW], n_times, np.random.default_rng(seed))
    except (ValueError, RuntimeError) as error:
        return Finding(law, False, str(error))
    return Finding(law, True, str(series.shape[1:]))


def repeats(simulator, unit, n_times, seed):
    """The same generator gives the same series."""
    pair = [simulator(unit[:N_FEW], n_times, np.random.default_rng(seed)) for _ in range(2)]
    same = np.array_equal(*pair, equal_nan=True)
    advice = "" if same else "draw all random numbers from rng, and change no state"
    return Finding("the same seed gives the same series", same, advice)


def ignores_global_seed(simulator, unit, n_times, seed):
    """NumPy's global generator is neither used nor moved."""
    state, series = np.random.get_state(), []
    try:
        for global_seed in (1, 2):
            np.random.seed(global_seed)
            before = np.random.get_state()[1].copy()
            series.append(simulator(unit[:N_FEW], n_times, np.random.default_rng(seed)))
            moved = not np.array_equal(before, np.random.get_state()[1])
    finally:
        np.random.set_state(state)
    same = np.array_equal(*series, equal_nan=True) and not moved
    advice = "" if same else "use rng.normal(...) in place of np.random.normal(...)"
    return Finding("NumPy's global seed does not matter", same, advice)


def finite(simulator, unit, n_times, seed):
    """Nearly all simulations of the prior are finite."""
    law = "series are finite under the prior"
    try:
        series = simulator(unit, n_times, np.random.default_rng(seed))
    except RuntimeError as error:
        return Finding(law, False, str(error))
    share = np.mean(np.isfinite(series).all(axis=(1, 2)))
    advice = "" if share >= LEAST_FINITE else "; narrow the priors"
    return Finding(law, bool(share >= LEAST_FINITE), f"{share:.0%}{advice}")


def every_parameter_moves(simulator, unit, n_times, seed):
    """Summaries differ between small and large values of each parameter."""
    series = simulator(unit, n_times, np.random.default_rng(seed))
    sound = np.isfinite(series).all(axis=(1, 2))
    series, unit = series[sound], unit[sound]
    summaries = SeriesSummaries(series[:1])
    idle = []
    for j, name in enumerate(simulator.coordinates.names):
        far = unit[: len(unit) // 2].copy(), unit[: len(unit) // 2].copy()
        far[0][:, j], far[1][:, j] = -1.0, 1.0
        pair = [
            summaries(simulator(one, n_times, np.random.default_rng(seed))) for one in far
        ]
        change = pair[1] - pair[0]
        change = change[np.isfinite(change).all(axis=1)]
        error = change.std(axis=0) / np.sqrt(len(change))
        shifts = np.abs(change.mean(axis=0)) / np.maximum(error, 1e-12)
        if not np.any((shifts > LEAST_SHIFT) & (np.abs(change.mean(axis=0)) > 1e-9)):
            idle.append(name)
    advice = f"{', '.join(idle)}: summaries do not change; fix or use it" if idle else ""
    return Finding("each parameter moves the summaries", not idle, advice)
