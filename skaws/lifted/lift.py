"""Sleep: parameters from a Gaussian, and their series.  Wake: where real series lead."""

from typing import NamedTuple

import numpy as np

from ..regression import KernelRegression
from .whitening import Whitening

__all__ = ["Lift", "LiftIteration", "lift"]

FIRST_WIDTH = 0.5  # of the prior
AT_REST = 0.7  # standard deviations of the posterior
N_AVERAGED = 4
NARROWEST = 0.7  # of the last proposal, in a step
WIDTH = 1.5  # standard deviations of the posterior
LEAST, MOST = 1e-4, 0.99  # variances of what is not predicted
FURTHEST = 1.0  # standard deviations of the proposal, in a step


class Lift(NamedTuple):
    """Gaussian proposal of unit coordinates: ``mean + factor @ e``."""

    mean: np.ndarray
    factor: np.ndarray


class LiftIteration(NamedTuple):
    """What one iteration yields.

    Attributes
    ----------
    number : int
        1 for the first.
    mean, covariance : arrays of shape (p,) and (p, p)
        Of the posterior, in unit coordinates; of one series where these are pooled in part.
    step : float
        How far the mean moved, in standard deviations of the posterior.
    distances : array of shape (n_series,)
        Of real series from simulated ones: above one they lie outside.
    r2 : array of shape (p,)
        Share of the prior's variance that the series take away.
    averaged : bool
        Whether the answer is to be averaged over this iteration.
    at_rest : bool
        Whether steps had become small.
    population : array of shape (p, p) or None
        Covariance of the parameters over series, where these are pooled in part.
    """

    number: int
    mean: np.ndarray
    covariance: np.ndarray
    step: float
    distances: np.ndarray
    r2: np.ndarray
    averaged: bool
    at_rest: bool
    population: np.ndarray | None = None


