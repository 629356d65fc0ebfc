"""Laws of supports: the way to real coordinates and back, volumes, values, reading."""

import pickle

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import elementwise_grad
from scipy.special import gammaln
from sklearn.base import clone

from skaws import supports
from skaws.supports import (
    Binary,
    Columns,
    Finite,
    Fixed,
    Integer,
    Interval,
    OneHot,
    Positive,
    Real,
    Simplex,
    Sphere,
    Support,
    Unknown,
    codes_of,
    read_support,
    side_by_side,
)

from .common import assert_tape_agrees_with_differences

RNG = np.random.default_rng(0)
FLOOR = np.array([0.1, 1.0, 10.0])
SIMPLEX = RNG.dirichlet(np.ones(3), size=4)


def on_sphere(d, n=6, seed=0):
    z = np.random.default_rng(seed).standard_normal((n, d))
    return z / np.linalg.norm(z, axis=1, keepdims=True)


def about(d):
    """The sphere with coordinates about other rows than those to be mapped."""
    return Sphere().around(on_sphere(d, seed=1))


# Support, values inside, values outside.
SMOOTH = {
    "Real": (Real(), RNG.standard_normal((4, 3)), [np.inf, -np.inf]),
    "Real, scalar": (Real(), np.array(-0.3), [np.inf]),
    "Positive": (Positive(), RNG.exponential(size=(4, 3)), [0.0, -1.0, np.inf]),
    "Positive, scalar": (Positive(), np.array(0.3), [0.0]),
    "Positive above 2": (Positive(2.0), 2 + RNG.exponential(size=5), [2.0, 1.9]),
    "Positive, floors": (Positive(FLOOR), 1.3 * FLOOR, [FLOOR, FLOOR * [2, 2, 0.9]]),
    "Interval": (Interval(), RNG.random((4, 3)), [0.0, 1.0, -0.1, 1.1]),
    "Interval, -5 to 2": (Interval(-5.0, 2.0), 2 * RNG.random((4, 3)), [-5.0, 2.0, 3.0]),
    "Interval, log": (
        Interval(0.5, 20.0, log=True),
        1 + RNG.random((4, 3)),
        [0.5, 20.0, 0.4, 21.0],
    ),
    "Interval, log scalar": (
        Interval(0.5, 20.0, log=True),
        np.array(19.0),
        [20.0, np.inf, -1.0],
    ),
    "Simplex": (
        Simplex(),
        SIMPLEX,
        [np.array([0.0, 1.0]), np.array([0.5, 0.6]), np.array([-0.5, 1.5])],
    ),
    "Simplex, one row": (Simplex(), SIMPLEX[0], [np.array([0.5, 0.4])]),
    "Simplex, paths": (Simplex(), SIMPLEX.reshape(2, 2, 3), [np.zeros((2, 2, 3))]),
    "Sphere, circle": (Sphere(), on_sphere(2), [np.zeros((3, 2)), np.ones((3, 2))]),
    "Sphere": (Sphere(), on_sphere(4), [1.01 * on_sphere(4)]),
    "Sphere, paths": (Sphere(), on_sphere(3).reshape(2, 3, 3), [np.ones((2, 3, 3))]),
    "TangentSphere, circle": (about(2), on_sphere(2), [0.9 * on_sphere(2)]),
    "TangentSphere": (about(4), on_sphere(4), [0.9 * on_sphere(4)]),
    "TangentSphere, paths": (
        Sphere().around(on_sphere(3, seed=1).reshape(2, 3, 3)),
        on_sphere(3).reshape(2, 3, 3),
        [np.zeros((2, 3, 3))],
    ),
}
FINITE = {
    "Binary": (Binary(), np.array([[0.0, 1.0], [1.0, 1.0]]), [0.5, 2.0, -1.0]),
    "OneHot": (
        OneHot(),
        np.eye(3)[[0, 2, 2]],
        [np.zeros((1, 3)), np.ones((1, 3)), np.array([[0.5, 0.5]]), np.array([2.0, -1.0])],
    ),
    "Integer": (Integer(), np.array([0.0, 7.0]), [-1.0, 0.5, np.inf]),
    "Integer, 2 to 4": (Integer(2, 4), np.array([[2.0, 4.0]]), [1.0, 5.0]),
    "Integer, any": (Integer(-np.inf), np.array([-7.0, 7.0]), [-0.5, np.inf, -np.inf]),
    "Finite": (
        Finite(np.array([[0.0, 1.0], [2.0, -1.0]])),
        np.array([[2.0, -1.0], [0.0, 1.0]]),
        [np.array([[0.0, -1.0]]), np.array([[2.0, 1.0]])],
    ),
}
OTHERS = {
    "Fixed": (Fixed(), np.array([1.0, -2.0]), [np.inf]),
    "Unknown": (Unknown(), np.array([0.0, -2.0]), [np.inf]),
    "Columns": (
        Columns([(OneHot(), 2), (Real(), 1)]),
        np.array([[0.0, 1.0, -3.0]]),
        [np.array([[1.0, 1.0, 0.0]]), np.array([[0.0, 1.0, np.inf]]), np.zeros((1, 4))],
    ),
}
EVERY = {**SMOOTH, **FINITE, **OTHERS}


