"""Distances between sets of rows, beside what is known of them."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from skaws.evaluation import frechet_distance, kernel_distance

RNG = np.random.default_rng(0)
X = RNG.standard_normal((300, 4)) @ RNG.standard_normal((4, 4))
Y = RNG.standard_normal((200, 4)) + 1.0


def test_frechet_distance_is_the_formula():
    first, second = np.cov(X.T), np.cov(Y.T)
    exact = np.sum((X.mean(axis=0) - Y.mean(axis=0)) ** 2) + np.trace(
        first + second - 2 * sqrtm(first @ second).real
    )
    assert frechet_distance(X, Y) == pytest.approx(exact)
    assert frechet_distance(Y, X) == pytest.approx(exact)
    assert frechet_distance(X, X) == pytest.approx(0.0, abs=1e-9)


def test_kernel_distance_is_the_mean_over_pairs():
    pairs = [
        np.mean(
            [
                (a @ b / 4 + 1) ** 3
                for i, a in enumerate(A)
                for j, b in enumerate(B)
                if A is not B or i != j
            ]
        )
        for A, B in ((X[:20], Y[:30]),)
    ]
    own = [
        np.mean(
            [
                (a @ b / 4 + 1) ** 3
                for i, a in enumerate(A)
                for j, b in enumerate(A)
                if i != j
            ]
        )
        for A in (X[:20], Y[:30])
    ]
    exact = sum(own) - 2 * pairs[0]
    assert kernel_distance(X[:20], Y[:30]) == pytest.approx(exact)


def test_kernel_distance_of_one_distribution_is_about_zero_and_of_two_is_not():
    # 200 halves of one set: an unbiased mean, within four standard errors of zero.
    rng = np.random.default_rng(1)
    halves = [kernel_distance(Z[:50], Z[50:]) for Z in rng.standard_normal((200, 100, 3))]
    error = np.std(halves) / np.sqrt(len(halves))
    assert abs(np.mean(halves)) < 4 * error < kernel_distance(X, Y)


@pytest.mark.parametrize("distance", [frechet_distance, kernel_distance])
def test_other_features_are_refused(distance):
    with pytest.raises(ValueError, match="different numbers of features"):
        distance(X, Y[:, :3])
