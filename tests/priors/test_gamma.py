"""Laws of Gamma latents of mean one."""

import numpy as np
import pytest
from autograd import grad
from scipy import stats

from skaws.priors import Gamma
from skaws.spaces import Space, shift

from ..common import assert_means

SHAPES = np.array([0.2, 1.0, 5.0])


@pytest.fixture
def z():
    return Gamma(3).sample({"shape": SHAPES}, 20_000, np.random.default_rng(0))


def test_samples_have_mean_one_and_variance_one_over_shape(z):
    assert_means(z, np.ones(3))
    assert_means((z - 1) ** 2, 1 / SHAPES)


def test_log_density_is_scipys(z):
    expected = stats.gamma(SHAPES, scale=1 / SHAPES).logpdf(z[:100]).sum(axis=1)
    got = Gamma(3).log_density({"shape": SHAPES}, z[:100])
    np.testing.assert_allclose(got, expected, rtol=1e-10)


@pytest.mark.parametrize("wrong", [False, True])
def test_score_of_the_shape_has_mean_zero_for_the_right_shape_only(z, wrong):
    # In groups of 200 draws, whose mean scores are nearly Gaussian.
    shape = SHAPES * (1.2 if wrong else 1.0)

    def score(rows):
        return grad(lambda s: np.sum(1.0) * total(s, rows))(shape)

    def total(s, rows):
        density = Gamma(3).log_density({"shape": s}, rows)
        return density.sum() / len(rows)

    scores = np.array([score(rows) for rows in np.array_split(z, 100)])
    z_values = scores.mean(axis=0) / (scores.std(axis=0) / np.sqrt(100))
    assert np.all(np.abs(z_values) > 5) if wrong else np.all(np.abs(z_values) < 5)


def test_moments_are_those_of_the_samples():
    mean, factor = Gamma(3).moments({"shape": SHAPES})
    np.testing.assert_allclose(mean, 1.0)
    np.testing.assert_allclose(factor.T @ factor, np.diag(1 / SHAPES))


def test_shared_shape_is_one_number_for_all():
    prior = Gamma(3, shape=0.5, shared=True)
    params = prior.init_params(None, None)
    assert params["shape"].shape == (1,)
    assert prior.shapes(params).tolist() == [0.5, 0.5, 0.5]
    z = prior.sample(params, 4, np.random.default_rng(0))
    each = Gamma(3).log_density({"shape": np.full(3, 0.5)}, z)
    np.testing.assert_allclose(prior.log_density(params, z), each)


def test_draws_of_the_smallest_shape_keep_a_finite_logarithm():
    z = Gamma(1).sample({"shape": np.array([0.021])}, 20_000, np.random.default_rng(0))
    assert np.isfinite(np.log(z)).all() and (z > 0).all()


def test_a_shape_that_is_not_learnt_does_not_move():
    for learned, size in ((True, 2), (False, 0)):
        prior = Gamma(2, learned=learned)
        params = prior.init_params(None, None)
        space = Space(params, prior.constraints)
        step = prior.in_units(space.split(np.ones(space.size)), params)
        moved = shift(params, step, prior.constraints)
        assert space.size == size
        assert np.all(moved["shape"] == params["shape"]) == (not learned)


def test_start_lies_in_the_support():
    prior = Gamma(2)
    assert Space(prior.init_params(None, None), prior.constraints).size == 2
