"""Starts are compared by their rank, and noise takes what signal gives up."""

import numpy as np
import pytest

from skaws.estimators import ica_starts
from skaws.estimators.ica_starts import (
    best_noise_level,
    best_of_short_starts,
    first_noise_variance,
    with_noise,
)
from skaws.estimators.training import Training

ROWS = np.random.default_rng(0).laplace(size=(500, 3)) * [3.0, 2.0, 1.0]


def mixed(noise_variance=0.1):
    rng = np.random.default_rng(1)
    return {
        "prior": {"mixing": rng.standard_normal((3, 3))},
        "decoder": {"components": rng.standard_normal((3, 3)), "mean": np.zeros(3)},
        "likelihood": {"noise_variance": np.array(noise_variance)},
    }


def covariance(params):
    loadings = params["prior"]["mixing"] @ params["decoder"]["components"]
    return loadings.T @ loadings + params["likelihood"]["noise_variance"] * np.eye(3)


def short(params, n_iter=None, failure=None):
    """A training that stays where it starts."""
    return Training(None, params, {}, failure)


def test_noise_is_what_lies_beyond_the_signal_or_a_share_of_the_least():
    variances = np.linalg.eigvalsh(np.cov(ROWS.T, bias=True))
    assert abs(first_noise_variance(ROWS, 1) - variances[:2].mean()) < 1e-9
    assert abs(first_noise_variance(ROWS, 3) - 0.02 * variances[0]) < 1e-9
    assert abs(first_noise_variance(ROWS, 4) - 0.05 * variances[0]) < 1e-9


def test_signal_makes_room_for_noise():
    params = mixed()
    least = np.linalg.eigvalsh(covariance(params))[0]
    moved = with_noise(params, 0.5 * least)
    assert moved["likelihood"]["noise_variance"] == 0.5 * least
    np.testing.assert_allclose(covariance(moved), covariance(params))
    # Where there is no room signal is left a little, and the covariance grows.
    assert np.linalg.eigvalsh(covariance(with_noise(params, 2.0 * least)))[0] > least


@pytest.mark.parametrize("likeliest", [0.3, 0.75, 0.96])
def test_likeliest_noise_level_is_found_and_hopeless_ones_left_out(likeliest):
    smallest = np.linalg.eigvalsh(np.cov(ROWS.T, bias=True))[0]
    tried = []

    def rank(training):
        share = float(training.params["likelihood"]["noise_variance"]) / smallest
        tried.append(share)
        return True, -abs(share - likeliest)

    best = best_noise_level(mixed(0.02 * smallest), ROWS, short, rank)
    assert abs(best.params["likelihood"]["noise_variance"] / smallest - likeliest) < 1e-9
    levels = np.array(ica_starts.SQUARE_SHARES)
    beyond = levels > likeliest + ica_starts.HOPELESS
    expected = levels[: np.argmax(beyond) + 1] if beyond.any() else levels
    np.testing.assert_allclose(tried, expected)


def test_best_of_short_starts_is_the_one_of_highest_rank():
    best = best_of_short_starts(
        iter(range(100)), short, lambda training: training.params % 5
    )
    assert best.params == 4


def test_interruption_ends_the_search():
    def interrupted(params, n_iter=None):
        return short(params, failure=KeyboardInterrupt())

    starts = iter(range(100))
    assert best_of_short_starts(starts, interrupted, None).params == 0
    assert next(starts) == 1
    found = best_noise_level(mixed(), ROWS, interrupted, lambda training: (False, 0.0))
    assert found.interrupted
    np.testing.assert_array_equal(found.params["likelihood"]["noise_variance"], 0.1)
