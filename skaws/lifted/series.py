"""Series of any lengths and channels, in groups that are alike."""

import warnings
from typing import NamedTuple

import numpy as np

__all__ = ["Group", "grouped", "read_series"]

LONG = 5  # times as many series as times look like a transposed table


class Group(NamedTuple):
    """Series of one length, one pattern of missing entries and the same covariates.

    Attributes
    ----------
    index : list of int
        Which of the series they are.
    series : array of shape (n, n_times, n_channels)
        NaN where missing.
    covariates : object or None
        What is known of them, for the simulator.
    """

    index: list
    series: np.ndarray
    covariates: object = None

    @property
    def n_times(self):
        """Length of each."""
        return self.series.shape[1]

    @property
    def pattern(self):
        """What the series have in common."""
        return pattern_of(self.series[0], self.covariates)


def read_series(X, name):
    """List of float arrays (n_times, n_channels) from what users hand in.

    Parameters
    ----------
    X : array of shape (n_series, n_times) or (n_series, n_times, n_channels), or list
        A list has one array or data frame for each series, of any lengths.
    name : str
        Whom messages are from.

    Raises
    ------
    ValueError
        If X is one series without an axis for series, a series has fewer than three times,
        no observed entry or infinite ones, or their channels differ.

    Examples
    --------
    >>> [series.shape for series in read_series([[1.0, 2, 3], [4.0, 5, 6, 7]], "I")]
    [(3, 1), (4, 1)]
    """
    whole = not isinstance(X, (list, tuple))
    if whole:
        X = np.asarray(X, dtype=float)
        if X.ndim not in (2, 3):
            raise ValueError(
                f"{name} expects rows that are series, shape (n_series, n_times) or "
                f"(n_series, n_times, n_channels); got shape {X.shape}. If this is one "
                "series, use X.reshape(1, -1)."
            )
    series = [np.asarray(one, dtype=float) for one in X]
    if not series:
        raise ValueError(f"{name} got no series. Pass one at least.")
    if all(one.ndim == 0 for one in series):
        raise ValueError(
            f"{name} got a list of numbers. If this is one series, put it in a list: [x]."
        )
    series = [one[:, None] if one.ndim == 1 else one for one in series]
    for number, one in enumerate(series):
        check_one(one, number, series[0].shape[-1], name)
    if whole and len(series) > LONG * X.shape[1]:
        warnings.warn(
            f"{name} got {len(series)} series of {X.shape[1]} times: rows are series, and "
            "time goes along columns. Transpose X if it is the other way round.",
            UserWarning,
            stacklevel=3,
        )
    return series


def check_one(series, number, n_channels, name):
    """Raise ValueError if a series cannot be used."""
    shape = series.shape
    if series.ndim != 2 or shape[1] != n_channels:
        raise ValueError(
            f"Series {number} of {name} has shape {shape}; expected (n_times, "
            f"{n_channels}) as the first."
        )
    if shape[0] < 3:
        raise ValueError(
            f"Series {number} of {name} has {shape[0]} times; three are needed. Rows of X "
            "are series: if X is one series in a long column, use X.reshape(1, -1)."
        )
    if np.isinf(series).any():
        raise ValueError(f"Series {number} of {name} contains infinity. Mark holes by NaN.")
    if np.isnan(series).all():
        raise ValueError(
            f"Series {number} of {name} has no observed entry (all NaN). Leave it out."
        )


def pattern_of(series, covariates):
    """What series of one group have in common."""
    known = None if covariates is None else np.asarray(covariates).tobytes()
    return len(series), np.isnan(series).tobytes(), known


def grouped(series, covariates=None):
    """Groups of series of one length, pattern of missing entries and covariates."""
    groups = {}
    covariates = [None] * len(series) if covariates is None else list(covariates)
    for number, pair in enumerate(zip(series, covariates, strict=True)):
        groups.setdefault(pattern_of(*pair), []).append(number)
    return [
        Group(index, np.stack([series[i] for i in index]), covariates[index[0]])
        for index in groups.values()
    ]
