"""The kernel descends its leave-one-out error, and stays the regression it adapts."""

import pickle

import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge

from skaws.objectives import ResidualRegression
from skaws.posteriors import Exact
from skaws.regression import AdaptiveKernelRegression, KernelRegression
from skaws.regression.adaptive import CONSTANT, N_AT_MOST, error_slopes
from skaws.wake_sleep import sleep, wake

from ..common import gaussian_model

N = 60


def log_error(inputs, targets, log_alpha, log_gamma):
    """Logarithm of the exact generalised cross-validation error, and the regression."""
    regressor = KernelRidge(
        alpha=np.exp(log_alpha), kernel="precomputed", gamma=np.exp(log_gamma)
    )
    regression = KernelRegression(regressor)
    regression.fit(inputs)
    inverse = np.linalg.inv(regression.gram_ + np.exp(log_alpha) * np.eye(len(inputs)))
    centred = targets - targets.mean()
    error = np.sum((inverse @ centred) ** 2) / np.trace(inverse) ** 2
    return np.log(error), regression


@pytest.fixture
def inputs():
    return np.random.default_rng(0).standard_normal((N, 3)) * [1.0, 5.0, 0.2]


@pytest.fixture
def targets(inputs):
    noise = np.random.default_rng(1).standard_normal(len(inputs))
    return np.sin(2 * inputs[:, 0]) + 0.3 * noise


# Probes that make Hutchinson's trace exact.
ALL_DIRECTIONS = np.sqrt(N) * np.eye(N)


@pytest.mark.parametrize("place", [(0.3, -1.0), (-2.0, 0.5)])
def test_slopes_by_ridge_and_sharpness_against_differences(inputs, targets, place):
    _, regression = log_error(inputs, targets, *place)
    by_logs, _ = error_slopes(regression, targets, ALL_DIRECTIONS)
    for axis, slope in enumerate(by_logs):
        step = 1e-5 * np.eye(2)[axis]
        above, below = (
            log_error(inputs, targets, *(np.array(place) + sign * step))[0]
            for sign in (1, -1)
        )
        np.testing.assert_allclose(slope, (above - below) / 2e-5, atol=1e-7)


def test_slopes_by_the_inputs_against_differences(inputs, targets):
    _, regression = log_error(inputs, targets, 0.3, -1.0)
    _, by_scaled = error_slopes(regression, targets, ALL_DIRECTIONS)
    # Moments are those of the sample: what moves one input moves all scaled ones.
    scaled = regression.inputs_
    drift = by_scaled.mean(axis=0) + scaled * np.mean(by_scaled * scaled, axis=0)
    by_inputs = (by_scaled - drift) / regression.scale_
    for place in [(0, 0), (7, 1), (20, 2)]:
        step = np.zeros_like(inputs)
        step[place] = 1e-5
        above, _ = log_error(inputs + step, targets, 0.3, -1.0)
        below, _ = log_error(inputs - step, targets, 0.3, -1.0)
        np.testing.assert_allclose(by_inputs[place], (above - below) / 2e-5, atol=1e-7)


def test_before_it_adapts_it_is_the_plain_one(inputs):
    X = inputs[:10] + 0.1
    regressor = KernelRidge(kernel="precomputed", coef0=CONSTANT)
    ours, plain = (
        AdaptiveKernelRegression().fit(inputs),
        KernelRegression(regressor).fit(inputs),
    )
    np.testing.assert_allclose(ours.weights(X), plain.weights(X), atol=1e-12)
    np.testing.assert_allclose(ours.mean_weights(X), plain.mean_weights(X), atol=1e-12)
    np.testing.assert_allclose(ours.distance(X), plain.distance(X))


def phases(regression, function, n_phases=30, n_columns=4, seed=0):
    """Leave-one-out errors over sleep phases with inputs of which the first matters."""
    rng = np.random.default_rng(seed)
    row_weights, errors = np.full(50, 1 / 50), []
    for _ in range(n_phases):
        inputs = rng.standard_normal((200, n_columns))
        targets = function(inputs) + 0.2 * rng.standard_normal(200)
        regression.fit(inputs)
        mean = regression.mean_weights_and_error(inputs[:50], row_weights, targets)
        errors.append(mean.error)
    return np.array(errors)


