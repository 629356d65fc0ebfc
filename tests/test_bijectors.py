"""Laws of every bijector."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import make_vjp

from skaws.bijectors import (
    Bijector,
    Identity,
    Interval,
    Positive,
    Simplex,
    UnitInterval,
)

RNG = np.random.default_rng(0)
FLOOR = np.array([0.1, 1.0, 10.0])

# Bijector, valid values, values outside its support.
REGISTRY = {
    "Identity": (Identity(), RNG.standard_normal((4, 3)), [np.inf, -np.inf]),
    "Identity, scalar": (Identity(), -0.3, [np.inf]),
    "Positive": (Positive(), RNG.exponential(size=(4, 3)), [0.0, -1.0, np.inf]),
    "Positive, scalar": (Positive(), 0.3, [0.0]),
    "Positive above 2": (Positive(2.0), 2 + RNG.exponential(size=5), [2.0, 1.9]),
    "Positive, floors": (Positive(FLOOR), 1.3 * FLOOR, [FLOOR, FLOOR * [2, 2, 0.9]]),
    "UnitInterval": (UnitInterval(), RNG.random((4, 3)), [0.0, 1.0, -0.1, 1.1]),
    "Interval": (Interval(0.5, 20.0), 1 + RNG.random((4, 3)), [0.5, 20.0, 0.4, 21.0]),
    "Interval, scalar": (Interval(0.5, 20.0), 19.0, [20.0, np.inf, -1.0]),
    "Simplex": (
        Simplex(),
        RNG.dirichlet(np.ones(3), size=4),
        [np.array([0.0, 1.0]), np.array([0.5, 0.6]), np.array([-0.5, 1.5])],
    ),
}


def inverse_undoes_forward(bijector, value):
    again = bijector.forward(bijector.inverse(value))
    np.testing.assert_allclose(again, value, rtol=1e-13)


def forward_reaches_valid_values_only(bijector, value):
    # Beyond about 36 doubles cannot tell a value from a bound.
    unconstrained = 6 * np.random.default_rng(1).uniform(-1, 1, (50, *np.shape(value)))
    assert all(bijector.contains(bijector.forward(u)) for u in unconstrained)


def shape_is_kept(bijector, value):
    unconstrained = bijector.inverse(value)
    assert np.shape(unconstrained) == np.shape(value)
    assert np.shape(bijector.forward(unconstrained)) == np.shape(value)


def tape_agrees_with_differences(bijector, value):
    rng = np.random.default_rng(2)
    start = np.asarray(bijector.inverse(value), dtype=float)
    direction, h = np.asarray(rng.standard_normal(start.shape)), 1e-5
    pull_back, value = make_vjp(bijector.forward)(start)
    weights = np.asarray(rng.standard_normal(np.shape(value)))
    by_tape = np.sum(pull_back(weights) * direction)
    ahead, behind = (bijector.forward(start + h * s * direction) for s in (1, -1))
    # Central differences are off by h**2 and by rounding over h: 1e-10 here.
    by_difference = np.sum(weights * (ahead - behind)) / (2 * h)
    np.testing.assert_allclose(by_tape, by_difference, rtol=1e-6, atol=1e-8)


LAWS = [
    inverse_undoes_forward,
    forward_reaches_valid_values_only,
    shape_is_kept,
    tape_agrees_with_differences,
]


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("name", REGISTRY)
def test_law(name, law):
    bijector, value, _ = REGISTRY[name]
    law(bijector, value)


class WrongInverse(Bijector):
    def forward(self, unconstrained):
        return 1.0 + anp.exp(unconstrained)

    def inverse(self, value):
        return np.log(value)

    def contains(self, value):
        return bool(np.all(value > 1))


class TooNarrow(Bijector):
    def forward(self, unconstrained):
        return unconstrained

    def inverse(self, value):
        return value

    def contains(self, value):
        return bool(np.all(value > 0))


class Flattening(Bijector):
    def forward(self, unconstrained):
        return anp.exp(anp.ravel(unconstrained))

    def inverse(self, value):
        return np.log(value)

    def contains(self, value):
        return bool(np.all(value > 0))


class LosingTheTape(Bijector):
    def forward(self, unconstrained):
        start = getattr(unconstrained, "_value", unconstrained)
        return np.exp(start) + 0.0 * unconstrained

    def inverse(self, value):
        return np.log(value)

    def contains(self, value):
        return bool(np.all(value > 0))


@pytest.mark.parametrize(
    ("law", "wrong"),
    [*zip(LAWS, [WrongInverse(), TooNarrow(), Flattening(), LosingTheTape()], strict=True)],
)
def test_wrong_bijector_breaks_the_law(law, wrong):
    with pytest.raises(AssertionError):
        law(wrong, np.array([[1.5, 2.0]]))


@pytest.mark.parametrize("name", REGISTRY)
def test_contains_accepts_valid_values(name):
    bijector, value, _ = REGISTRY[name]
    assert bijector.contains(value) is True


@pytest.mark.parametrize("name", REGISTRY)
def test_contains_refuses_nan_and_values_outside(name):
    bijector, value, outside = REGISTRY[name]
    with_nan = np.array(value)
    with_nan.flat[0] = np.nan
    assert not any(bijector.contains(bad) for bad in [with_nan, *outside])


def test_one_bad_entry_is_enough_to_be_refused():
    value = np.ones((3, 2))
    value[2, 1] = -1.0
    assert not Positive().contains(value)


@pytest.mark.parametrize("value", [1e-9, 1e-12])
def test_small_probabilities_keep_their_digits(value):
    # Their logarithms enter log densities: relative precision is what counts.
    inverse_undoes_forward(UnitInterval(), value)


def test_simplex_ignores_a_constant_added_to_a_row():
    u = np.random.default_rng(0).standard_normal((4, 3))
    shifted = Simplex().forward(u + np.array([[1.0], [10.0], [100.0], [1000.0]]))
    np.testing.assert_allclose(shifted, Simplex().forward(u), rtol=1e-12)
