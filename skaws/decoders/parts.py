"""Parts of non-negative rows to start components from."""

import warnings

import numpy as np
from sklearn.cluster import kmeans_plusplus
from sklearn.decomposition import NMF
from sklearn.exceptions import ConvergenceWarning

__all__ = ["distinct_rows", "parts_by_nndsvd"]


def parts_by_nndsvd(X, n_parts, rng):
    """Parts of X by a non-negative double singular value decomposition.

    Rows weighed at random stand for those that it cannot give: there are no more than the
    rank of X.
    """
    n_given = min(n_parts, np.linalg.matrix_rank(X))
    mixed = rng.exponential(size=(n_parts - n_given, len(X))) @ X
    if n_given == 0:  # a table of zeros
        return mixed
    nmf = NMF(
        n_given,
        init="nndsvda",
        solver="mu",
        beta_loss="kullback-leibler",
        max_iter=1,
        random_state=int(rng.integers(2**31)),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        given = nmf.fit(X).components_
    return np.concatenate([given, mixed])


def distinct_rows(X, n_parts, rng):
    """Rows of X far from each other, by k-means++ on their square roots."""
    n_given = min(n_parts, len(X))
    _, rows = kmeans_plusplus(np.sqrt(X), n_given, random_state=int(rng.integers(2**31)))
    mixed = rng.exponential(size=(n_parts - n_given, len(X))) @ X
    return np.concatenate([X[rows], mixed])
