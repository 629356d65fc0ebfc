"""Parts of rows to start components from."""

import numpy as np
import pytest

from skaws.decoders.parts import distinct_rows, parts_by_nndsvd


@pytest.mark.parametrize("find", [parts_by_nndsvd, distinct_rows])
@pytest.mark.parametrize("n_parts", [1, 3, 20])
def test_parts_are_non_negative_and_different(find, n_parts):
    X = np.random.default_rng(0).poisson(3.0, (8, 5)).astype(float)
    parts = find(X, n_parts, np.random.default_rng(1))
    assert parts.shape == (n_parts, 5) and np.all(parts >= 0)
    assert len(np.unique(parts.round(6), axis=0)) == n_parts


def test_distinct_rows_come_from_each_group():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.eye(3) * 100, 20, axis=0)
    found = distinct_rows(rng.poisson(groups).astype(float), 3, rng)
    assert sorted(np.argmax(found, axis=1)) == [0, 1, 2]
