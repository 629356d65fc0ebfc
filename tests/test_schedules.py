"""Laws of schedules: full steps while they pay, then smaller ones to an end."""

import pickle

import numpy as np
import pytest

from skaws.optimizers import Adam
from skaws.schedules import Constant, FixedLength, PlateauThenDecay


def factors(schedule, gains):
    """Factors of a schedule until it has finished."""
    drawn = []
    for gain in gains:
        drawn.append(schedule.factor(gain))
        if schedule.finished:
            break
    return np.array(drawn)


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
    adam, last_step = Adam(), np.zeros(5)
    for _ in range(300):
        gradient = rng.standard_normal(5)
        factor = schedule.factor(gradient @ last_step)
        last_step = factor * adam.step(gradient)
    assert schedule.converged and schedule.last_gain < 1e-3


def test_steady_gain_takes_all_of_max_iter_without_converging():
    schedule = PlateauThenDecay(max_iter=90, tol=1e-3, n_iter_no_change=10)
    drawn = factors(schedule, np.full(1000, 0.01))
    assert len(drawn) == 90 and schedule.finished and not schedule.converged
    assert np.all(drawn[:60] == 1.0) and np.all(drawn[60:] < 1.0)
    assert schedule.last_gain == pytest.approx(0.1)


def test_steady_gain_climbs_all_the_way_with_adam():
    schedule = PlateauThenDecay(max_iter=90, tol=1e-3, n_iter_no_change=10)
    adam, steps = Adam(0.03), [0.0]
    while not schedule.finished:
        steps.append(schedule.factor(steps[-1]) * adam.step(np.ones(1))[0])
    del steps[0]
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


@pytest.mark.parametrize("stop", [0, 1, 7, 12])
@pytest.mark.parametrize(
    "make", [Constant, lambda: FixedLength(30), lambda: PlateauThenDecay(30, 1e-3, 5)]
)
def test_pickled_halfway_goes_on_identically(make, stop):
    gains = np.random.default_rng(0).standard_normal(30)
    whole, first = make(), make()
    expected = factors(whole, gains)
    factors(first, gains[:stop])
    second = pickle.loads(pickle.dumps(first))
    np.testing.assert_array_equal(factors(second, gains[stop:]), expected[stop:])
    assert second.finished == whole.finished and second.converged == whole.converged
