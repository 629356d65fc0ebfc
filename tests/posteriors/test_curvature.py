"""Curvatures are what their definition says."""

import numpy as np

from skaws.posteriors.curvature import Curvature


def test_curvature_is_that_of_the_observed_entries_of_each_row():
    rng = np.random.default_rng(0)
    components, information = rng.standard_normal((3, 5)), rng.random((4, 5))
    X = rng.standard_normal((4, 5))
    X[1, 2] = X[3, 0] = np.nan
    found = Curvature(components)(information, X)
    for row, own, matrix in zip(X, information, found, strict=True):
        seen = ~np.isnan(row)
        part = components[:, seen]
        np.testing.assert_allclose(matrix, (part * own[seen]) @ part.T)
