"""Laws of Adam, its schedules, and the average of its path."""

import pickle
from math import gamma

import numpy as np
import pytest

from skaws.optimizers import (
    Adam,
    Constant,
    FixedLength,
    HeavyBall,
    PlateauThenDecay,
    PolynomialAverage,
)

N_STEPS = 30


@pytest.fixture
def gradients():
    return np.random.default_rng(0).standard_normal((N_STEPS, 3))


def factors(schedule, gains):
    """Factors of a schedule until it has finished."""
    drawn = []
    for gain in gains:
        drawn.append(schedule.factor(gain))
        if schedule.finished:
            break
    return np.array(drawn)


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


def test_gain_is_the_gradient_along_the_step_before_it(gradients):
    adam, last = Adam(), np.zeros(3)
    for gradient in gradients:
        step = adam.step(gradient)
        assert adam.gain == pytest.approx(gradient @ last, abs=1e-14)
        last = step


def test_schedule_multiplies_the_step(gradients):
    class Halving:
        def factor(self, gain):
            return 0.5

    full, half = Adam(), Adam(schedule=Halving())
    for gradient in gradients:
        np.testing.assert_allclose(half.step(gradient), 0.5 * full.step(gradient))


def test_schedule_of_fixed_length_decays_in_its_last_part():
    schedule = FixedLength(100)
    factors = []
    while not schedule.finished:
        assert not schedule.converged
        factors.append(schedule.factor(0.0))
    assert len(factors) == 100 and schedule.converged
    assert factors[:59] == [1.0] * 59
    assert np.all(np.diff(factors[61:]) < 0) and 0 < factors[-1] < 0.03


def test_constant_schedule_never_ends():
    schedule = Constant()
    assert len(factors(schedule, np.zeros(1000))) == 1000
    assert not schedule.finished and not schedule.converged


@pytest.mark.parametrize("seed", range(20))
def test_pure_noise_on_a_flat_objective_converges_soon(seed):
    # Gains are then symmetric about zero: a window of 20 of them sums below tol with
    # probability 1/2, and 14 windows in a row do not with probability 1e-4.
    rng = np.random.default_rng(seed)
    schedule = PlateauThenDecay(max_iter=1000, tol=1e-3, n_iter_no_change=20)
    adam = Adam(schedule=schedule)
    for _ in range(300):
        adam.step(rng.standard_normal(5))
    assert schedule.converged and schedule.last_gain < 1e-3


def test_steady_gain_takes_all_of_max_iter_without_converging():
    schedule = PlateauThenDecay(max_iter=90, tol=1e-3, n_iter_no_change=10)
    drawn = factors(schedule, np.full(1000, 0.01))
    assert len(drawn) == 90 and schedule.finished and not schedule.converged
    assert np.all(drawn[:60] == 1.0) and np.all(drawn[60:] < 1.0)
    assert schedule.last_gain == pytest.approx(0.1)


def test_steady_gain_climbs_all_the_way_with_adam():
    schedule = PlateauThenDecay(max_iter=90, tol=1e-3, n_iter_no_change=10)
    adam, steps = Adam(0.03, schedule), []
    while not schedule.finished:
        steps.append(adam.step(np.ones(1))[0])
    np.testing.assert_allclose(steps[:60], 0.03, rtol=1e-6)
    assert not schedule.converged


def test_decay_is_linear_and_stays_positive():
    schedule = PlateauThenDecay(max_iter=60, tol=1e-3, n_iter_no_change=5)
    drawn = factors(schedule, np.zeros(1000))
    decay = drawn[drawn < 1.0]
    assert len(decay) == 20
    np.testing.assert_allclose(np.diff([1.0, *decay, 0.0]), -1 / 21, rtol=1e-12)


@pytest.mark.parametrize("max_iter", [1, 2, 3, 4, 10, 59])
@pytest.mark.parametrize("seed", range(5))
def test_steps_never_exceed_max_iter(max_iter, seed):
    gains = np.random.default_rng(seed).standard_normal(100) + 0.5
    schedule = PlateauThenDecay(max_iter, tol=1e-3, n_iter_no_change=5)
    drawn = factors(schedule, gains)
    assert len(drawn) <= max_iter and schedule.finished
    assert np.all((drawn > 0) & (drawn <= 1))


def test_plateau_begins_when_the_sum_over_the_window_falls_below_tol():
    # The first gain precedes any step.  Windows of three: 6, 3.5, 1.5, 0.5, ...
    gains = [-100, 3, 2, 1, 0.5, 0, 0, 0, 0]
    schedule = PlateauThenDecay(max_iter=300, tol=1.0, n_iter_no_change=3)
    drawn = np.array([schedule.factor(gain) for gain in gains])
    assert np.flatnonzero(drawn < 1)[0] == 6
    assert schedule.converged and schedule.last_gain == 0.5


@pytest.mark.parametrize(("max_iter", "n_judged"), [(1, 0), (9, 6), (300, 20)])
def test_last_gain_is_the_sum_over_as_many_steps_as_it_says(max_iter, n_judged):
    # Full steps are two thirds of max_iter, and the window is 20 of them.
    schedule = PlateauThenDecay(max_iter, tol=1e-3, n_iter_no_change=20)
    factors(schedule, np.full(1000, 0.5))
    assert schedule.n_judged == n_judged and not schedule.converged
    assert schedule.last_gain == pytest.approx(0.5 * n_judged)


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
    ("make", "turn"),
    [
        (Adam, Adam.step),
        (lambda: Adam(schedule=PlateauThenDecay(N_STEPS, 1e-3, 5)), Adam.step),
        (HeavyBall, HeavyBall.step),
        (PolynomialAverage, PolynomialAverage.update),
    ],
    ids=["Adam", "Adam with decay", "HeavyBall", "PolynomialAverage"],
)
def test_pickled_halfway_goes_on_identically(make, turn, stop, gradients):
    whole, first = make(), make()
    expected = [turn(whole, gradient) for gradient in gradients]
    for gradient in gradients[:stop]:
        turn(first, gradient)
    second = pickle.loads(pickle.dumps(first))
    got = [turn(second, gradient) for gradient in gradients[stop:]]
    np.testing.assert_array_equal(got, expected[stop:])
