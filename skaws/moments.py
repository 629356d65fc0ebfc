"""Means, deviations and principal components of columns with missing entries."""

import numpy as np
from sklearn.utils import resample
from sklearn.utils.extmath import randomized_svd

__all__ = ["column_moments", "column_units", "principal_scores", "some_rows"]

N_ROWS = 2000  # at most, for a start


def column_moments(X):
    """Mean and standard deviation of each column over its observed entries.

    A column that never varies has a deviation of exactly zero, which its rounding
    errors would not give; one that is never observed has zeros for both.

    Parameters
    ----------
    X : array of shape (n, n_columns)
        Rows; NaN marks a missing entry.

    Returns
    -------
    mean, deviation : arrays of shape (n_columns,)

    Examples
    --------
    >>> column_moments(np.full((300, 1), 0.1))[1].tolist()
    [0.0]
    """
    missing = np.isnan(X)
    if missing.any():
        unseen = missing.all(axis=0)
        X = np.where(unseen, 0.0, X) if unseen.any() else X
        mean, deviation = np.nanmean(X, axis=0), np.nanstd(X, axis=0)
        varies = np.nanmax(X, axis=0) > np.nanmin(X, axis=0)
    else:
        mean, deviation = X.mean(axis=0), X.std(axis=0)
        varies = X.max(axis=0) > X.min(axis=0)
    return mean, np.where(varies, deviation, 0.0)


def column_units(X):
    """Mean and unit of each column: its deviation, or one where that is zero.

    Parameters
    ----------
    X : array of shape (n, n_columns)
        Rows; NaN marks a missing entry.

    Returns
    -------
    mean, unit : arrays of shape (n_columns,)

    Examples
    --------
    >>> [moment.tolist() for moment in column_units(np.array([[1.0, 5.0], [5.0, 5.0]]))]
    [[3.0, 5.0], [2.0, 1.0]]
    """
    mean, deviation = column_moments(X)
    return mean, np.where(deviation > 0, deviation, 1.0)


def some_rows(X):
    """At most 2000 rows of X, the same ones whoever asks.

    Parameters
    ----------
    X : array of shape (n, n_columns)
        Rows.

    Returns
    -------
    rows : array of shape (min(n, 2000), n_columns)

    Examples
    --------
    >>> some_rows(np.zeros((3000, 2))).shape
    (2000, 2)
    """
    return resample(X, replace=False, n_samples=min(len(X), N_ROWS), random_state=0)


def principal_scores(X, n_components, rng):
    """Standardised principal component scores; noise beyond the rank of X.

    Parameters
    ----------
    X : array of shape (n, n_columns)
        Rows; NaN marks a missing entry, and counts as its column's mean.
    n_components : int
        Number of scores.
    rng : numpy.random.Generator
        Source of the noise.

    Returns
    -------
    scores : array of shape (n, n_components)
        Of mean zero and variance one.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> principal_scores(rng.standard_normal((50, 4)), 2, rng).std(axis=0).round(6).tolist()
    [1.0, 1.0]
    """
    mean, scale = column_units(X)
    Z = np.where(np.isnan(X), 0.0, (X - mean) / scale)
    n_found = min(n_components, *Z.shape)
    left, lengths, _ = randomized_svd(Z, n_found, random_state=0)
    rank = int(np.sum(lengths > 1e-6 * lengths[0]))
    found = rng.standard_normal((len(X), n_components))
    found[:, :rank] = np.sqrt(len(X)) * left[:, :rank]
    return found
