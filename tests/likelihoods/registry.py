"""What likelihoods of counts and of yes or no have in common, for their test files."""

import numpy as np
from autograd import make_vjp

from ..common import assert_means

N = 20_000


def assert_samples_have_mean_and_variance(likelihood, params, location, variance):
    rows = location * np.ones((N, 1))
    x = likelihood.sample(params, rows, np.random.default_rng(0))
    mean = likelihood.mean(params, location)
    assert_means(x, mean)
    assert_means((x - mean) ** 2, variance)
    assert_means((x - mean) * np.roll(x - mean, 1, axis=1), 0.0)
    assert np.all(x == np.floor(x)) and x.min() >= 0


def assert_exponential_family(likelihood, location, X):
    natural = likelihood.natural_parameters({}, location)
    statistics = likelihood.sufficient_statistics(X)
    product = sum(eta * s for eta, s in zip(natural, statistics, strict=True))
    normalizer = likelihood.log_normalizer({}, location)
    np.testing.assert_allclose(
        product - normalizer + likelihood.log_base_measure(X),
        likelihood.log_density({}, location, X),
        rtol=1e-10,
        atol=1e-12,
    )


def derivative(likelihood, params, location, X):
    """d log p(x | location) / d location, by autograd."""

    def density(location):
        return likelihood.log_density(params, location, X)

    return make_vjp(density)(location)[0](np.ones(location.shape))


def assert_derivative(likelihood, params, location, X):
    """Autograd's derivative, and the slopes where there are some, are differences."""
    h = 1e-6
    higher = likelihood.log_density(params, location + h, X)
    lower = likelihood.log_density(params, location - h, X)
    slope = derivative(likelihood, params, location, X)
    np.testing.assert_allclose(slope, (higher - lower) / (2 * h), rtol=1e-6, atol=1e-6)
    return slope


def assert_information(likelihood, params, location, X):
    """Information is the second difference of -log p(x | location), no less than zero."""
    h = 1e-3
    ahead, here, behind = (
        likelihood.log_density(params, location + s * h, X) for s in (1, 0, -1)
    )
    curvature = np.maximum(2 * here - ahead - behind, 0.0) / h**2
    found = likelihood.information(params, location, X) * np.ones(location.shape)
    np.testing.assert_allclose(found, curvature, rtol=1e-3, atol=1e-4)


def assert_slopes(likelihood, params, location, X):
    up, down = likelihood.slopes(params, location, X)
    assert np.all(up >= 0) and np.all(down >= 0)
    slope = derivative(likelihood, params, location, X)
    np.testing.assert_allclose(up - down, slope, rtol=1e-9, atol=1e-9)