# Coordinates.


def from_real_undoes_to_real(support, value):
    again = support.from_real(support.to_real(value))
    np.testing.assert_allclose(again, value, rtol=1e-12, atol=1e-15)


def to_real_undoes_from_real(support, value):
    shape = support.real_shape(np.shape(value))
    real = np.random.default_rng(1).uniform(-1.5, 1.5, shape)
    again = support.to_real(support.from_real(real))
    np.testing.assert_allclose(again, real, rtol=1e-9, atol=1e-12)


def from_real_reaches_valid_values_only(support, value):
    rng, shape = np.random.default_rng(1), support.real_shape(np.shape(value))
    for size in (1.0, 6.0, 36.0, 40.0, 700.0, 1e4):
        for real in (size * rng.uniform(-1, 1, shape), np.full(shape, size)):
            for point in (real, -real):
                assert support.contains(support.from_real(point))


def shapes_are_those_declared(support, value):
    real = support.to_real(value)
    assert np.shape(real) == support.real_shape(np.shape(value))
    assert np.shape(support.from_real(real)) == np.shape(value)
    rows = np.shape(value)[:-1] if np.ndim(value) else ()
    assert np.shape(support.log_det_jacobian(real)) == rows


def tape_agrees_with_differences(support, value):
    start = np.asarray(support.to_real(value), dtype=float)

    def both(real):
        volume = anp.ravel(support.log_det_jacobian(real))
        return anp.concatenate([anp.ravel(support.from_real(real)), volume])

    if start.ndim:  # the helper needs a direction
        direction = np.random.default_rng(2).standard_normal(start.shape)
        assert_tape_agrees_with_differences(lambda t: both(start + t[0] * direction), ONE)
    else:
        assert_tape_agrees_with_differences(lambda t: both(start + t[0]), ONE)


ONE = np.zeros(1)


def volume_is_that_of_differences(support, value):
    """Of a simplex that of all columns but the last; of a sphere the area."""
    if not np.ndim(value):
        value = value[None]
    real, h = np.asarray(support.to_real(value)), 1e-6
    steps = h * np.eye(real.shape[-1])
    sides = [(support.from_real(real + s) - support.from_real(real - s)) for s in steps]
    jacobian = np.stack(sides, axis=-1) / (2 * h)
    if isinstance(support, Simplex):
        jacobian = jacobian[..., :-1, :]
    gram = np.swapaxes(jacobian, -1, -2) @ jacobian
    expected = 0.5 * np.linalg.slogdet(gram)[1]
    np.testing.assert_allclose(support.log_det_jacobian(real), expected, atol=1e-6)


def move_is_addition_of_coordinates(support, value):
    real = support.to_real(value)
    step = np.random.default_rng(3).uniform(-0.2, 0.2, np.shape(real))
    moved = support.to_real(support.move(value, step))
    np.testing.assert_allclose(moved, real + step, rtol=1e-9, atol=1e-9)


LAWS = [
    from_real_undoes_to_real,
    to_real_undoes_from_real,
    from_real_reaches_valid_values_only,
    shapes_are_those_declared,
    tape_agrees_with_differences,
    volume_is_that_of_differences,
    move_is_addition_of_coordinates,
]


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("name", SMOOTH)
def test_law(name, law):
    support, value, _ = SMOOTH[name]
    law(support, value)


class AboveOne(Support):
    """A right support; each wrong one has one thing else."""

    def contains(self, value):
        return bool(np.all(value > 1))

    def to_real(self, value):
        return np.log(value - 1)

    def from_real(self, real):
        return 1.0 + anp.exp(anp.clip(real, -30, 600))

    def log_det_jacobian(self, real):
        return anp.sum(real, axis=-1)


