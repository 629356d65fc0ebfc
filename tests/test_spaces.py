"""Laws of the border between named arrays and vectors, of parameters and of latents."""

import pickle

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad

from skaws.spaces import (
    Space,
    columns_of,
    from_leaves,
    leaves,
    look_up,
    map_leaves,
    read_space,
    rows_of,
    shift,
    stack,
)
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
    Unknown,
)

from .common import assert_tape_agrees_with_differences


def assert_same(tree, other, rtol=1e-12):
    assert [path for path, _ in leaves(tree)] == [path for path, _ in leaves(other)]
    for path, value in leaves(tree):
        assert np.shape(value) == np.shape(look_up(other, path))
        np.testing.assert_allclose(value, look_up(other, path), rtol=rtol, atol=1e-15)


# Parameters.


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
    return {"share": Interval(), "likelihood": {"noise": {"variance": Positive()}}}


@pytest.fixture
def space(params, constraints):
    return Space(params, constraints)


def test_params_survive_the_way_to_a_vector_and_back(params, space):
    assert_same(space.unflatten(space.flatten(params)), params)


def test_vector_survives_the_way_to_params_and_back(space):
    vector = np.random.default_rng(1).standard_normal(space.size)
    np.testing.assert_allclose(space.flatten(space.unflatten(vector)), vector, rtol=1e-12)


def test_rows_of_a_simplex_have_one_coordinate_less():
    params = {"shares": np.random.default_rng(0).dirichlet(np.ones(3), size=2)}
    space = Space(params, {"shares": Simplex()})
    assert space.size == 4 and space.name(3) == "shares[1, 1]"
    assert_same(space.unflatten(space.flatten(params)), params)


def test_a_simplex_of_one_share_has_none():
    space = Space({"weight": np.ones(1)}, {"weight": Simplex()})
    assert space.size == 0
    assert space.unflatten(np.zeros(0))["weight"].tolist() == [1.0]


def test_vector_holds_real_coordinates_in_the_order_of_the_dictionary(params, space):
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
    space = Space({"rate": 2.0}, {"rate": Positive()})
    assert space.size == 1
    assert space.unflatten(space.flatten({"rate": 3.0}))["rate"] == pytest.approx(3.0)


def test_no_params_are_an_empty_vector():
    space = Space({"prior": {}})
    assert space.size == 0 and space.flatten({}).shape == (0,)
    assert space.unflatten(np.zeros(0)) == {}


def test_what_is_fixed_has_no_coordinate_and_keeps_its_value(params, constraints):
    constraints["decoder"] = {"mean": Fixed()}
    space = Space(params, constraints)
    assert space.size == 10
    assert [space.name(i) for i in (5, 6)] == [
        "decoder.components[1, 2]",
        "likelihood.noise.variance[0]",
    ]
    moved = space.unflatten(space.flatten(params) + 1.0)
    assert moved["decoder"]["mean"] is not None
    np.testing.assert_array_equal(moved["decoder"]["mean"], params["decoder"]["mean"])
    step = space.split(np.ones(space.size))
    shifted = shift(params, step, constraints)
    np.testing.assert_array_equal(shifted["decoder"]["mean"], params["decoder"]["mean"])
    np.testing.assert_allclose(space.flatten(shifted), space.flatten(params) + 1.0)


def test_contains_and_names_what_lies_outside(params, space):
    assert space.contains(params) and space.outside(params) is None
    params["likelihood"]["noise"]["variance"][1] = -1.0
    assert not space.contains(params)
    assert space.outside(params) == "likelihood.noise.variance"


def test_zero_step_stays_in_place(params, constraints, space):
    assert_same(shift(params, space.split(np.zeros(space.size)), constraints), params)


def test_shift_is_addition_to_the_vector(params, constraints, space):
    step = np.random.default_rng(2).standard_normal(space.size)
    moved = shift(params, space.split(step), constraints)
    np.testing.assert_allclose(space.flatten(moved), space.flatten(params) + step)


