"""Short trainings, and how they are compared."""

from itertools import islice

import numpy as np
from scipy.stats import cauchy

from ..models.linear_mixing import principal_variances
from ..moments import column_moments

__all__ = [
    "best_noise_level",
    "best_of_short_starts",
    "outlier_log_density",
    "with_noise",
    "without_collapse",
]

N_STARTS = 8  # at most
SQUARE_SHARES = (0.3, 0.55, 0.75, 0.88, 0.96)  # of the least principal variance
HOPELESS = 0.1  # fall of the likelihood, nats a row, after which no level is tried
SHARE_OF_OUTLIERS = 1e-3
NOISELESS = 1e-8  # of the least principal variance
ABOVE_FLOOR = 1.1
TIED = 0.002  # nats a row: no noise is the simpler of two models that are as likely
COLLAPSED = 20.0  # variance that the least source explains, relative to the noise
LOWERED, N_LOWERED = 0.01, 4  # noise at each of a few further attempts


def outlier_log_density(rows):
    """Log density of rows as gross errors, of which one row in a thousand may be one.

    Cauchy's in each column.  Where models are compared, no row counts for more than what it
    loses by being one: else the farthest would decide.
    """
    mean, deviation = column_moments(rows)
    away = cauchy.logpdf(rows, mean, np.where(deviation > 0, deviation, 1.0))
    return np.log(SHARE_OF_OUTLIERS) + np.nansum(away, axis=1)


def best_of_short_starts(starts, short, rank):
    """The likeliest of some short trainings; one that was interrupted is the last.

    Parameters
    ----------
    starts : iterator of params
        Where to start, each drawn when it is needed.
    short : callable
        ``short(params) -> Training``.
    rank : callable
        What to compare trainings by.

    Returns
    -------
    training : Training
    """
    trainings = []
    for params in islice(starts, N_STARTS):
        trainings.append(short(params))
        if trainings[-1].interrupted:
            return trainings[-1]
    return max(trainings, key=rank)


def without_collapse(params, floor, short, n_iter):
    """A training at the noise of the start, or a lower one where a source falls below it.

    Most rows of a source with a heavy tail lie far closer together than its variance says.
    """
    for _ in range(N_LOWERED):
        training = short(params, n_iter)
        found = training.params
        units = np.sqrt(found["noise_variance"] * np.ones(len(found["mean"])))
        sizes = np.linalg.svd(found["mixing"] @ found["basis"] / units, compute_uv=False)
        if training.failure is not None or sizes[-1] ** 2 > COLLAPSED:
            break
        lower = LOWERED * params["noise_variance"]
        if np.any(lower <= floor):
            break
        params = {**params, "noise_variance": lower}
    return training


def best_noise_level(first, rows, floor, short, rank):
    """The likeliest of several noise levels, each climbed from the one below, or none.

    Where the lowest is the likeliest, it is compared with hardly any noise.

    Parameters
    ----------
    first : Training
        At the lowest level.
    rows : array of shape (m, n_features)
        Rows that stand for all.
    floor : float or array of shape (n_features,)
        Noise variances stay above it.
    short : callable
        ``short(params, n_iter) -> Training``; `n_iter` has a default.
    rank : callable
        What to compare trainings by: whether they are sound, then their likelihood.

    Returns
    -------
    training : Training
    """
    shares = relative_noise(first.params)
    smallest = principal_variances(rows / np.sqrt(shares))[0][-1]
    last = best = first
    highest = rank(best)
    for share in SQUARE_SHARES:
        if last.interrupted:
            return last
        last = short(with_noise(last.params, share * smallest))
        reached = rank(last)
        if reached > highest:
            best, highest = last, reached
        elif reached < (True, highest[1] - HOPELESS):
            break
    if best is not first or last.interrupted:
        return best
    least = max(NOISELESS * smallest, ABOVE_FLOOR * np.max(floor / shares))
    without = short(with_noise(first.params, least))
    return without if rank(without) >= (True, highest[1] - TIED) else first


def relative_noise(params):
    """Noise variances as shares of their mean: squared units in which they are equal."""
    return params["noise_variance"] / np.mean(params["noise_variance"])


def with_noise(params, noise_variance):
    """The same covariance with another mean of the noise, which signal makes room for."""
    before, share = params["noise_variance"], relative_noise(params)
    basis = params["basis"] / np.sqrt(share)
    left, sizes, right = np.linalg.svd(params["mixing"] @ basis, full_matrices=False)
    change = np.mean(before) - noise_variance
    sizes = np.sqrt(np.maximum(sizes**2 + change, 0.05 * sizes**2))
    mixing = (left * sizes) @ right @ np.linalg.pinv(basis)
    return {
        **params,
        "mixing": mixing,
        "noise_variance": np.asarray(noise_variance * share),
    }