class WrongWay(AboveOne):
    def to_real(self, value):
        return np.log(value)


class Leaving(AboveOne):
    def from_real(self, real):
        return 1.0 + anp.exp(anp.clip(real, -700, 600))


class Flattening(AboveOne):
    def from_real(self, real):
        return 1.0 + anp.exp(anp.ravel(real))


class LosingTheTape(AboveOne):
    def from_real(self, real):
        start = getattr(real, "_value", real)
        return 1.0 + np.exp(np.clip(start, -30, 600)) + 0.0 * real


class WrongVolume(AboveOne):
    def log_det_jacobian(self, real):
        return 1.01 * anp.sum(real, axis=-1)


class WrongMove(AboveOne):
    def move(self, value, step):
        return value + step


WRONG = [WrongWay, WrongWay, Leaving, Flattening, LosingTheTape, WrongVolume, WrongMove]


@pytest.mark.parametrize(("law", "wrong"), [*zip(LAWS, WRONG, strict=True)])
def test_wrong_support_breaks_the_law(law, wrong):
    value = np.array([[1.5, 2.0]])
    law(AboveOne(), value)
    with pytest.raises(AssertionError):
        law(wrong(), value)


EDGES = {
    "Positive": (Positive(), [1e-290, 1e-30, 1e-9, 1e30, 1e290]),
    "Positive above 1": (Positive(1.0), [1 + 1e-15, 1 + 1e-9, 1e12]),
    "Interval": (Interval(), [1e-290, 1e-30, 1e-16, 1e-9, 1 - 1e-9, 1 - 1e-15]),
    "Interval, 2 to 3": (Interval(2.0, 3.0), [2 + 1e-14, 2 + 1e-9, 3 - 1e-9, 3 - 1e-14]),
    "Interval, log": (
        Interval(1e-3, 1e4, log=True),
        [1e-3 * (1 + 1e-13), 1e-3 * (1 + 1e-9), 1e4 * (1 - 1e-9)],
    ),
}


@pytest.mark.parametrize("name", EDGES)
def test_values_near_an_edge_keep_their_distance_to_it(name):
    # As far as doubles have digits for it: one part in ten, or in a million well inside.
    support, values = EDGES[name]
    values = np.array(values)
    low, high = support.bounds
    again = support.from_real(support.to_real(values))
    for bound in (low, high):
        if np.isfinite(bound):
            close = np.abs(values - bound) < 1e-8
            rtol = np.where(np.abs(values[close] - bound) < 1e-12 * abs(bound), 0.3, 1e-3)
            error = np.abs((again - values)[close]) / np.abs(values[close] - bound)
            assert np.all(error < rtol)
    np.testing.assert_allclose(again, values, rtol=1e-12)


@pytest.mark.parametrize("value", [1e-9, 1e-12, 1e-200])
def test_small_probabilities_keep_their_digits(value):
    # Their logarithms enter log densities: relative precision is what counts.
    again = Interval().from_real(Interval().to_real(value))
    np.testing.assert_allclose(again, value, rtol=1e-12)


def test_rare_shares_keep_their_digits():
    value = np.array([[1e-12, 1 - 1e-12], [1e-100, 1 - 1e-100]])
    again = Simplex().from_real(Simplex().to_real(value))
    np.testing.assert_allclose(again, value, rtol=1e-12)


@pytest.mark.parametrize("angle", [np.pi, 0.3, 1e-3, 1e-6, 1e-10, 1e-14, 0.0])
def test_points_near_the_pole_of_a_sphere_come_back(angle):
    value = np.array([[np.sin(angle), 0.0, np.cos(angle)]])
    again = Sphere().from_real(Sphere().to_real(value))
    np.testing.assert_allclose(again, value, rtol=1e-9, atol=3e-12)
    assert Sphere().contains(again)


def test_values_on_a_bound_have_finite_coordinates():
    for support, value in (
        (Positive(), 0.0),
        (Interval(), 0.0),
        (Interval(), 1.0),
        (Interval(1.0, 9.0, log=True), 1.0),
        (Interval(1.0, 9.0, log=True), 9.0),
        (Simplex(), np.array([0.0, 1.0])),
        (Sphere(), np.array([0.0, 1.0])),
    ):
        real = support.to_real(value)
        assert np.isfinite(real).all()
        assert support.contains(support.from_real(np.asarray(real)))