def test_split_leaves_pieces_in_real_coordinates(space):
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


def test_derivative_runs_twice_through_split(space):
    def cubes(vector):
        return anp.sum(anp.array([anp.sum(part**3) for _, part in leaves(split(vector))]))

    split, start = space.split, np.random.default_rng(0).standard_normal(space.size)
    direction = np.random.default_rng(1).standard_normal(space.size)
    twice = grad(lambda vector: anp.dot(grad(cubes)(vector), direction))(start)
    np.testing.assert_allclose(twice, 6 * start * direction)


def test_error_outside_the_support_says_who_what_and_what_came(params, constraints):
    params["likelihood"]["noise"]["variance"] = np.array([1.0, -2.0, 3.0])
    message = (
        r"Parameter likelihood\.noise\.variance must be above 0.*from -2 to 3.* init_p"
    )
    with pytest.raises(ValueError, match=message):
        Space(params, constraints)


def test_nan_is_refused_without_any_constraint():
    with pytest.raises(ValueError, match="mean must be real"):
        Space({"mean": np.array([1.0, np.nan])})


@pytest.mark.parametrize("params", [None, [1.0, 2.0], np.ones(3)])
def test_params_that_are_no_dict_are_refused(params):
    with pytest.raises(TypeError, match="params must be a dict of arrays"):
        Space(params)


@pytest.mark.parametrize("value", ["me", None, 1j, [1.0, None]])
def test_a_leaf_that_is_no_number_is_named(value):
    with pytest.raises(TypeError, match=r"Parameter prior\.rate must be a number"):
        Space({"prior": {"rate": value}})


@pytest.mark.parametrize("constraint", [Positive, "positive", None])
def test_a_constraint_that_is_no_support_is_named(constraint):
    with pytest.raises(TypeError, match="support of rate must be a Support, such as Pos"):
        Space({"rate": 1.0}, {"rate": constraint})


@pytest.mark.parametrize(
    "support", [Binary(), OneHot(), Integer(), Unknown(), Columns([(Real(), 2)])]
)
def test_a_parameter_without_real_coordinates_is_refused(support):
    with pytest.raises(TypeError, match="Parameter rate cannot be learnt in .* Fixed"):
        Space({"rate": np.array([0.0, 1.0])}, {"rate": support})


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
    with pytest.raises(ValueError, match=f"{path}, which is not a parameter; the param"):
        Space(params, constraints)


def test_params_without_a_leaf_are_refused_by_name(params, space):
    del params["decoder"]["mean"]
    with pytest.raises(ValueError, match="params lack decoder.mean; give a value"):
        space.flatten(params)


# Latents.

N = 30


def on_sphere(*shape, seed=0):
    z = np.random.default_rng(seed).standard_normal(shape)
    return z / np.linalg.norm(z, axis=-1, keepdims=True)


def labels(n=N, k=3, seed=0):
    return np.eye(k)[np.random.default_rng(seed).integers(k, size=n)]


RNG = np.random.default_rng(0)
TREE = {
    "class": labels(),
    "path": {"level": RNG.exponential(size=(N, 4, 2)), "present": labels(N, 2)[:, :1]},
    "angle": on_sphere(N, 2),
    "rate": RNG.random(N),
}
OF_TREE = {
    "class": OneHot(),
    "path": {"level": Positive(), "present": Binary()},
    "angle": Sphere(),
    "rate": Interval(),
}
MIXED = np.hstack([labels(), RNG.standard_normal((N, 1)), RNG.exponential(size=(N, 2))])
OF_MIXED = Columns([(OneHot(), 3), (Real(), 1), (Positive(), 2)])

