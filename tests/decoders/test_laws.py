"""Laws of decoders; those of the linear ones stand in their own files too."""

import pickle
import tracemalloc

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import make_vjp
from autograd.misc import flatten
from scipy.stats import multivariate_normal, norm

from skaws import AmortisedLearner
from skaws.checks import check_model
from skaws.decoders import MLP, Chain, Curve, Elementwise, Linear
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.models import LatentVariableModel
from skaws.priors import Gamma, Gaussian
from skaws.spaces import Space, leaves
from skaws.supports import Real

from ..common import altered, assert_tape_agrees_with_differences, with_holes

N, D, K = 400, 5, 2
REGISTRY = {
    "Linear": Linear(),
    "MLP": MLP((10,)),
    "MLP, deep": MLP((10, 5)),
    "MLP, relu": MLP((20,), "relu"),
    "MLP, softplus": MLP((10,), "softplus"),
    "Curve": Curve(np.linspace(-1.0, 3.0, D), (10,)),
    "Curve, deep": Curve(np.arange(2.0 * D).reshape(D, 2), (10, 5), "softplus"),
    "Chain, exp": Chain([Linear(), Elementwise("exp")]),
    "Chain, sigmoid": Chain([MLP((10,)), Elementwise("sigmoid")]),
    "Chain, softplus": Chain([Linear(), Elementwise("softplus")]),
    "Chain, curved first": Chain([Elementwise("softplus"), Linear()]),
    "Chain, nested": Chain([Chain([Elementwise(), MLP((5,))]), Elementwise("exp")]),
}


@pytest.fixture
def X():
    """Rows about a curved surface, with entries between 0 and 1."""
    rng = np.random.default_rng(0)
    z = rng.standard_normal((N, K))
    surface = np.tanh(z @ rng.standard_normal((K, D))) + np.cos(z[:, :1])
    rows = np.exp(0.5 * surface + 0.1 * rng.standard_normal((N, D)))
    return rows / (1.1 * rows.max())


@pytest.fixture
def z():
    return np.random.default_rng(1).standard_normal((8, K))


def started(decoder, X, n_latents=K):
    return decoder.init_params(X, n_latents, np.random.default_rng(2))


def locations_lie_in_the_support_declared(decoder, X, z):
    values = decoder.location(started(decoder, X), z)
    assert values.shape == (len(z), D) and values.dtype == float
    assert decoder.location_support(Real()).contains(values)


def tape_agrees_with_differences(decoder, X, z):
    start, unflatten = flatten((z, started(decoder, X)))

    def values(vector):
        latents, params = unflatten(vector)
        return decoder.location(params, latents)

    assert_tape_agrees_with_differences(values, start)


def linear_map_is_that_of_the_location(decoder, X, z):
    params = started(decoder, X)
    values = decoder.location(params, z)
    if hasattr(decoder, "linear_map"):
        mean, components = decoder.linear_map(params)
        np.testing.assert_allclose(values, mean + z @ components, rtol=1e-10)
    else:
        # A linear map would leave rounding, 1e-15; starts may be near linear.
        middle = decoder.location(params, 0.5 * (z + z[::-1]))
        assert np.max(np.abs(middle - 0.5 * (values + values[::-1]))) > 1e-6


def starts_from_rows_with_holes_and_constant_columns(decoder, X, z):
    X = with_holes(X, 0.3, np.random.default_rng(0))
    X[:, 0] = 1.0
    for n_latents in (1, D + 2):
        params = started(decoder, X, n_latents)
        space = Space(params, decoder.constraints)  # raises if not finite
        assert space.size > 0


def starts_about_the_mean_row(decoder, X, z):
    params = started(decoder, X)
    latents = np.random.default_rng(4).standard_normal((1000, K))
    mean = decoder.location(params, latents).mean(axis=0)
    assert np.all(np.abs(mean - X.mean(axis=0)) < 1.5 * X.std(axis=0))


def a_pickled_copy_gives_the_same_locations(decoder, X, z):
    params, copy = started(decoder, X), pickle.loads(pickle.dumps(decoder))
    np.testing.assert_array_equal(decoder.location(params, z), copy.location(params, z))


def steps_of_the_last_layer_are_in_units_of_the_noise(decoder, X, z):
    # Ten times the noise, ten times the step; before a function of entries, no matter.
    params = started(decoder, X)
    step = flatten(params)[1](np.ones(flatten(params)[0].size))
    units = np.arange(1.0, D + 1)
    small, large = (flatten(decoder.in_units(step, s * units))[0] for s in (1.0, 10.0))
    moves = large != small
    ends_curved = decoder.location_support(Real()) != Real()
    assert np.any(moves) != ends_curved
    np.testing.assert_allclose(large[moves], 10 * small[moves])
    assert set(np.round(small[moves], 12)) <= {0.0, *units}