# Volumes.


def integral(log_density, nodes, weights):
    return np.sum(np.exp(log_density(nodes)) * weights)


def line():
    """Nodes on the real line, whose tails end, and weights."""
    u = 0.01 * (np.arange(-2500, 2500) + 0.5)
    return np.sinh(u), 0.01 * np.cosh(u)


@pytest.mark.parametrize(
    ("support", "length"),
    [
        (Sphere(), 2 * np.pi),  # of a circle
        (Interval(), 1.0),
        (Interval(-2.0, 5.0), 7.0),
        (Interval(0.5, 20.0, log=True), 19.5),
        (Simplex(), 1.0),  # of the first of two shares
    ],
)
def test_volumes_add_up_to_that_of_the_support(support, length):
    u, weights = line()
    found = integral(support.log_det_jacobian, u[:, None], weights)
    assert found == pytest.approx(length, rel=1e-6)


def area_of_sphere(n_columns):
    return 2 * np.pi ** (n_columns / 2) / np.exp(gammaln(n_columns / 2))


@pytest.mark.parametrize("n_columns", [2, 3, 4, 5])
@pytest.mark.parametrize("tangent", [False, True])
def test_areas_add_up_to_that_of_the_sphere(n_columns, tangent):
    # Coordinates (r, 0, ...) stand for all of length r.
    d = n_columns - 1
    if tangent:
        support = Sphere().around(np.eye(n_columns)[:1])
        r, weights = np.polynomial.legendre.leggauss(50)
        r, weights = 0.5 * np.pi * (1 + r), 0.5 * np.pi * weights
    else:
        support = Sphere()
        r, weights = (half[2500:] for half in line())
    shells = area_of_sphere(d) * r ** (d - 1) * weights
    found = integral(support.log_det_jacobian, r[:, None] * np.eye(1, d), shells)
    assert found == pytest.approx(area_of_sphere(n_columns), rel=1e-5)


def test_volumes_of_three_shares_add_up_to_a_half():
    u = np.arange(-30, 30, 0.1)
    real = np.stack(np.meshgrid(u, u), axis=-1).reshape(-1, 2)
    found = integral(Simplex().log_det_jacobian, real, 0.1**2)
    assert found == pytest.approx(0.5, rel=1e-6)


def test_nothing_lies_beyond_the_antipode():
    support = Sphere().around(on_sphere(3))
    assert np.all(support.log_det_jacobian(np.full((6, 2), 2.3)) == -np.inf)


def test_rows_are_the_origin_of_the_sphere_about_them():
    for value in (on_sphere(2), on_sphere(4), on_sphere(3).reshape(2, 3, 3)):
        support = Sphere().around(value)
        np.testing.assert_allclose(support.to_real(value), 0.0, atol=1e-7)


@pytest.mark.parametrize("name", SMOOTH)
def test_derivatives_are_finite_at_the_values_themselves(name):
    support, value, _ = SMOOTH[name]
    support = support.around(value)
    real = np.asarray(support.to_real(value), dtype=float)
    assert np.isfinite(elementwise_grad(support.log_det_jacobian)(real)).all()
    assert np.isfinite(elementwise_grad(lambda u: support.from_real(u))(real)).all()


@pytest.mark.parametrize("name", EVERY)
def test_only_coordinates_of_a_sphere_depend_on_where_they_are_made(name):
    support, value, _ = EVERY[name]
    if "Sphere" not in name:
        assert support.around(value) == support


def test_columns_are_made_about_a_row_each_in_their_own_way():
    value = np.hstack([on_sphere(3), np.ones((6, 2)), on_sphere(2)])
    support = Columns([(Sphere(), 3), (Positive(), 2), (Sphere(), 2)]).around(value)
    (first, *_), middle, (last, _) = support.parts
    assert middle == (Positive(), 2)
    for part, own in ((first, value[:, :3]), (last, value[:, 5:])):
        np.testing.assert_allclose(part.to_real(own), 0.0, atol=1e-7)
    assert support.contains(value)


# Values.


@pytest.mark.parametrize("name", EVERY)
def test_contains_accepts_valid_values(name):
    support, value, _ = EVERY[name]
    assert support.contains(value) is True


