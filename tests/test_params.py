"""Laws of the border between named parameters and the vector."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad

from skaws.bijectors import Positive, Simplex, UnitInterval
from skaws.params import ParameterSpace, leaves, look_up, shift


@pytest.fixture
def params():
    rng = np.random.default_rng(0)
    return {
        "decoder": {"components": rng.standard_normal((2, 3)), "mean": np.arange(3.0)},
        "likelihood": {"noise": {"variance": rng.exponential(size=3)}},
        "share": 0.25,
    }


@pytest.fixture
def constraints():
    return {"share": UnitInterval(), "likelihood": {"noise": {"variance": Positive()}}}


@pytest.fixture
def space(params, constraints):
    return ParameterSpace(params, constraints)


def assert_same(tree, other):
    assert [path for path, _ in leaves(tree)] == [path for path, _ in leaves(other)]
    for path, value in leaves(tree):
        assert np.shape(value) == np.shape(look_up(other, path))
        np.testing.assert_allclose(value, look_up(other, path), rtol=1e-13)


def test_params_survive_the_way_to_a_vector_and_back(params, space):
    assert_same(space.unflatten(space.flatten(params)), params)


def test_vector_survives_the_way_to_params_and_back(space):
    vector = np.random.default_rng(1).standard_normal(space.size)
    np.testing.assert_allclose(space.flatten(space.unflatten(vector)), vector, rtol=1e-12)


def test_simplex_rows_survive_the_way_to_a_vector_and_back():
    params = {"shares": np.random.default_rng(0).dirichlet(np.ones(3), size=2)}
    space = ParameterSpace(params, {"shares": Simplex()})
    assert_same(space.unflatten(space.flatten(params)), params)


def test_vector_holds_unconstrained_leaves_in_the_order_of_the_dictionary(params, space):
    expected = np.concatenate(
        [
            params["decoder"]["components"].ravel(),
            params["decoder"]["mean"],
            np.log(params["likelihood"]["noise"]["variance"]),
            [np.log(0.25 / 0.75)],
        ]
    )
    np.testing.assert_allclose(space.flatten(params), expected, rtol=1e-14)


def test_order_is_that_of_the_space_not_of_the_params_handed_in(params, space):
    backwards = dict(reversed(params.items()))
    np.testing.assert_array_equal(space.flatten(backwards), space.flatten(params))


def test_a_coordinate_moves_only_the_entry_that_it_is_named_after(params, space):
    vector = space.flatten(params)
    for index in range(space.size):
        moved = space.unflatten(vector + 0.5 * (np.arange(space.size) == index))
        changed = [
            ".".join(path) + (f"[{', '.join(map(str, place))}]" if place else "")
            for path, value in leaves(params)
            for place in np.ndindex(np.shape(value))
            if abs(np.asarray(look_up(moved, path) - value)[place]) > 0.01
        ]
        assert changed == [space.name(index)]


def test_names_are_written_as_people_index_arrays(space):
    names = [space.name(index) for index in (5, 6, 11, 12)]
    assert names == [
        "decoder.components[1, 2]",
        "decoder.mean[0]",
        "likelihood.noise.variance[2]",
        "share",
    ]


def test_a_coordinate_beyond_the_vector_has_no_name(space):
    with pytest.raises(IndexError, match=f"{space.size}"):
        space.name(space.size)


def test_a_python_number_is_a_leaf_of_one_coordinate():
    space = ParameterSpace({"rate": 2.0}, {"rate": Positive()})
    assert space.size == 1
    assert space.unflatten(space.flatten({"rate": 3.0}))["rate"] == pytest.approx(3.0)


def test_no_params_are_an_empty_vector():
    space = ParameterSpace({"prior": {}})
    assert space.size == 0 and space.flatten({}).shape == (0,)


def test_error_outside_the_support_says_who_what_and_what_came(params, constraints):
    params["likelihood"]["noise"]["variance"] = np.array([1.0, -2.0, 3.0])
    message = r"likelihood\.noise\.variance must be above 0.*from -2 to 3"
    with pytest.raises(ValueError, match=message):
        ParameterSpace(params, constraints)


def test_nan_is_refused_without_any_constraint():
    with pytest.raises(ValueError, match="mean must be real"):
        ParameterSpace({"mean": np.array([1.0, np.nan])})


@pytest.mark.parametrize("params", [None, [1.0, 2.0], np.ones(3)])
def test_params_that_are_no_dict_are_refused(params):
    with pytest.raises(TypeError, match="params must be a dict of arrays"):
        ParameterSpace(params)


@pytest.mark.parametrize("value", ["me", None, 1j, [1.0, None]])
def test_a_leaf_that_is_no_number_is_named(value):
    with pytest.raises(TypeError, match=r"Parameter prior\.rate must be a number"):
        ParameterSpace({"prior": {"rate": value}})


@pytest.mark.parametrize("constraint", [Positive, "positive", None])
def test_a_constraint_that_is_no_bijector_is_named(constraint):
    with pytest.raises(TypeError, match="constraint of rate must be a bijector, such"):
        ParameterSpace({"rate": 1.0}, {"rate": constraint})


@pytest.mark.parametrize(
    ("constraints", "path"),
    [
        ({"nosie": Positive()}, "nosie"),
        ({"decoder": {"offset": Positive()}}, r"decoder\.offset"),
        ({"decoder": Positive()}, "decoder"),
        ({"share": {"deeper": Positive()}}, r"share\.deeper"),
    ],
    ids=["misspelt", "missing leaf", "a branch", "below a leaf"],
)
def test_a_constraint_that_names_no_parameter_is_refused(params, constraints, path):
    with pytest.raises(ValueError, match=f"{path}, which is not a parameter"):
        ParameterSpace(params, constraints)


def test_params_without_a_leaf_are_refused_by_name(params, space):
    del params["decoder"]["mean"]
    with pytest.raises((KeyError, ValueError), match="decoder.mean"):
        space.flatten(params)


def test_zero_step_stays_in_place(params, constraints, space):
    assert_same(shift(params, space.split(np.zeros(space.size)), constraints), params)


def test_shift_is_addition_to_the_vector(params, constraints, space):
    step = np.random.default_rng(2).standard_normal(space.size)
    moved = shift(params, space.split(step), constraints)
    np.testing.assert_allclose(space.flatten(moved), space.flatten(params) + step)


def test_split_leaves_pieces_unconstrained(space):
    vector = np.arange(space.size, dtype=float)
    pieces = [np.ravel(piece) for _, piece in leaves(space.split(vector))]
    np.testing.assert_array_equal(np.concatenate(pieces), vector)


def test_derivative_runs_through_unflatten(params, space):
    def total(vector):
        tree = space.unflatten(vector)
        return anp.sum(tree["likelihood"]["noise"]["variance"]) + tree["share"]

    gradient = grad(total)(space.flatten(params))
    # d exp(u) / du is the value itself, d logistic(u) / du = value (1 - value).
    variance = params["likelihood"]["noise"]["variance"]
    expected = [*np.zeros(9), *variance, 0.25 * 0.75]
    np.testing.assert_allclose(gradient, expected, rtol=1e-13)


def test_derivative_runs_through_split(space):
    weights = np.arange(6.0).reshape(2, 3)
    gradient = grad(lambda v: anp.sum(weights * space.split(v)["decoder"]["components"]))(
        np.zeros(space.size)
    )
    np.testing.assert_array_equal(gradient, [*np.arange(6.0), *np.zeros(space.size - 6)])
