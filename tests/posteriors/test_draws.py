"""Draws about a centre and a covariance, and of a few values."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal, multivariate_t

from skaws.posteriors.draws import draw_codes, gaussian_draws, normals, student_draws

from ..common import assert_means


def centre_and_covariance(k):
    rng = np.random.default_rng(0)
    centre, root = rng.standard_normal((4, k)), rng.standard_normal((4, k, k))
    return centre, root @ root.transpose(0, 2, 1) + 0.1 * np.eye(k)


@pytest.mark.parametrize("k", [1, 3])
def test_matched_draws_weigh_to_the_moments_of_the_gaussian(k):
    centre, covariance = centre_and_covariance(k)
    rng = np.random.default_rng(0)
    latents, log_prob = student_draws(centre, covariance, 40, rng, common=True)
    error = latents - centre
    precision = np.linalg.inv(covariance)
    log_normal = -0.5 * np.einsum("nmi,mij,nmj->nm", error, precision, error)
    log_normal -= 0.5 * np.linalg.slogdet(2 * np.pi * covariance)[1]
    shares = np.exp(log_normal - log_prob) / 40
    np.testing.assert_allclose(shares.sum(axis=0), 1.0)
    np.testing.assert_allclose(np.einsum("nm,nmi->mi", shares, error), 0.0, atol=1e-12)
    found = np.einsum("nm,nmi,nmj->mij", shares, error, error)
    np.testing.assert_allclose(found, covariance)
    # Shares that differ: these are no draws from the Gaussian itself.
    assert np.all(shares.std(axis=0) > 0.01 / 40)


@pytest.mark.parametrize("common", [False, True])
@pytest.mark.parametrize("shared", [False, True])
def test_gaussian_densities_are_scipys(common, shared):
    centre, covariance = centre_and_covariance(3)
    covariance = covariance[:1] if shared else covariance
    rng = np.random.default_rng(0)
    draws, log_prob = gaussian_draws(centre, covariance, 7, rng, common)
    for row in range(4):
        own = multivariate_normal(centre[row], covariance[0 if shared else row])
        np.testing.assert_allclose(log_prob[:, row], own.logpdf(draws[:, row]))


def test_student_densities_are_scipys():
    centre, covariance = centre_and_covariance(3)
    draws, log_prob = student_draws(centre, covariance, 7, np.random.default_rng(0), False)
    for row in range(4):
        own = multivariate_t(centre[row], covariance[row], df=13)
        np.testing.assert_allclose(log_prob[:, row], own.logpdf(draws[:, row]))


@pytest.mark.parametrize("n_samples", [1, 6, 7])
def test_shared_normal_numbers_come_in_pairs(n_samples):
    shared = normals(n_samples, 5, 2, np.random.default_rng(0), common=True)
    assert shared.shape == (n_samples, 1, 2)
    half = n_samples // 2
    np.testing.assert_array_equal(shared[n_samples - half :], -shared[:half])
    assert normals(n_samples, 5, 2, np.random.default_rng(0), False).shape[1] == 5


@pytest.mark.parametrize("common", [False, True])
def test_codes_come_as_often_as_their_probability_says(common):
    probability = np.array([[0.1, 0.2, 0.7], [0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
    codes = draw_codes(probability, 20_000, np.random.default_rng(0), common)
    for row, expected in zip(codes.T, probability, strict=True):
        shares = np.eye(3)[row]
        random = (expected > 0) & (expected < 1)
        assert_means(shares[:, random], expected[random])
        np.testing.assert_array_equal(shares.mean(axis=0)[~random], expected[~random])


def test_codes_of_many_rows_stay_in_their_own():
    probability = np.zeros((100_000, 3))
    probability[:, 1] = 1.0
    assert np.all(draw_codes(probability, 3, np.random.default_rng(0), False) == 1)