@pytest.mark.parametrize("name", EVERY)
def test_contains_refuses_nan_and_values_outside(name):
    support, value, outside = EVERY[name]
    with_nan = np.array(value)
    with_nan.flat[0] = np.nan
    for bad in [with_nan, *outside]:
        assert support.contains(bad) is False


def test_one_bad_entry_is_enough_to_be_refused():
    value = np.ones((3, 2))
    value[2, 1] = -1.0
    assert not Positive().contains(value)
    assert not Binary().contains(value)


@pytest.mark.parametrize(
    ("support", "n_columns", "values"),
    [
        (Binary(), 2, [[0, 0], [0, 1], [1, 0], [1, 1]]),
        (OneHot(), 3, [[1, 0, 0], [0, 1, 0], [0, 0, 1]]),
        (Integer(2, 4), 1, [[2], [3], [4]]),
        (Finite(np.array([[5.0, 6.0]])), 2, [[5, 6]]),
        (
            Columns([(OneHot(), 2), (Binary(), 1)]),
            3,
            [[1, 0, 0], [1, 0, 1], [0, 1, 0], [0, 1, 1]],
        ),
    ],
)
def test_values_are_all_there_are(support, n_columns, values):
    found = support.values(n_columns)
    assert found.tolist() == values
    assert all(support.contains(row) for row in found)


@pytest.mark.parametrize(
    "support",
    [
        *(Real(), Positive(), Interval(), Simplex(), Sphere(), Fixed(), Unknown()),
        *(Integer(), Integer(-np.inf, 3), Columns([(Binary(), 1), (Real(), 1)])),
    ],
)
def test_no_list_holds_an_infinite_number_of_values(support):
    assert support.alphabets(2) is None and support.values(2) is None


def test_more_values_than_the_limit_are_not_listed():
    assert len(Binary().values(12)) == 4096
    assert Binary().values(13) is None
    assert Binary().values(3, limit=7) is None and len(Binary().values(3, limit=8)) == 8


def test_codes_are_numbers_of_the_rows_that_they_are():
    rows = np.array([[[0.0, 1.0], [1.0, 0.0]], [[1.0, 1.0], [0.0, 1.0]]])
    assert codes_of(rows, np.eye(2)).tolist() == [[1, 0], [-1, 1]]


@pytest.mark.parametrize("name", FINITE)
def test_finite_values_have_no_real_coordinates(name):
    support, value, _ = FINITE[name]
    assert support.to_real(value).shape == support.real_shape(value.shape)
    assert support.to_real(value).size == 0 and not hasattr(support, "from_real")


def test_what_is_fixed_stays():
    value = np.array([1.0, 2.0])
    assert Fixed().move(value, np.zeros(0)) is value
    assert Fixed().to_real(value).shape == Fixed().real_shape((2,)) == (0,)


# One support and another.


@pytest.mark.parametrize("name", EVERY)
def test_clones_pickles_and_code_are_the_same_support(name):
    support = EVERY[name][0]
    copies = [clone(support), pickle.loads(pickle.dumps(support))]
    if "Tangent" not in name:  # numbers are printed to a few digits
        names = {**vars(supports), **vars(np)}
        copies.append(eval(repr(support), names))
    for copy in copies:
        assert copy is not support and copy == support and support == copy
        assert repr(copy) == repr(support)


def test_supports_differ_by_class_and_by_settings():
    different = [
        *(Real(), Positive(), Positive(1.0), Positive(FLOOR), Interval()),
        *(Interval(0.5), Interval(0.5, log=True), Simplex(), Sphere(), OneHot()),
        *(Binary(), Integer(), Integer(0, 1), Integer(0, 2), Finite([[0.0], [1.0]])),
        *(Fixed(), Unknown(), Columns([(Real(), 2)]), Columns([(Real(), 3)])),
        Columns([(Real(), 1), (Real(), 1)]),
    ]
    for i, one in enumerate(different):
        for j, other in enumerate(different):
            assert (one == other) == (i == j)
    assert Real() != "real" and Real() is not None


@pytest.mark.parametrize("name", EVERY)
def test_values_lie_between_the_bounds(name):
    support, value, _ = EVERY[name]
    low, high = support.bounds
    assert low <= np.min(value) and np.max(value) <= high