def wave(inputs):
    return np.sin(3 * inputs[:, 0])


def test_error_falls_below_that_of_the_fixed_kernel():
    # The noise is 0.04 of a variance of 0.5: no regression has an error below 0.08.
    fixed = phases(KernelRegression(), wave).mean()
    sharper = phases(AdaptiveKernelRegression(), wave)[-10:].mean()
    learnt = phases(AdaptiveKernelRegression(n_features=2), wave)[-10:].mean()
    assert fixed > 0.8 and sharper < 0.75 and 0.08 < learnt < 0.2


def test_targets_of_noise_raise_the_ridge_and_smooth_ones_lower_it():
    noise, smooth = AdaptiveKernelRegression(), AdaptiveKernelRegression()
    phases(noise, lambda inputs: np.zeros(len(inputs)))
    phases(smooth, lambda inputs: 10 * np.tanh(inputs[:, 0]))
    assert noise.alpha > 1.0 > 0.1 > smooth.alpha


def test_however_large_the_ridge_the_mean_is_not_shrunk():
    regression = AdaptiveKernelRegression()
    phases(regression, lambda inputs: np.full(len(inputs), 5.0))
    assert regression.alpha > 1.0
    inputs = np.random.default_rng(1).standard_normal((200, 4))
    total = regression.fit(inputs).mean_weights(inputs).sum()
    assert abs(total - 1.0) < 0.01


def test_learnt_features_find_the_column_that_matters():
    regression = AdaptiveKernelRegression(n_features=2)
    inputs = np.random.default_rng(0).standard_normal((5, 4))
    phases(regression, wave)
    moves = []
    for column in range(4):
        moved = inputs + np.eye(4)[column]
        moves.append(np.abs(regression.weights(moved) - regression.weights(inputs)).mean())
    assert moves[0] > 3 * max(moves[1:])


def test_real_rows_scaled_by_their_own_moments_lie_where_simulations_do(inputs):
    rows = 100.0 + 7.0 * inputs[:30]
    own = AdaptiveKernelRegression(per_phase=True).fit(inputs)
    assert AdaptiveKernelRegression().fit(inputs).distance(rows) > 100
    np.testing.assert_allclose(own.distance(rows), 1.0)


def test_many_simulations_are_looked_at_in_part_only(monkeypatch):
    monkeypatch.setattr("skaws.regression.adaptive.N_FIRST_STEPS", 3)
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((N_AT_MOST + 100, 1))
    targets = wave(inputs) + 0.2 * rng.standard_normal(len(inputs))
    changed = targets.copy()
    changed[N_AT_MOST:] += 100.0
    learnt = []
    for each in (targets, changed):
        regression = AdaptiveKernelRegression().fit(inputs)
        regression.mean_weights_and_error(inputs[:5], np.full(5, 0.2), each)
        learnt.append((regression.alpha, regression.gamma))
    assert learnt[0] == learnt[1]


def test_what_was_learnt_travels_in_a_pickle():
    regression = AdaptiveKernelRegression(n_features=2)
    phases(regression, wave, n_phases=3)
    again = pickle.loads(pickle.dumps(regression))
    assert phases(again, wave, 3).tolist() == phases(regression, wave, 3).tolist()


def test_in_the_loop_the_gradient_keeps_its_limit():
    # With the true posterior mean for inputs, any kernel is consistent.
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 1)) + rng.standard_normal((200, 4))
    model = gaussian_model(1)
    params = model.init_params(X, rng)
    how = X, np.full(200, 1 / 200), ResidualRegression()
    gradients = []
    for regression in (KernelRegression(), AdaptiveKernelRegression(n_features=1)):
        rng = np.random.default_rng(1)
        simulations = sleep(model, params, Exact(), 500, rng)
        found = wake(model, params, simulations, *how, regression, rng=rng)
        gradients.append(found.gradient)
    plain, adaptive = gradients
    assert plain @ adaptive > 0.99 * np.linalg.norm(plain) * np.linalg.norm(adaptive)


def test_no_features_at_all_are_refused(inputs):
    with pytest.raises(ValueError, match="n_features of AdaptiveKernelRegression must be"):
        AdaptiveKernelRegression(n_features=0).fit(inputs)
