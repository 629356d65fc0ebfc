"""Fair mini-batches of rows that may be larger than memory, sparse, or in dask's blocks."""

from itertools import pairwise

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import gen_batches

__all__ = ["dense_rows", "is_lazy", "mini_batches", "row_slices"]

ENTRIES_READ_AHEAD = 8_000_000  # of a table in blocks, 64 megabytes


def is_lazy(X):
    """Whether X is one of dask's collections, whose blocks are computed when asked for."""
    return hasattr(X, "__dask_graph__")


def row_slices(X, n_at_once):
    """Slices of at most `n_at_once` rows that cover X; of a table in blocks, its blocks."""
    if not is_lazy(X):
        return gen_batches(X.shape[0], n_at_once)
    edges = np.cumsum([0, *X.chunks[0]])
    return (slice(*map(int, pair)) for pair in pairwise(edges))


def dense_rows(X, index=slice(None)):
    """Some rows of X, dense, sparse or in blocks, as a dense float64 array."""
    rows = X[index]
    return np.asarray(rows.toarray() if issparse(rows) else rows, dtype=float)


def mini_batches(X, batch_size, rng, sample_weight=None, whole=False):
    """Endless passes over the rows of X in batches of nearly equal size.

    Yields ``(rows, row_weights)``: float64 rows and weights that average to one over a
    pass, divided by the number of rows.  Batches of rows without weight are left out.  A
    pass visits rows in arithmetic progression modulo n_samples, with random start and
    stride: no row twice, no memory.  Of a table in blocks the rows of several batches are
    read together; where all of it makes one batch, and `whole` is true, the table itself
    is yielded.
    """
    n_samples = X.shape[0]
    relative = None if sample_weight is None else sample_weight / np.mean(sample_weight)
    n_batches = -(-n_samples // batch_size)
    if n_batches == 1:
        rows = X if whole and is_lazy(X) else dense_rows(X)
        weights = np.full(n_samples, 1 / n_samples)
        weights = weights if relative is None else weights * relative
        while True:
            yield rows, weights
    edges = np.linspace(0, n_samples, n_batches + 1).astype(int)
    n_together, read = 1, dense_rows
    if is_lazy(X):
        n_together = max(1, ENTRIES_READ_AHEAD // (batch_size * X.shape[1]))
        read = rows_in_order
    while True:
        start, stride = rng.integers(n_samples), random_stride(n_samples, rng)
        for first in range(0, n_batches, n_together):
            some = edges[first : first + n_together + 1]
            index = (start + stride * np.arange(some[0], some[-1])) % n_samples
            rows = read(X, index)
            for low, high in pairwise(some - some[0]):
                numbers = index[low:high]
                weights = np.full(len(numbers), 1 / len(numbers))
                weights = weights if relative is None else weights * relative[numbers]
                if not weights.any():  # such rows say nothing
                    continue
                yield rows[low:high], weights


def rows_in_order(X, index):
    """Rows of a table in blocks, each of which is read once."""
    order = np.argsort(index)
    rows = np.empty((len(index), X.shape[1]))
    rows[order] = dense_rows(X, index[order])
    return rows


def random_stride(n_samples, rng):
    """Random number without common divisor with `n_samples`."""
    while True:
        stride = rng.integers(1, n_samples)
        if np.gcd(stride, n_samples) == 1:
            return stride