def lift(
    simulate, groups, summaries, start, *, rng, regressor, n_simulations, max_iter, pooling
):
    """Move a Gaussian over the parameters to where the real series come from.

    Parameters
    ----------
    simulate : Simulator
        Of series at unit coordinates.
    groups : list of Group
        Real series.
    summaries : list of callables
        Of the series of each group.
    start : Lift
        First proposal.
    rng : numpy.random.Generator
        Source of randomness.
    regressor : KernelRidge
        Of parameters on summaries.
    n_simulations : int
        Series simulated for each group in an iteration.
    max_iter : int
        Number of iterations at most.
    pooling : {"complete", "partial"}
        Whether all series share their parameters, or each has its own.

    Yields
    ------
    iteration : LiftIteration

    Notes
    -----
    The step of wake-sleep with the parameters for latents: draws e of the proposal are
    regressed on summaries of what they simulate, and the prediction at real series moves
    the mean.  Likelihoods of series multiply, so natural parameters are added.
    """
    proposal, size = start, len(start.mean)
    n_series = sum(len(group.index) for group in groups)
    n_calm, first_averaged = 0, None
    for number in range(1, max_iter + 1):
        half = rng.standard_normal((n_simulations // 2, size))
        e = np.concatenate([half, -half])
        seen = [
            one_group(simulate, group, own, proposal, e, rng, regressor)
            for group, own in zip(groups, summaries, strict=True)
        ]
        distances = np.empty(n_series)
        for group, found in zip(groups, seen, strict=True):
            distances[group.index] = found.distances
        if pooling == "partial":
            iteration, proposal = population_step(
                number, max_iter, seen, proposal, distances
            )
            yield iteration
            continue
        estimate, precision = combined(seen, proposal)
        step = float(np.sqrt(estimate @ precision @ estimate / size))
        n_calm = n_calm + 1 if step < AT_REST else 0
        if first_averaged is None and (n_calm == 2 or number > max_iter - N_AVERAGED):
            first_averaged, at_rest = number, n_calm == 2
        averaged = first_averaged is not None
        gain = 1 / (1 + 0.5 * (number - first_averaged)) if averaged else 1.0
        bounded = estimate * min(1.0, FURTHEST / np.abs(estimate).max())
        mean = proposal.mean + gain * proposal.factor @ bounded
        covariance = proposal.factor @ np.linalg.inv(precision) @ proposal.factor.T
        proposal = Lift(mean, narrowed(proposal.factor, precision, estimate))
        yield LiftIteration(
            number,
            mean,
            covariance,
            step,
            distances,
            1 - np.diag(covariance),
            averaged,
            averaged and at_rest,
        )
        if averaged and number == first_averaged + N_AVERAGED - 1:
            return


def combined(seen, proposal):
    """Mean and precision of e: likelihoods of all series times the prior."""
    prior = proposal.factor.T @ proposal.factor
    precision = prior + 1e-4 * np.eye(len(prior))
    towards = -proposal.factor.T @ proposal.mean
    for found in seen:
        likelihood = found.precision - np.eye(len(prior))
        precision = precision + len(found.means) * likelihood
        towards = towards + found.precision @ found.means.sum(axis=0)
    return np.linalg.solve(precision, towards), precision


class OneGroup(NamedTuple):
    """What simulations of a group's length say of its series."""

    means: np.ndarray  # of e, (n_series, p)
    unexplained: np.ndarray  # of what is not predicted
    precision: np.ndarray
    distances: np.ndarray


def one_group(simulate, group, summaries, proposal, e, rng, regressor):
    """Regress the draws of the proposal on summaries of their series."""
    drawn = summaries(simulate.like(group, proposal.mean + e @ proposal.factor.T, rng))
    sound = np.isfinite(drawn).all(axis=1)
    e, drawn = e[sound], drawn[sound]
    whitening = Whitening(drawn)
    inputs, (real, distances) = whitening(drawn), whitening.within(summaries(group.series))
    centre = e.mean(axis=0)
    targets = e - centre
    regression = KernelRegression(regressor).fit(inputs)
    solved = regression.solve(np.hstack([targets, np.eye(len(e))]))
    dual, inverse = solved[:, : e.shape[1]], solved[:, e.shape[1] :]
    residuals = dual / np.diag(inverse)[:, None]  # each left out, in closed form
    covariance, precision = bounded_inverse(residuals.T @ residuals / len(e))
    predicted = targets - residuals
    unexplained, _ = bounded_inverse(np.eye(e.shape[1]) - predicted.T @ predicted / len(e))
    means = regression.kernel(real) @ dual + centre
    return OneGroup(means, unexplained, precision, distances)


def bounded_inverse(covariance, least=LEAST, most=MOST):
    """A covariance with its variances in bounds, and its inverse."""
    variances, axes = np.linalg.eigh(covariance)
    variances = np.clip(variances, least, most)
    return (axes * variances) @ axes.T, (axes / variances) @ axes.T


def narrowed(factor, precision, estimate):
    """Factor of the next proposal: narrower, but not inside the step it just wanted."""
    sizes, axes = np.linalg.eigh(precision)
    width = np.maximum(WIDTH / np.sqrt(sizes), np.abs(axes.T @ estimate))
    whole = factor @ (axes * np.clip(width, NARROWEST, 1.0)) @ axes.T
    return np.linalg.cholesky(whole @ whole.T + 1e-12 * np.eye(len(factor)))


def population_step(number, max_iter, seen, proposal, distances):
    """A step towards the population of series that have parameters of their own.

    As EM's, but what is left after a series is one less what predictions explain, not the
    variance of residuals: a regression's own noise widens both residuals and predictions,
    and would make the population too wide.  At rest, predictions of simulated series
    scatter as those of real ones.
    """
    means = np.concatenate([found.means for found in seen])
    counts = np.array([len(found.means) for found in seen])
    left = np.tensordot(counts / counts.sum(), [found.unexplained for found in seen], 1)
    centre = means.mean(axis=0)
    away = means - centre
    own = away.T @ away / len(means) + left
    population = proposal.factor @ own @ proposal.factor.T
    population = (population + population.T) / 2
    mean = proposal.mean + proposal.factor @ centre
    step = float(np.sqrt(np.mean(centre**2) * len(means)))
    factor = np.linalg.cholesky(population + 1e-6 * np.eye(len(mean)))
    averaged = number > 0.6 * max_iter
    iteration = LiftIteration(
        number,
        mean,
        population / len(means),
        step,
        distances,
        1 - np.diag(left),
        averaged,
        averaged,
        population,
    )
    return iteration, Lift(mean, factor)
