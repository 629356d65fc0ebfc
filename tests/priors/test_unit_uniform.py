"""Laws of latents uniform on (0, 1)."""

import numpy as np

from skaws.priors import UnitUniform

from ..common import assert_means


def test_samples_have_the_moments_of_the_uniform():
    prior = UnitUniform(2)
    z = prior.sample({}, 20_000, np.random.default_rng(0))
    mean, factor = prior.moments({})
    assert_means(z, mean)
    assert_means((z - 0.5) ** 2, np.diag(factor.T @ factor))
    assert_means((z > 0.25) * 1.0, 0.75)


def test_density_is_one_inside_and_zero_outside():
    z = np.array([[0.1, 0.9], [0.5, 1.5], [-0.1, 0.5]])
    assert UnitUniform(2).log_density({}, z).tolist() == [0.0, -np.inf, -np.inf]
