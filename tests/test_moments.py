"""Moments of columns with missing entries, and of columns that do not vary."""

import numpy as np
import pytest

from skaws.moments import column_moments, column_units

from .common import with_holes


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_moments_are_those_of_the_observed_entries(share):
    rng = np.random.default_rng(0)
    X = with_holes(rng.normal(3.0, 2.0, (200, 4)), share, rng)
    for j, (mean, deviation) in enumerate(zip(*column_moments(X), strict=True)):
        seen = X[~np.isnan(X[:, j]), j]
        np.testing.assert_allclose([mean, deviation], [seen.mean(), seen.std()])


@pytest.mark.parametrize("constant", [0.0, 0.1, -1e9])
def test_column_that_never_varies_has_no_deviation_and_a_unit_of_one(constant):
    X = np.column_stack([np.full(300, constant), np.arange(300.0)])
    assert column_moments(X)[1][0] == 0.0
    mean, unit = column_units(X)
    assert unit[0] == 1.0 and unit[1] == X[:, 1].std()
    np.testing.assert_allclose(mean, [constant, 149.5])