def test_supports_lie_within_wider_ones():
    nested = [Integer(1, 1), Interval(0.2, 0.9), Interval(), Positive(), Real()]
    for inner, outer in zip(nested[1:], nested[2:], strict=False):
        assert inner.is_within(outer) and not outer.is_within(inner)
    for support in (Binary(), OneHot(), Simplex(), Positive(2.0), Integer(1, 5)):
        assert support.is_within(Positive()) and support.is_within(support)
    for support in (Sphere(), Real(), Positive(-1.0), Finite([[-1.0]]), Unknown()):
        assert not support.is_within(Positive())
    assert Columns([(Binary(), 1), (Positive(), 1)]).is_within(Positive())
    assert not Columns([(Binary(), 1), (Real(), 1)]).is_within(Positive())


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ([(Real(), 2), (Real(), 1)], Real()),
        ([(Binary(), 2), (Binary(), 1)], Binary()),
        ([(Positive(), 1), (Positive(1.0), 1)], None),
        ([(OneHot(), 2)], OneHot()),
        ([(OneHot(), 2), (OneHot(), 2)], None),
        ([(Simplex(), 2), (Simplex(), 2)], None),
        ([(Columns([(Real(), 1), (Real(), 2)]), 3), (Real(), 1)], Real()),
    ],
)
def test_groups_are_one_support_where_entries_are_alike(parts, whole):
    assert side_by_side(parts) == (whole or Columns(parts))


def test_groups_of_groups_are_groups():
    inner = Columns([(OneHot(), 3), (Real(), 1)])
    found = side_by_side([(inner, 4), (Positive(), 2)])
    assert found == Columns([(OneHot(), 3), (Real(), 1), (Positive(), 2)])


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ((1.0, 1.0), "finite bounds, low < high; got low=1.0, high=1.0"),
        ((2.0, 1.0), "finite bounds, low < high; got low=2.0, high=1.0"),
        ((0.0, np.inf), "high=inf. Without an upper bound use Positive"),
        ((np.nan, 1.0), "finite bounds"),
        ((0.0, 1.0, True), "0 < low < high for log=True; got low=0.0, high=1.0"),
    ],
)
def test_bounds_that_are_none_are_refused(bounds, message):
    with pytest.raises(ValueError, match=message):
        Interval(*bounds)


@pytest.mark.parametrize(
    ("support", "description"),
    [
        (Real(), "real"),
        (Positive(), "above 0"),
        (Positive(FLOOR), "above its lower bound"),
        (Interval(0.5, 20.0), "strictly between 0.5 and 20"),
        (Integer(), "whole numbers, at least 0"),
        (Integer(2, 4), "whole numbers, 2 to 4"),
        (Integer(-np.inf), "whole numbers"),
        (Finite([[1.0], [2.0]]), "one of 2 values"),
        (
            Columns([(OneHot(), 2), (Real(), 1)]),
            "rows with a single one (2), real (1)",
        ),
    ],
)
def test_descriptions_end_the_sentence_must_be(support, description):
    assert support.description == description


# Reading.

N = 10_000


def normed(z):
    return z / np.linalg.norm(z, axis=1, keepdims=True)


def labels(rng, n=N, k=3):
    return rng.multinomial(1, np.full(k, 1 / k), n).astype(float)


def beside(*columns):
    return np.hstack(columns)


