"""The span starts at the principal components and stays there."""

import numpy as np

from skaws.decoders import Span
from skaws.decoders.span import principal_variances


def rows(n_rows=2000):
    rng = np.random.default_rng(0)
    return 3.0 + rng.standard_normal((n_rows, 4)) * np.array([3.0, 2.0, 0.5, 0.5])


def test_white_latents_have_the_signal_covariance():
    X, rng = rows(), np.random.default_rng(1)
    params = Span(noise_variance=0.25).init_params(X, 2, rng)
    variances, directions = principal_variances(X)
    expected = directions[:2].T * (variances[:2] - 0.25) @ directions[:2]
    found = params["components"].T @ params["components"]
    np.testing.assert_allclose(found, expected, atol=1e-10)
    np.testing.assert_allclose(params["mean"], X.mean(axis=0))


def test_more_latents_than_features_keep_the_covariance():
    X = rows()
    params = Span().init_params(X, 6, np.random.default_rng(1))
    assert params["components"].shape == (6, 4)
    covariance = np.cov(X, rowvar=False, bias=True)
    found = params["components"].T @ params["components"]
    np.testing.assert_allclose(found, covariance, atol=1e-10)


def test_steps_move_the_mean_only():
    step = {"components": np.ones((2, 4)), "mean": np.ones(4)}
    moved = Span().in_units(step, np.array([1.0, 2.0, 3.0, 4.0]))
    assert not moved["components"].any()
    np.testing.assert_array_equal(moved["mean"], [1.0, 2.0, 3.0, 4.0])


def test_principal_variances_leave_holes_out():
    # Holes at random in 2000 rows: variances within 15%, some four standard errors.
    X = rows()
    holes = np.where(np.random.default_rng(2).random(X.shape) < 0.2, np.nan, X)
    np.testing.assert_allclose(
        principal_variances(holes)[0], principal_variances(X)[0], rtol=0.15
    )
