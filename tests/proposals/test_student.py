"""Draws of a wide Student's t, matched to a Gaussian."""

import numpy as np
import pytest

from skaws.proposals.student import student_draws


@pytest.mark.parametrize("k", [1, 3])
def test_draws_weigh_to_the_moments_of_the_gaussian(k):
    rng = np.random.default_rng(0)
    centre, root = rng.standard_normal((4, k)), rng.standard_normal((4, k, k))
    covariance = root @ root.transpose(0, 2, 1) + 0.1 * np.eye(k)
    draws = list(student_draws(centre, covariance, 40))
    latents = np.stack([latents for latents, _ in draws])
    log_density = np.stack([log_density for _, log_density in draws])
    error = latents - centre
    precision = np.linalg.inv(covariance)
    log_normal = -0.5 * np.einsum("nmi,mij,nmj->nm", error, precision, error)
    log_normal -= 0.5 * np.linalg.slogdet(2 * np.pi * covariance)[1]
    shares = np.exp(log_normal - log_density) / 40
    np.testing.assert_allclose(shares.sum(axis=0), 1.0)
    np.testing.assert_allclose(np.einsum("nm,nmi->mi", shares, error), 0.0, atol=1e-12)
    found = np.einsum("nm,nmi,nmj->mij", shares, error, error)
    np.testing.assert_allclose(found, covariance)
    # Shares that differ: these are no draws from the Gaussian itself.
    assert np.all(shares.std(axis=0) > 0.01 / 40)


def test_too_few_draws_are_told():
    with pytest.raises(ValueError, match="n_draws=2 is too few for 1 latents; take 4"):
        next(student_draws(np.zeros((1, 1)), np.ones((1, 1, 1)), 2))
