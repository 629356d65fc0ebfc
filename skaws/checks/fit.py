"""Whether a fitted model suits the rows: two questions that any model can be asked."""

import warnings

import numpy as np
from scipy.linalg import pinvh
from scipy.special import logsumexp

from ..moments import column_moments, column_units
from ..regression import BoundedEstimate
from ..wake_sleep import masked_like
from .traits import MANY_VALUES, are_hybrid

__all__ = ["surprise", "vanished_noise", "warn_of_odd_fit"]

N_SIMULATIONS = 1000

# Measured by ``make bench-odd-fits`` in 206 fits of 15 models of all plans.  Surprise: at
# most 1 in all but 3 of 120 healthy fits (1.06 to 1.44 in these: tails heavier than the
# model's, an outlier).  Noise: 0.012 at least in healthy fits, 9e-4 at most where it was
# gone.  Under rough latent estimates surprise does not see noise that is only wrong.
SURPRISING = 1.0  # deviations
VANISHED = 1e-3  # of the deviation of a column


def warn_of_odd_fit(model, params, rows, name):
    """Warn of rows that the model finds unlikely, and of noise that has vanished.

    Parameters
    ----------
    model, params : GenerativeModel and nested dict
        What was fitted.
    rows : array of shape (m, n_features)
        Real rows, NaN where missing.
    name : str
        Of the estimator.
    """
    with np.errstate(all="ignore"):  # what is not finite is looked after
        surprised = surprise(model, params, rows)
        column, noise = vanished_noise(model, params, rows)
    if surprised > SURPRISING:
        warnings.warn(
            f"{name}: real rows lie far from simulated ones. Their log density lies "
            f"{surprised:.3g} standard deviations below that of simulated rows, in the "
            "mean; at a maximum in the model's scales the two agree. The fit ran away or "
            "came to no rest, or rows scatter more widely than the model can say. Compare "
            "sample with X, lower learning_rate, give columns that differ in scale the "
            "same one, or take a likelihood of heavier tails.",
            UserWarning,
            stacklevel=5,
        )
    if column is not None:
        warnings.warn(
            f"{name}: the noise has collapsed, to {noise:.2g} of the deviation of column "
            f"{column} of X; the likelihood may have no maximum. Bound it from below "
            "(floor), take fewer latents, or drop columns that follow from others.",
            UserWarning,
            stacklevel=5,
        )


def surprise(model, params, rows):
    """How far the log density of real rows lies below that of simulated ones.

    The difference of the means, in standard deviations of the simulated values.  Where the
    likelihood is stationary in the scales of a model, right or wrong, there is none.  The
    log joint at rough latent estimates will do for the log density: it is as rough
    for both.
    """
    rng = np.random.default_rng(0)
    log_density = rough_log_density(model, params, *simulate(model, params, rows, rng))
    _, fresh = simulate(model, params, rows, rng)
    simulated, real = log_density(fresh), log_density(rows)
    # At a rough estimate a density may be none: that counts as the least one simulated.
    known = simulated[np.isfinite(simulated)]
    least = known.min() if len(known) else 0.0
    simulated, real = (
        np.where(np.isfinite(values), values, least) for values in (simulated, real)
    )
    gap = np.mean(simulated) - np.mean(real)
    return float(np.nan_to_num(gap / np.std(simulated)))


def simulate(model, params, rows, rng):
    """Pairs with the missing entries of `rows`."""
    latents, observations = model.sample(params, N_SIMULATIONS, rng)
    return latents, masked_like(rows, observations, rng)


def rough_log_density(model, params, latents, observations):
    """Function from rows to about their log density, but for a constant."""
    if isinstance(latents, dict):  # which cannot be estimated
        return gaussian_log_density(observations)
    if are_hybrid(latents):  # at no estimate of labels among others is there a log joint
        return gaussian_log_density(observations)
    values = np.unique(latents, axis=0)
    if len(values) <= MANY_VALUES:  # of which the rarest may be missing
        return lambda X: logsumexp(
            [model.log_joint(params, np.tile(z, (len(X), 1)), X) for z in values], axis=0
        )
    labels = len(np.unique(latents)) <= MANY_VALUES
    estimates = BoundedEstimate(everywhere=labels)
    estimate, _ = estimates.fit(model, params, latents, observations)
    return lambda X: model.log_joint(params, estimate(X), X)


def gaussian_log_density(observations):
    """That of a Gaussian with the moments of simulated rows, but for a constant.

    Entries that are missing or not finite are taken for the mean.
    """
    mean, scale = column_units(observations)

    def scaled(X):
        return np.nan_to_num((X - mean) / scale, posinf=0.0, neginf=0.0)

    rows = scaled(observations)
    precision = pinvh(rows.T @ rows / len(rows))
    return lambda X: -0.5 * np.sum(scaled(X) @ precision * scaled(X), axis=1)


def vanished_noise(model, params, rows):
    """A column in which the model leaves next to no noise, and how much.

    The log joint of simulated pairs tells: to move an entry by h from where it was
    simulated costs ``h**2 / (2 noise_variance)``, in the mean of both directions.  What
    it costs to move a whole block of columns tells where to look.  Columns of whole
    numbers are left out: their log joint need not be smooth.  An entry of a positive column
    is moved by a share of itself where that is less: noise may be in proportion to it.

    Returns
    -------
    column : int or None
        None if there is no such column.
    noise : float
        Deviation of its noise relative to that of the rows (or to entries, if less).
    """
    pairs = model.sample(params, N_SIMULATIONS, np.random.default_rng(0))
    deviation, observations = column_moments(rows)[1], pairs[1]
    positive = np.all(observations > 0, axis=0)
    unit = np.where(positive, np.minimum(deviation, observations), deviation)

    def search(columns):
        step = np.zeros(unit.shape)
        step[:, columns] = VANISHED * unit[:, columns]
        cost = cost_of_moving(model, params, pairs, step)
        if cost <= 0.5:  # no column of the block costs more
            return None, np.inf
        if len(columns) == 1:
            return int(columns[0]), float(VANISHED / np.sqrt(2 * cost))
        halves = np.array_split(columns, 2)
        found = search(halves[0])
        return search(halves[1]) if found[0] is None else found

    whole = np.all(observations == np.round(observations), axis=0)
    return search(np.flatnonzero((deviation > 0) & ~whole))


def cost_of_moving(model, params, pairs, step):
    """How far the log joint falls when observations move by `step` or its opposite.

    Noise may be small for some latents only, such as one class of several: the larger of
    the mean and of what one pair in fifty exceeds.
    """
    latents, observations = pairs
    here, up, down = (
        model.log_joint(params, latents, observations + move) for move in (0, step, -step)
    )
    fall = here - 0.5 * (up + down)
    fall = fall[np.isfinite(fall)]
    return max(np.mean(fall), np.quantile(fall, 0.98)) if len(fall) else 0.0