# Sampler of latents, given a generator; the support that is read off each time.
READ = {
    "normal": (lambda r: r.normal(size=(N, 1)), Real()),
    "normals": (lambda r: r.normal(size=(N, 3)), Real()),
    "normal, shifted by 2": (lambda r: 2 + r.normal(size=(N, 1)), Real()),
    # All are positive: so are those to come.
    "normal, shifted by 50": (lambda r: 50 + r.normal(size=(N, 1)), Positive()),
    "Cauchy": (lambda r: r.standard_cauchy(size=(N, 1)), Real()),
    "random walks": (lambda r: np.cumsum(r.normal(size=(500, 20, 2)), axis=1), Real()),
    "exponential": (lambda r: r.exponential(size=(N, 1)), Positive()),
    "exponential, small": (lambda r: 1e-4 * r.exponential(size=(N, 1)), Positive()),
    "exponential, large": (lambda r: 1e6 * r.exponential(size=(N, 1)), Positive()),
    "exponential, one axis": (lambda r: r.exponential(size=N), Positive()),
    "exponential, paths": (lambda r: r.exponential(size=(500, 20, 2)), Positive()),
    "gamma of shape 0.3": (lambda r: r.gamma(0.3, size=(N, 1)), Positive()),
    "gamma of shape 20": (lambda r: r.gamma(20, size=(N, 1)), Positive()),
    "lognormal": (lambda r: r.lognormal(size=(N, 1)), Positive()),
    "lognormal, wide": (lambda r: r.lognormal(0, 3, size=(N, 1)), Positive()),
    "half normal": (lambda r: np.abs(r.normal(size=(N, 1))), Positive()),
    "uniform": (lambda r: r.random((N, 1)), Interval()),
    "uniform, -1 to 1": (lambda r: r.uniform(-1, 1, (N, 1)), Interval(-1.0, 1.0)),
    "uniform, 5 to 7": (lambda r: r.uniform(5, 7, (N, 1)), Interval(5.0, 7.0)),
    "beta 2, 2": (lambda r: r.beta(2, 2, (N, 1)), Interval()),
    "beta 0.5, 0.5": (lambda r: r.beta(0.5, 0.5, (N, 1)), Interval()),
    "one-hot": (lambda r: labels(r), OneHot()),
    "one-hot, 100": (lambda r: labels(r, k=100), OneHot()),
    "binary": (lambda r: r.integers(2, size=(N, 1)), Binary()),
    "binary, three": (lambda r: r.integers(2, size=(N, 3)), Binary()),
    "binary, eight": (lambda r: r.integers(2, size=(N, 8)), Binary()),
    "signs": (lambda r: 2 * r.integers(2, size=(N, 1)) - 1, Finite([[-1.0], [1.0]])),
    "three values, five times": (
        lambda r: r.integers(3, size=(N, 5)),
        Columns([(Finite([[0.0], [1.0], [2.0]]), 1)] * 5),
    ),
    "constant": (lambda r: np.full((N, 1), 2.5), Finite([[2.5]])),
    "large counts": (lambda r: r.poisson(200, size=(N, 1)), Integer()),
    "geometric": (lambda r: r.geometric(0.05, size=(N, 1)), Integer(1)),
    "differences of counts": (
        lambda r: r.poisson(200, size=(N, 1)) - r.poisson(200, size=(N, 1)),
        Integer(-np.inf),
    ),
    "zero-inflated": (
        lambda r: r.exponential(size=(N, 1)) * (r.random((N, 1)) < 0.7),
        Unknown(),
    ),
    "simplex": (lambda r: r.dirichlet([1, 2, 3], N), Simplex()),
    "circle": (lambda r: normed(r.normal(size=(N, 2))), Sphere()),
    "sphere": (lambda r: normed(r.normal(size=(N, 4))), Sphere()),
    "one-hot beside reals": (
        lambda r: beside(labels(r), r.normal(size=(N, 2))),
        Columns([(OneHot(), 3), (Real(), 1), (Real(), 1)]),
    ),
    "one-hot between others": (
        lambda r: beside(r.normal(size=(N, 1)), labels(r), r.exponential(size=(N, 1))),
        Columns([(Real(), 1), (OneHot(), 3), (Positive(), 1)]),
    ),
}


@pytest.mark.parametrize("name", READ)
def test_what_is_read_off_is_the_narrowest_and_holds_what_comes(name):
    sample, expected = READ[name]
    for seed in range(5):
        rng = np.random.default_rng(seed)
        found = read_support(sample(rng))
        assert found == expected
        again = np.asarray(sample(rng), dtype=float)
        assert found.contains(again if again.ndim > 1 else again[:, None])


@pytest.mark.parametrize("shift", [3.0, 2.5, -0.7, 1e3])
def test_a_shifted_edge_is_found_closely(shift):
    # Whole numbers exactly, nearly always; others from the inside, as all that is known.
    exact = 0
    for seed in range(20):
        z = shift + np.random.default_rng(seed).exponential(size=(N, 1))
        found = read_support(z)
        assert isinstance(found, Positive) and found.contains(z)
        assert abs(found.lower - shift) < 10 / N * 2
        exact += found.lower == shift
    assert exact >= 18 if shift == np.round(shift) else exact == 0


def test_both_edges_of_other_uniforms_are_found_closely():
    for seed in range(20):
        z = np.random.default_rng(seed).uniform(-np.pi, 0.01, (N, 1))
        found = read_support(z)
        assert isinstance(found, Interval) and found.contains(z)
        assert abs(found.low + np.pi) < 0.01 and abs(found.high - 0.01) < 0.01


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(bad):
    with pytest.raises(ValueError, match="read_support needs finite values"):
        read_support(np.array([[1.0], [bad]]))