# Latents, their supports, numbers of coordinates and of codes.
LATENTS = {
    "array": (RNG.standard_normal((N, 2)), None, 2, 0),
    "array, positive": (RNG.exponential(size=(N, 2)), Positive(), 2, 0),
    "array, simplex": (RNG.dirichlet(np.ones(3), N), Simplex(), 2, 0),
    "paths": (RNG.exponential(size=(N, 4, 2)), Positive(), 8, 0),
    "paths, sphere": (on_sphere(N, 4, 3), Sphere(), 8, 0),
    "paths, binary": (1.0 * RNG.integers(2, size=(N, 4, 2)), Binary(), 0, 8),
    "one axis": (RNG.exponential(size=N), Positive(), 1, 0),
    "one axis, whole": (1.0 * RNG.integers(3, size=N), Integer(0, 2), 0, 1),
    "one-hot": (labels(), OneHot(), 0, 1),
    "finite": (labels(), Finite(np.eye(3)), 0, 1),
    "columns": (MIXED, OF_MIXED, 3, 1),
    "dictionary": (TREE, OF_TREE, 8 + 1 + 1, 2),
    "dictionary, declared in part": (TREE, {"rate": Interval()}, 3 + 9 + 2 + 1, 0),
}
EVERY = pytest.mark.parametrize("name", LATENTS)
CONTINUOUS = [name for name, (_, _, size, _) in LATENTS.items() if size]


def space_of(name):
    latents, supports, *_ = LATENTS[name]
    return latents, Space(latents, supports, batched=True)


def as_tree(latents):
    return latents if isinstance(latents, dict) else {"latents": latents}


@EVERY
def test_latents_survive_the_way_to_vectors_and_codes_and_back(name):
    latents, space = space_of(name)
    _, _, size, n_codes = LATENTS[name]
    vectors, codes = space.flatten(latents), space.codes(latents)
    assert vectors.shape == (N, size) and space.size == size
    assert codes.shape == (N, n_codes) and len(space.alphabets) == n_codes
    again = space.unflatten(vectors, codes)
    assert type(again) is type(latents)
    assert_same(as_tree(again), as_tree(latents))


@EVERY
def test_a_row_goes_its_own_way(name):
    latents, space = space_of(name)
    vectors, codes = space.flatten(latents), space.codes(latents)
    for index in (slice(0, 1), slice(5, 9), np.array([7, 2])):
        rows = rows_of(latents, index)
        # But for the last digit of a product.
        np.testing.assert_allclose(space.flatten(rows), vectors[index], rtol=1e-12)
        np.testing.assert_array_equal(space.codes(rows), codes[index])
        assert_same(as_tree(space.unflatten(vectors[index], codes[index])), as_tree(rows))


@EVERY
def test_a_space_is_known_from_any_of_its_latents(name):
    # And keeps no more of them than one.
    latents, space = space_of(name)
    other = Space(rows_of(latents, slice(3, 4)), LATENTS[name][1], batched=True)
    np.testing.assert_array_equal(other.flatten(latents), space.flatten(latents))
    assert space.shapes == other.shapes
    large = stack([latents] * 200)
    pickled = pickle.dumps(Space(large, LATENTS[name][1], batched=True))
    assert len(pickled) < 5000


@EVERY
def test_latents_at_any_coordinates_and_codes_lie_in_the_space(name):
    _, space = space_of(name)
    rng = np.random.default_rng(1)
    codes = np.stack(
        [rng.integers(len(values), size=N) for values in space.alphabets]
        or [np.zeros(N, int)],
        axis=1,
    )
    for size in (1.0, 40.0, 1e4):
        found = space.unflatten(size * rng.uniform(-1, 1, (N, space.size)), codes)
        assert space.contains(found) and space.outside(found) is None


@EVERY
def test_declared_supports_are_those_of_the_space(name):
    latents, supports, *_ = LATENTS[name]
    found = Space(latents, supports, batched=True).latent_support
    if isinstance(latents, dict):
        for path, support in leaves(found):
            assert support == look_up(supports, path, Real())
    else:
        assert found == (Real() if supports is None else supports)


