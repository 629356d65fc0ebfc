"""Laws of Adam, of steps in units of information, and of the average of a path."""

import pickle
from math import gamma

import numpy as np
import pytest

from skaws.optimizers import Adam, HeavyBall, PolynomialAverage

N_STEPS = 30


@pytest.fixture
def gradients():
    return np.random.default_rng(0).standard_normal((N_STEPS, 3))


def test_adam_is_the_textbook_formula(gradients):
    # Moments as sums over the past, not as recursions.
    rate, beta_1, beta_2 = 0.1, 0.8, 0.95
    adam = Adam(rate, beta_1=beta_1, beta_2=beta_2)
    for t in range(N_STEPS):
        age = t - np.arange(t + 1)
        w_1, w_2 = beta_1**age, beta_2**age
        first = w_1 @ gradients[: t + 1] / w_1.sum()
        second = w_2 @ gradients[: t + 1] ** 2 / w_2.sum()
        expected = rate * first / (np.sqrt(second) + 1e-8)
        np.testing.assert_allclose(adam.step(gradients[t]), expected, rtol=1e-12)


def test_first_step_of_adam_has_the_size_of_the_learning_rate(gradients):
    step = Adam(learning_rate=0.2).step(1e3 * gradients[0])
    np.testing.assert_allclose(step, 0.2 * np.sign(gradients[0]), rtol=1e-6)


def test_heavy_ball_is_momentum_where_noise_is_small():
    # Gradients without noise: velocity sums them with weights 0.8, 0.8^2, ...
    ball, gradient = HeavyBall(learning_rate=0.1, momentum=0.8), np.array([0.01, -0.02])
    steps = [ball.step(gradient) for _ in range(3)]
    np.testing.assert_allclose(steps[2], 0.1 * (1 + 0.8 + 0.64) * gradient)


def test_no_coordinate_goes_further_than_longest():
    step = HeavyBall(longest=0.2).step(np.array([1e6, -1e6, 1e-3]))
    np.testing.assert_allclose(step, [0.2, -0.2, 1e-4])


def test_heavy_ball_shortens_steps_where_the_gradient_is_noisier_than_it_should_be():
    # Noise of sixteen times the expected variance: steps of a sixteenth, to the accuracy
    # of a running variance over about twenty differences (a third).
    rng = np.random.default_rng(0)
    ball = HeavyBall(learning_rate=1.0, momentum=0.0, noise_variance=1e-4)
    for _ in range(300):
        gradient = 1e-2 * np.array([1.0, 4.0]) * rng.standard_normal(2)
        step = ball.step(gradient)
    np.testing.assert_allclose(step[1] / gradient[1], 1 / 16, rtol=0.6)
    assert 0.6 < step[0] / gradient[0] <= 1.0


def test_average_has_rising_factorials_for_weights():
    # With degree d, point s has weight proportional to s (s + 1) ... (s + d - 1).
    points = np.random.default_rng(0).standard_normal((N_STEPS, 2))
    for degree in (0, 1, 2.5, 4):
        average = PolynomialAverage(degree)
        for t in range(1, N_STEPS + 1):
            mean = average.update(points[t - 1])
            weights = np.array([gamma(s + degree) / gamma(s) for s in range(1, t + 1)])
            expected = weights @ points[:t] / weights.sum()
            np.testing.assert_allclose(mean, expected, rtol=1e-12)


def test_average_does_not_change_with_the_array_it_was_given():
    average, point = PolynomialAverage(), np.ones(2)
    average.update(point)
    point[:] = 5.0
    np.testing.assert_array_equal(average.mean, 1.0)


@pytest.mark.parametrize("stop", [0, 1, 7, 25])
@pytest.mark.parametrize(
    ("make", "go_on"),
    [
        (Adam, Adam.step),
        (HeavyBall, HeavyBall.step),
        (PolynomialAverage, PolynomialAverage.update),
    ],
    ids=["Adam", "HeavyBall", "PolynomialAverage"],
)
def test_pickled_halfway_goes_on_identically(make, go_on, stop, gradients):
    whole, first = make(), make()
    expected = [go_on(whole, gradient) for gradient in gradients]
    for gradient in gradients[:stop]:
        go_on(first, gradient)
    second = pickle.loads(pickle.dumps(first))
    got = [go_on(second, gradient) for gradient in gradients[stop:]]
    np.testing.assert_array_equal(got, expected[stop:])
