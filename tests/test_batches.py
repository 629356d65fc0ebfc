"""Mini-batches are fair: every row once a pass, weights that average to one."""

from itertools import islice

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from skaws.batches import mini_batches


@pytest.mark.parametrize("n_samples, batch_size", [(10, 10), (103, 25), (7, 2), (50, 49)])
def test_a_pass_visits_every_row_once(n_samples, batch_size):
    X = np.arange(n_samples, dtype=np.float32)[:, None]
    batches = mini_batches(X, batch_size, np.random.default_rng(0))
    n_batches = -(-n_samples // batch_size)
    for _ in range(3):
        rows, weights = zip(*islice(batches, n_batches), strict=True)
        assert np.array_equal(np.sort(np.concatenate(rows)[:, 0]), X[:, 0])
        assert max(map(len, rows)) - min(map(len, rows)) <= 1
        assert max(map(len, rows)) <= batch_size
        assert rows[0].dtype == np.float64
        np.testing.assert_allclose([w.sum() for w in weights], 1.0)


def test_weighted_mean_over_a_pass_is_the_weighted_mean():
    rng = np.random.default_rng(0)
    X, sample_weight = rng.standard_normal((100, 3)), rng.uniform(0, 3, 100)
    batches = mini_batches(X, 20, rng, sample_weight)
    means = [weights @ rows for rows, weights in islice(batches, 5)]
    np.testing.assert_allclose(
        np.mean(means, axis=0), np.average(X, axis=0, weights=sample_weight)
    )


def test_sparse_rows_come_dense_a_batch_at_a_time():
    X = np.random.default_rng(0).poisson(0.3, (50, 4)).astype(np.float32)
    by_dense = mini_batches(X, 20, np.random.default_rng(1))
    by_sparse = mini_batches(csr_matrix(X), 20, np.random.default_rng(1))
    for _ in range(4):
        (rows, weights), (same, same_weights) = next(by_dense), next(by_sparse)
        assert same.dtype == float and isinstance(same, np.ndarray)
        np.testing.assert_array_equal(rows, same)
        np.testing.assert_array_equal(weights, same_weights)