@EVERY
def test_finite_spaces_list_their_latents(name):
    latents, space = space_of(name)
    _, _, size, n_codes = LATENTS[name]
    assert space.is_finite == (size == 0) and space.has_coordinates
    if not space.is_finite:
        assert space.values() is None
        return
    values = space.values()
    n_values = np.prod([len(alphabet) for alphabet in space.alphabets])
    assert len(values) == n_values == len(np.unique(columns_of(values), axis=0))
    assert space.contains(values)
    assert space.values(limit=int(n_values) - 1) is None


@pytest.mark.parametrize("name", CONTINUOUS)
def test_volume_is_that_of_the_leaves(name):
    latents, space = space_of(name)
    vectors = space.flatten(latents)
    expected = np.zeros(N)
    for path, support in leaves(as_tree(space.latent_support)):
        own = look_up(as_tree(latents), path)
        own = own[:, None] if own.ndim == 1 else own
        parts = support.parts if isinstance(support, Columns) else [(support, None)]
        edges = np.cumsum([width for _, width in parts[:-1]]).astype(int)
        for (part, _), columns in zip(parts, np.split(own, edges, axis=-1), strict=True):
            if hasattr(part, "log_det_jacobian"):
                each = part.log_det_jacobian(part.to_real(columns))
                expected += each.reshape(N, -1).sum(axis=1)
    np.testing.assert_allclose(space.log_det_jacobian(vectors), expected, atol=1e-10)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_volume_is_on_the_tape(name):
    latents, space = space_of(name)
    vectors, codes = space.flatten(latents)[:2], space.codes(latents)[:2]
    line = np.random.default_rng(3).standard_normal(vectors.shape)

    def values(t):
        u = vectors + t[0] * line
        moved = space.unflatten(u, codes)
        parts = [anp.ravel(value) for _, value in leaves(as_tree(moved))]
        return anp.concatenate([space.log_det_jacobian(u), *parts])

    assert_tape_agrees_with_differences(values, np.zeros(1))


@pytest.mark.parametrize("name", CONTINUOUS)
def test_coordinates_about_the_rows_are_of_the_same_latents(name):
    latents, space = space_of(name)
    near = space.around(latents)
    assert near.size == space.size
    assert_same(
        as_tree(near.unflatten(near.flatten(latents), near.codes(latents))),
        as_tree(latents),
        rtol=1e-9,
    )
    spherical = "sphere" in name or name == "dictionary"
    same = np.allclose(near.flatten(latents), space.flatten(latents), atol=1e-6)
    assert same != spherical


def test_missing_latents_are_named():
    latents, space = space_of("dictionary")
    lacking = {name: value for name, value in latents.items() if name != "rate"}
    with pytest.raises(ValueError, match="latents lack rate; give a value"):
        space.flatten(lacking)


def test_leaving_the_space_is_named():
    latents, space = space_of("dictionary")
    outside = {**latents, "path": {**latents["path"], "level": -latents["path"]["level"]}}
    assert space.outside(outside) == "path.level"
    assert space.outside({**latents, "rate": latents["rate"] + 1}) == "rate"


@pytest.mark.parametrize("support", [Unknown(), Integer()])
def test_latents_without_coordinates_say_so(support):
    latents = {"level": np.array([[0.0], [1.0], [7.0]])}
    space = Space(latents, {"level": support}, batched=True)
    assert not space.has_coordinates and not space.is_finite and space.size == 0
    for attempt in (
        lambda: space.flatten(latents),
        lambda: space.unflatten(np.zeros((3, 0))),
    ):
        with pytest.raises(ValueError, match="Latents level .* have no real coordinates"):
            attempt()


