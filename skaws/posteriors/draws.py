"""Draws about a centre and a covariance of each row, and of one of few values.

Arrays of draws are (n_samples, m, k); what rows share has one row in place of m.
"""

import numpy as np
from scipy.special import gammaln, log_softmax

from ..spaces import map_leaves

__all__ = [
    "draw_codes",
    "gaussian_draws",
    "heights_of_student",
    "latents_at",
    "normals",
    "student_draws",
    "transformed",
]

LEAST_DOF = 10  # of a Student's t: tails heavier than the Gaussian's
LEAST_VARIANCE = 1e-10  # of a direction, relative to the largest
BELOW_ONE = 1 - 1e-9  # further from one than the rounding of a number of rows


def normals(n_samples, n_rows, n_columns, rng, common):
    """Standard normal numbers; those that rows share come in antithetic pairs."""
    if not common:
        return rng.standard_normal((n_samples, n_rows, n_columns))
    half = rng.standard_normal(((n_samples + 1) // 2, 1, n_columns))
    return np.concatenate([half, -half])[:n_samples]


def transformed(factor, white):
    """``factor @ draw`` of each draw: factor (m or 1, k, k), draws (n, m or 1, k)."""
    if white.shape[1] == 1:
        return np.moveaxis(factor @ white[:, 0].T, 2, 0)
    if len(factor) == 1:
        return white @ factor[0].T
    return (white.swapaxes(0, 1) @ factor.swapaxes(1, 2)).swapaxes(0, 1)


def root(covariance):
    """Symmetric roots F with ``F @ F.T`` the covariances, and their log determinants.

    Where variances are equal any axes will do, and rounding chooses: the symmetric root is
    the same for all of them.
    """
    variances, axes = np.linalg.eigh(covariance)
    variances = np.maximum(variances, LEAST_VARIANCE * variances[:, -1:])
    log_volume = 0.5 * np.sum(np.log(variances), axis=1)
    stretched = axes * np.sqrt(variances)[:, None, :]
    return stretched @ axes.swapaxes(1, 2), log_volume


def gaussian_draws(mean, covariance, n_samples, rng, common):
    """Gaussian draws about the rows of `mean`, and their log densities.

    Parameters
    ----------
    mean : array of shape (m, k)
        Centre of each row.
    covariance : array of shape (m, k, k) or (1, k, k)
        Covariance of each row, or that of all.
    n_samples : int
        Draws of each row.
    rng : numpy.random.Generator
        Source of randomness.
    common : bool
        Whether rows share random numbers.

    Returns
    -------
    draws : array of shape (n_samples, m, k)
    log_prob : array of shape (n_samples, m)
    """
    factor, log_volume = root(covariance)
    white = normals(n_samples, *mean.shape, rng, common)
    log_prob = -0.5 * np.sum(white**2, axis=2) - log_volume
    log_prob = log_prob - 0.5 * mean.shape[1] * np.log(2 * np.pi)
    return mean + transformed(factor, white), log_prob + np.zeros(len(mean))


def student_draws(mean, covariance, n_samples, rng, common):
    """Wide Student's t draws about the rows of `mean`, and their log densities.

    Where rows share them they are matched, if there are enough (:func:`matched_draws`).

    Parameters
    ----------
    mean, covariance, n_samples, rng, common
        As in :func:`gaussian_draws`.

    Returns
    -------
    draws : array of shape (n_samples, m, k)
    log_prob : array of shape (n_samples, m)
    """
    k = mean.shape[1]
    factor, log_volume = root(covariance)
    if common and n_samples % 2 == 0 and n_samples >= 4 * k:
        white, log_prob = matched_draws(n_samples, k, rng)
    else:
        dof = LEAST_DOF + k
        white = normals(n_samples, *mean.shape, rng, common)
        white = white * np.sqrt(dof / rng.chisquare(dof, white.shape[:2]))[:, :, None]
        log_prob = heights_of_student(white, dof)
    log_prob = log_prob - log_volume
    return mean + transformed(factor, white), log_prob + np.zeros(len(mean))


def heights_of_student(white, dof):
    """Log density of a standard Student's t at draws (..., k)."""
    k = white.shape[-1]
    constant = gammaln(0.5 * (dof + k)) - gammaln(0.5 * dof) - 0.5 * k * np.log(dof * np.pi)
    return constant - 0.5 * (dof + k) * np.log1p(np.sum(white**2, axis=-1) / dof)


def matched_draws(n_samples, n_columns, rng):
    """Student's t draws that all rows share, and what stands for their log densities.

    They are antithetic, and stretched so that, as an importance sample of a standard
    normal, they have mass one, mean zero and unit covariance: what a Gaussian posterior
    says is then said without error, and only departures from it are sampled.

    Parameters
    ----------
    n_samples : int
        Even, and at least four for each column.
    n_columns : int
        Length of a draw.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    draws : array of shape (n_samples, 1, n_columns)
    log_prob : array of shape (n_samples, 1)
    """
    dof = LEAST_DOF + n_columns  # with fewer, most weight would rest on few draws
    half = rng.standard_normal((n_samples // 2, n_columns))
    half *= np.sqrt(dof / rng.chisquare(dof, n_samples // 2))[:, None]
    draws = np.concatenate([half, -half])
    distance = np.sum(draws**2, axis=1)
    tails = 0.5 * (dof + n_columns) * np.log1p(distance / dof)
    log_shares = log_softmax(tails - 0.5 * distance)
    covariance = (draws * np.exp(log_shares)[:, None]).T @ draws
    draws = draws @ np.linalg.inv(np.linalg.cholesky(covariance)).T
    log_normal = -0.5 * (np.sum(draws**2, axis=1) + n_columns * np.log(2 * np.pi))
    log_prob = log_normal - log_shares - np.log(n_samples)
    return draws[:, None], log_prob[:, None]


def draw_codes(probability, n_samples, rng, common):
    """Numbers of values drawn with given probabilities.

    Parameters
    ----------
    probability : array of shape (m, n_values)
        Of each value; rows sum to one.
    n_samples : int
        Draws of each row.
    rng : numpy.random.Generator
        Source of randomness.
    common : bool
        Whether rows share random numbers.

    Returns
    -------
    codes : array of int of shape (n_samples, m)

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> draw_codes(np.array([[0.0, 1.0], [1.0, 0.0]]), 3, rng, common=True).tolist()
    [[1, 0], [1, 0], [1, 0]]
    """
    m, n_values = probability.shape
    uniform = BELOW_ONE * rng.random((n_samples, 1 if common else m))
    cumulative = np.cumsum(probability, axis=1)
    cumulative /= cumulative[:, -1:]
    # One search through all rows, one above the other.
    first = np.arange(m)
    below = np.ravel(cumulative + first[:, None])
    codes = np.searchsorted(below, uniform + first, side="right") - n_values * first
    return np.clip(codes, 0, n_values - 1)


def latents_at(space, coordinates):
    """Latents at real coordinates, and the log volume of one to the other.

    Parameters
    ----------
    space : Space
        Of the latents.
    coordinates : array of shape (n_samples, m, size)
        Real coordinates of draws of each row.

    Returns
    -------
    latents : array or nested dict of arrays, of shape (n_samples, m, ...)
    log_volume : array of shape (n_samples, m)
    """
    shape = coordinates.shape[:2]
    flat = coordinates.reshape(shape[0] * shape[1], -1)
    latents = map_leaves(
        lambda leaf: leaf.reshape(*shape, *leaf.shape[1:]), space.unflatten(flat)
    )
    return latents, space.log_det_jacobian(flat).reshape(shape)
