"""Fair mini-batches of rows that may be larger than memory, or sparse."""

from itertools import pairwise

import numpy as np
from scipy.sparse import issparse

__all__ = ["dense_rows", "mini_batches"]


def dense_rows(X, index=slice(None)):
    """Some rows of X, dense or sparse, as a dense float64 array."""
    rows = X[index]
    return np.asarray(rows.toarray() if issparse(rows) else rows, dtype=float)


def mini_batches(X, batch_size, rng, sample_weight=None):
    """Endless passes over the rows of X in batches of nearly equal size.

    Yields ``(rows, row_weights)``: float64 rows and weights that average to one over a
    pass, divided by the number of rows.  Batches of rows without weight are left out.  A
    pass visits rows in arithmetic progression modulo n_samples, with random start and
    stride: no row twice, no memory.
    """
    n_samples = X.shape[0]
    relative = None if sample_weight is None else sample_weight / np.mean(sample_weight)
    n_batches = -(-n_samples // batch_size)
    if n_batches == 1:
        rows = dense_rows(X)
        weights = np.full(n_samples, 1 / n_samples)
        weights = weights if relative is None else weights * relative
        while True:
            yield rows, weights
    edges = np.linspace(0, n_samples, n_batches + 1).astype(int)
    while True:
        start, stride = rng.integers(n_samples), random_stride(n_samples, rng)
        for low, high in pairwise(edges):
            index = (start + stride * np.arange(low, high)) % n_samples
            weights = np.full(len(index), 1 / len(index))
            weights = weights if relative is None else weights * relative[index]
            if not weights.any():  # such rows say nothing
                continue
            yield dense_rows(X, index), weights


def random_stride(n_samples, rng):
    """Random number without common divisor with `n_samples`."""
    while True:
        stride = rng.integers(1, n_samples)
        if np.gcd(stride, n_samples) == 1:
            return stride