@pytest.mark.parametrize(
    ("latents", "supports", "error", "message"),
    [
        (
            -np.ones((3, 1)),
            Positive(),
            ValueError,
            "Latents must be above 0; got .* sample",
        ),
        (
            {"level": np.zeros((3, 1))},
            {"level": Positive()},
            ValueError,
            "Latents level must be above 0; got values from 0 to 0. Let sample",
        ),
        (
            {"level": np.zeros((3, 1))},
            {"label": OneHot()},
            ValueError,
            r"latent_support names label, which is not one .*these are \['level'\]",
        ),
        (
            {"level": np.zeros((3, 1))},
            Positive(),
            ValueError,
            r"latent_support must be a dict along the paths .*\['level'\]; got Positive",
        ),
        (
            {"level": np.zeros((3, 1)), "label": np.zeros((4, 1))},
            None,
            ValueError,
            "Latents must have one first axis, a row a sample; got shapes .*level",
        ),
        ({"level": 3.0}, None, ValueError, "Latents must have one first axis"),
        (np.array([["a"]]), None, TypeError, "Latents must be a number .*codes"),
        (np.zeros((3, 1)), "real", TypeError, "must be a Support.*got 'real'"),
        (np.zeros((3, 1)), Fixed(), TypeError, r"Latents cannot be Fixed\(\)"),
    ],
)
def test_latents_that_are_none_are_refused_in_words(latents, supports, error, message):
    with pytest.raises(error, match=message):
        Space(latents, supports, batched=True)


# Reading.


def test_supports_are_read_off_but_for_those_declared():
    rng = np.random.default_rng(0)
    latents = {
        "class": labels(5000),
        "path": {"level": rng.exponential(size=(5000, 4, 2))},
        "rate": rng.random(5000),
        "shift": 100.0 + rng.standard_normal((5000, 1)),
    }
    space = read_space(latents, {"shift": Real()})
    assert space.batched
    assert dict(leaves(space.latent_support)) == {
        ("class",): OneHot(),
        ("path", "level"): Positive(),
        ("rate",): Interval(),
        ("shift",): Real(),
    }
    assert read_space(latents["class"]).latent_support == OneHot()
    assert read_space(latents["class"], Binary()).latent_support == Binary()


def test_what_is_not_declared_correctly_is_refused():
    latents = np.random.default_rng(0).standard_normal((500, 1))
    with pytest.raises(ValueError, match="Latents must be above 0; got values from -"):
        read_space(latents, Positive())


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_latents_that_are_not_finite_are_refused_by_name(bad):
    latents = {"level": np.array([[1.0], [bad]])}
    for declared in (None, {"level": Real()}):
        with pytest.raises(ValueError, match="Latents level must be finite numbers; got"):
            read_space(latents, declared)


# Trees.


@EVERY
@pytest.mark.parametrize("cuts", [(), (2,), (1, 4)])
def test_blocks_of_rows_make_up_the_whole(name, cuts):
    latents = LATENTS[name][0]
    blocks = [rows_of(latents, rows) for rows in np.split(np.arange(N), cuts)]
    whole = stack(blocks)
    assert type(whole) is type(latents)
    assert_same(as_tree(whole), as_tree(latents), rtol=0)


def test_columns_come_in_the_order_of_the_dictionary():
    table = columns_of(TREE)
    assert table.shape == (N, 3 + 8 + 1 + 2 + 1)
    np.testing.assert_array_equal(table[:, :3], TREE["class"])
    np.testing.assert_array_equal(table[:, 3:11], TREE["path"]["level"].reshape(N, 8))
    np.testing.assert_array_equal(table[:, -1], TREE["rate"])
    assert columns_of(MIXED) is MIXED
    assert columns_of(TREE["rate"]).shape == (N, 1)


def test_leaves_make_up_the_tree_again():
    assert_same(from_leaves(leaves(TREE)), TREE, rtol=0)
    assert look_up(TREE, ("path", "level")) is TREE["path"]["level"]
    assert look_up(TREE, ("path", "no"), "default") == "default"
    assert look_up(TREE, ("class", "no")) is None


def test_functions_of_leaves_keep_the_tree():
    doubled = map_leaves(np.add, TREE, TREE)
    assert_same(doubled, map_leaves(lambda value: 2 * value, TREE))
    assert map_leaves(np.shape, MIXED) == MIXED.shape