def obeys_the_laws_of_models(decoder, X, z):
    check_model(LatentVariableModel(Gaussian(K), decoder, GaussianNoise()), X)


LAWS = [
    locations_lie_in_the_support_declared,
    tape_agrees_with_differences,
    linear_map_is_that_of_the_location,
    starts_from_rows_with_holes_and_constant_columns,
    starts_about_the_mean_row,
    a_pickled_copy_gives_the_same_locations,
    steps_of_the_last_layer_are_in_units_of_the_noise,
    obeys_the_laws_of_models,
]


@pytest.mark.parametrize("name", REGISTRY)
@pytest.mark.parametrize("law", LAWS)
def test_law(law, name, X, z):
    law(REGISTRY[name], X, z)


def curved(decoder):
    """The decoder with locations that its other promises do not know of."""

    def location(params, latents):
        values = decoder.location(params, latents)
        fixed = values.copy() if isinstance(values, np.ndarray) else values._value
        return values - 3 + 0.01 * fixed**2

    return altered(decoder, location=location)


@pytest.mark.parametrize(
    ("law", "name"),
    [
        (locations_lie_in_the_support_declared, "Chain, sigmoid"),
        (tape_agrees_with_differences, "Linear"),
        (linear_map_is_that_of_the_location, "Linear"),
        (starts_about_the_mean_row, "Linear"),
    ],
)
def test_wrong_decoder_breaks_the_law(law, name, X, z):
    with pytest.raises(AssertionError):
        law(curved(REGISTRY[name]), X, z)


@pytest.mark.parametrize("activation", ["tanh", "relu", "softplus"])
def test_derivatives_written_out_are_those_of_the_plain_network(activation, X, z):
    plain = {
        "tanh": anp.tanh,
        "relu": lambda u: anp.maximum(u, 0.0),
        "softplus": lambda u: anp.logaddexp(0.0, u),
    }[activation]
    decoder = MLP((10, 7), activation)
    start, unflatten = flatten((z, started(decoder, X)))

    def network(params, values):
        *hidden, last = params.values()
        for layer in hidden:
            values = plain(anp.dot(values, layer["weight"]) + layer["bias"])
        return anp.dot(values, last["weight"]) + last["bias"]

    def pulled_back(function):
        def of_vector(vector):
            latents, params = unflatten(vector)
            return function(params, latents)

        return make_vjp(of_vector)(start)[0](np.arange(8.0 * D).reshape(8, D))

    expected = pulled_back(network)
    np.testing.assert_allclose(pulled_back(decoder.location), expected, rtol=1e-11)


def test_single_precision_is_the_same_network_to_six_digits(X, z):
    single, double = MLP((10,), dtype="float32"), MLP((10,))
    start, unflatten = flatten((z, started(double, X)))

    def both(decoder):
        def of_vector(vector):
            latents, params = unflatten(vector)
            return decoder.location(params, latents)

        pull_back, values = make_vjp(of_vector)(start)
        return np.append(pull_back(np.ones(values.shape)), values)

    assert single.location(*unflatten(start)[::-1]).dtype == float
    found, expected = both(single), both(double)
    assert found.dtype == float and np.any(found != expected)
    np.testing.assert_allclose(found, expected, atol=1e-6 * np.max(np.abs(expected)))


def test_network_starts_nearer_to_curved_rows_than_a_straight_line():
    # Of an arc the first principal score is the sine; its sign is anyone's.
    angle = np.linspace(-1.5, 1.5, 200)
    X = np.stack([np.sin(angle), np.sin(angle), np.cos(angle)], axis=1)
    score = X[:, :1] / X[:, :1].std()

    def error(decoder):
        params = started(decoder, X, 1)
        rows = [decoder.location(params, sign * score) for sign in (-1, 1)]
        return min(np.mean((X - values) ** 2) for values in rows)

    assert error(MLP((50,))) < 0.3 * error(Linear())


def test_network_starts_in_the_units_of_the_columns(X, z):
    units = 2.0 ** np.arange(-2, 3)  # without rounding
    decoder = MLP((10,))
    once, scaled = (decoder.location(started(decoder, x), z) for x in (X, X * units))
    np.testing.assert_allclose(scaled, once * units, rtol=1e-6)


