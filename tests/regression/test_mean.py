"""The constant regression is kernel ridge regression with a constant kernel."""

import numpy as np
from sklearn.kernel_ridge import KernelRidge

from skaws.regression import KernelRegression, MeanRegression


def ones(a, b, **options):
    return 1.0


def test_weights_are_those_of_a_constant_kernel():
    rng = np.random.default_rng(0)
    inputs, X = rng.standard_normal((40, 2)), rng.standard_normal((5, 2))
    row_weights = rng.random(5)
    regression = KernelRegression(KernelRidge(kernel=ones, alpha=1e-6)).fit(inputs)
    constant = MeanRegression().fit(inputs)
    np.testing.assert_allclose(constant.weights(X), regression.weights(X), rtol=1e-6)
    expected = regression.mean_weights(X, row_weights)
    np.testing.assert_allclose(constant.mean_weights(X, row_weights), expected, rtol=1e-6)
    found = constant.mean_weights_and_error(X, row_weights, inputs[:, 0])
    np.testing.assert_allclose(found.weights, expected, rtol=1e-6)


def test_distance_is_one_at_home():
    inputs = np.random.default_rng(0).standard_normal((2000, 2))
    constant = MeanRegression().fit(inputs)
    assert constant.distance(inputs) == 1.0
    assert constant.distance(3 * inputs) == 9.0
