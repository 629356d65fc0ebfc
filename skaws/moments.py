"""Means and deviations of columns with missing entries."""

import numpy as np

__all__ = ["column_moments", "column_units"]


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
