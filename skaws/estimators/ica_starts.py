"""Where independent component analysis starts, and which of several starts is best.

With as many sources as columns, nothing lies beyond the signal to see the noise in.  It
is then held at one level after another, in shares of the smallest principal variance, and
the likelihood chooses: fourth moments tell, given enough rows.  More sources than columns
have local optima, of which short trainings find some.
"""

from itertools import islice

import numpy as np

from ..decoders.span import principal_variances

__all__ = ["best_noise_level", "best_of_short_starts", "first_noise_variance"]

SQUARE_SHARES = (0.02, 0.3, 0.55, 0.75, 0.88, 0.96)
N_FOR_FOURTH_MOMENTS = 1000
HOPELESS = 0.1  # fall of the likelihood, nats a row, after which no level is tried
OVERCOMPLETE_SHARE = 0.05
N_OVERCOMPLETE = 8
N_SHORT = 150  # iterations of a short training
N_FIRST = 300  # and of the first, which has all the rotation to find


def first_noise_variance(rows, n_latents):
    """Noise variance to start from: seen beyond the signal, or a share of its least."""
    variances = principal_variances(rows)[0]
    if n_latents < len(variances):
        return variances[n_latents:].mean()
    square = n_latents == len(variances)
    return (SQUARE_SHARES[0] if square else OVERCOMPLETE_SHARE) * variances[-1]


def best_of_short_starts(starts, short, rank):
    """The likeliest of some short trainings; one that was interrupted is the last.

    Parameters
    ----------
    starts : iterator of params
        Where to start, drawn when its turn has come.
    short : callable
        ``short(params) -> Training``.
    rank : callable
        What to compare trainings by.

    Returns
    -------
    training : Training
    """
    trainings = []
    for params in islice(starts, N_OVERCOMPLETE):
        trainings.append(short(params))
        if trainings[-1].interrupted:
            return trainings[-1]
    return max(trainings, key=rank)


def best_noise_level(params, rows, short, rank):
    """The likeliest of several noise levels, each climbed from the one below.

    Parameters
    ----------
    params : nested dict of arrays
        At the lowest level.
    rows : array of shape (m, n_features)
        Rows that stand for all.
    short : callable
        ``short(params, n_iter) -> Training``; `n_iter` has a default.
    rank : callable
        What to compare trainings by: whether they are sound, then their likelihood.

    Returns
    -------
    training : Training
    """
    smallest = principal_variances(rows)[0][-1]
    last = best = short(params, N_FIRST)
    highest = rank(best)
    for share in SQUARE_SHARES[1:]:
        if last.interrupted:
            return last
        last = short(with_noise(last.params, share * smallest))
        reached = rank(last)
        if reached > highest:
            best, highest = last, reached
        elif reached < (True, highest[1] - HOPELESS):
            break
    return best


def with_noise(params, noise_variance):
    """The same covariance with another noise variance, which the signal makes room for."""
    components, before = params["decoder"]["components"], params["likelihood"]
    left, sizes, right = np.linalg.svd(
        params["prior"]["mixing"] @ components, full_matrices=False
    )
    change = np.mean(before["noise_variance"]) - noise_variance
    sizes = np.sqrt(np.maximum(sizes**2 + change, 0.05 * sizes**2))
    mixing = (left * sizes) @ right @ np.linalg.pinv(components)
    noise = np.full_like(before["noise_variance"], noise_variance)
    return {
        **params,
        "prior": {**params["prior"], "mixing": mixing},
        "likelihood": {"noise_variance": noise},
    }