@pytest.mark.parametrize("function", ["exp", "softplus", "sigmoid"])
def test_preimage_decodes_to_the_rows(function):
    X = np.random.default_rng(0).uniform(0.2, 0.8, (20, 3))
    decoder = Elementwise(function)
    np.testing.assert_allclose(decoder.location({}, decoder.preimage(X)), X, rtol=1e-12)


@pytest.mark.parametrize("function", ["exp", "softplus", "sigmoid"])
def test_preimage_of_rows_on_a_bound_is_finite_and_keeps_holes(function):
    X = np.array([[0.0, 1.0, 0.0], [np.nan, 1.0, 0.0], [1.0, 0.0, 0.0]])
    found = Elementwise(function).preimage(X)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(X))
    assert np.all(np.isfinite(found) | np.isnan(X))


def test_chain_is_its_decoders_one_after_another(X, z):
    decoders = [Linear(), MLP((5,)), Elementwise("exp")]
    params = started(Chain(decoders), X)
    assert list(params) == ["0", "1"]
    expected = z
    for decoder, own in zip(decoders, (params["0"], params["1"], {}), strict=True):
        expected = decoder.location(own, expected)
    np.testing.assert_array_equal(Chain(decoders).location(params, z), expected)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MLP(activation="sine"), "activation must be one of .* got 'sine'"),
        (lambda: Elementwise("log"), "function must be one of .* got 'log'"),
        (lambda: Linear(start="svd"), "start must be one of .* got 'svd'"),
    ],
)
def test_unknown_functions_are_refused_by_name(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_prior_on_weights_tames_a_network_that_few_rows_cannot_bear():
    # Over five seeds the gain was 1.9 to 6.0 nats a row.
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((2, 8))
    X, X_new = (
        np.tanh(rng.standard_normal((n, 2)) @ mixing) + 0.3 * rng.standard_normal((n, 8))
        for n in (30, 500)
    )
    scores = {}
    for weight_sd in (None, 0.3):
        model = LatentVariableModel(
            Gaussian(2), MLP((30,), weight_sd=weight_sd), GaussianNoise()
        )
        learner = AmortisedLearner(model, max_iter=400, random_state=0).fit(X)
        scores[weight_sd] = learner.score(X_new)
    assert scores[0.3] > scores[None] + 1.0


def test_prior_on_weights_is_a_density():
    params = {"0": {"weight": np.array([[1.0, -2.0]]), "bias": np.zeros(2)}}
    decoder = MLP((), weight_sd=0.5)
    assert decoder.log_prior(params) == pytest.approx(
        sum(norm(0, 0.5).logpdf([1.0, -2.0]) - norm(0, 0.5).logpdf(0.0))
    )
    assert not hasattr(MLP(), "log_prior")
    with pytest.raises(ValueError, match="weight_sd must be above 0"):
        MLP(weight_sd=0.0)


def test_a_curve_learnt_on_one_grid_predicts_on_another():
    rng = np.random.default_rng(0)
    coarse, fine = np.linspace(0, 1, 6), np.linspace(0, 1, 11)
    params = Curve(coarse, (8,)).init_params(rng.standard_normal((40, 6)), 2, rng)
    z = rng.standard_normal((3, 2))
    np.testing.assert_allclose(
        Curve(fine, (8,)).location(params, z)[:, ::2],
        Curve(coarse, (8,)).location(params, z),
    )


def test_a_curve_takes_latents_that_are_not_real():
    # Linear estimates would leave their support: a network draws them.
    times = np.linspace(0, 1, 6)
    model = LatentVariableModel(Gamma(2), Curve(times, (8,)), GaussianNoise())
    X = np.random.default_rng(0).standard_normal((60, 6)) + times
    learner = AmortisedLearner(model, max_iter=20, random_state=0)
    assert np.all(learner.fit_transform(X) > 0)


@pytest.mark.parametrize("n_inputs", [1, 2])
def test_inputs_of_each_row_give_what_a_common_grid_gives(n_inputs):
    rng = np.random.default_rng(0)
    grid, z = rng.standard_normal((5, n_inputs)), rng.standard_normal((7, 2))
    params = Curve(grid, (8, 6)).init_params(rng.standard_normal((40, 5)), 2, rng)
    given = np.tile(grid.ravel(), (7, 1))
    own = Curve(None, (8, 6)).location(params, np.hstack([z, given]))
    np.testing.assert_allclose(own, Curve(grid, (8, 6)).location(params, z))


def test_functions_are_learnt_from_inputs_of_each_row():
    # A line of its own in each row, at three places of its own.
    rng = np.random.default_rng(0)
    inputs, lines = rng.uniform(-1, 1, (500, 3)), rng.standard_normal((500, 2))
    X = lines[:, :1] + lines[:, 1:] * inputs + 0.1 * rng.standard_normal(inputs.shape)
    covariance = 1 + inputs[:, :, None] * inputs[:, None] + 0.01 * np.eye(3)
    exact = [
        multivariate_normal(np.zeros(3), own).logpdf(row)
        for own, row in zip(covariance, X, strict=True)
    ]
    with_some_holes = X.copy()
    with_some_holes[::5, 2] = np.nan
    model = LatentVariableModel(Gaussian(2), Curve(None, (10,)), GaussianNoise())
    learner = AmortisedLearner(model, random_state=0).fit(with_some_holes, given=inputs)
    found = np.mean(learner.score_samples(X, given=inputs))
    # 0.12 nats a row below the truth; columns on their own are 2 below.
    alone = norm(X.mean(axis=0), X.std(axis=0)).logpdf(X).sum(axis=1)
    assert found > np.mean(exact) - 0.25 > np.mean(alone) + 0.5
    # Two places of a line say where it is at a third; those of other rows do not.
    seen = np.tile([True, True, False], (500, 1))
    rest = learner.conditional_score_samples(X, seen, given=inputs)
    wrong = learner.conditional_score_samples(X, seen, given=rng.permutation(inputs))
    assert np.median(rest) > np.median(wrong) + 0.5


def test_inputs_that_are_missing_are_told():
    X, rng = np.zeros((10, 4)), np.random.default_rng(0)
    for given in (None, np.zeros((10, 3)), np.zeros((10, 6))):
        with pytest.raises(
            ValueError, match=r"needs the inputs of each row.*\(n_samples, 4"
        ):
            Curve(None).init_params(X, 2, rng, given=given)
    model = LatentVariableModel(Gaussian(1), Curve(None), GaussianNoise())
    with pytest.raises(ValueError, match="needs the inputs of each row"):
        AmortisedLearner(model).fit(X)


def test_given_columns_beside_a_grid_are_known_latents():
    rng = np.random.default_rng(0)
    model = LatentVariableModel(Gaussian(1), Curve(np.arange(4.0), (5,)), GaussianNoise())
    params = model.init_params(rng.standard_normal((30, 4)), rng, given=np.zeros((30, 2)))
    assert params["decoder"]["1"]["weight"].shape == (5, 1 + 3)


def test_many_inputs_of_each_row_start_in_little_memory():
    # A distance of each entry to all others would take 1.5 GB.
    rng = np.random.default_rng(0)
    X, given = rng.standard_normal((300, 800)), rng.uniform(size=(300, 800))
    X[0] = np.nan
    tracemalloc.start()
    params = Curve(None, (5,)).init_params(X, 2, rng, given=given)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200e6
    assert all(np.isfinite(leaf).all() for _, leaf in leaves(params))


def test_a_curve_bends_with_its_latents():
    # Phases of a wave: no linear map of one latent draws them.  Noise is 0.1.
    rng = np.random.default_rng(0)
    times = np.linspace(0, 1, 12)
    phase = rng.uniform(-1.5, 1.5, 600)
    X = np.sin(2 * np.pi * times + phase[:, None]) + 0.1 * rng.standard_normal((600, 12))
    model = LatentVariableModel(Gaussian(1), Curve(times, (20, 20)), GaussianNoise())
    learner = AmortisedLearner(model, max_iter=1500, random_state=0).fit(X[:500])
    error = learner.inverse_transform(learner.transform(X[500:])) - X[500:]
    _, lengths, _ = np.linalg.svd(X - X.mean(axis=0))
    linear = np.sqrt(np.sum(lengths[1:] ** 2) / X.size)
    assert np.sqrt(np.mean(error**2)) < 0.6 * linear


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"inputs": np.zeros(3)}, "3 inputs, but X has 5"),
        ({"inputs": np.full(5, np.nan)}, "inputs must be finite"),
        ({"inputs": np.zeros(5), "hidden": ()}, "one width at least"),
        ({"inputs": np.zeros(5), "activation": "identity"}, "activation must be one of"),
        ({"inputs": np.zeros(5), "weight_sd": -1.0}, "weight_sd must be above 0"),
    ],
)
def test_curves_say_what_they_cannot_use(wrong, match):
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=match):
        Curve(**wrong).init_params(np.zeros((10, 5)), 1, rng)
