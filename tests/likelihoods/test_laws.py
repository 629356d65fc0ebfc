"""Laws of likelihoods beyond the Gaussian's own in test_gaussian.py."""

import pickle

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad, make_vjp
from autograd.misc import flatten
from autograd.scipy.special import gammaln
from scipy import stats

from skaws.checks import ModelCheckError, check_model
from skaws.decoders import Chain, Elementwise, Linear
from skaws.likelihoods import Gamma, Gaussian, StudentT
from skaws.models import LatentVariableModel
from skaws.priors import Gaussian as GaussianLatents
from skaws.spaces import Space, shift
from skaws.supports import Real

from ..common import altered, assert_means, assert_tape_agrees_with_differences, with_holes
from .registry import assert_slopes, derivative

N_SAMPLES, N_GROUPS = 20_000, 200


def student_t(scale, dof, per_feature=False):
    params = {"scale": np.array(scale), "dof": np.array(dof)}
    location = np.array([-1.0, 0.0, 3.0])
    return StudentT(per_feature), params, location, stats.t(dof, location, scale)


def gamma(shape, link="identity", per_feature=False):
    params, location = {"shape": np.array(shape)}, np.array([0.5, 1.0, 2.0])
    mean = np.exp(location) if link == "log" else location
    reference = stats.gamma(shape, scale=mean / shape)
    return Gamma(per_feature, link), params, location, reference


# Likelihood, params, one row of locations, SciPy's distribution of the entries.
REGISTRY = {
    "Gaussian": (
        Gaussian(),
        {"noise_variance": np.array(4.0)},
        np.array([-1.0, 0.0, 3.0]),
        stats.norm([-1.0, 0.0, 3.0], 2.0),
    ),
    "StudentT": student_t(0.5, 5.0),
    "StudentT, per feature": student_t([0.1, 1.0, 5.0], 5.0, per_feature=True),
    "StudentT, heavy tails": student_t(1.0, 2.5),
    "Gamma": gamma(3.0),
    "Gamma, per feature": gamma([0.5, 1.0, 50.0], per_feature=True),
    "Gamma, log": gamma(3.0, "log"),
    "Gamma, log per feature": gamma([0.5, 1.0, 50.0], "log", per_feature=True),
}


def drawn(likelihood, params, location, n_samples=N_SAMPLES):
    rows = location * np.ones((n_samples, 1))
    return likelihood.sample(params, rows, np.random.default_rng(0))


def log_density_is_that_of_scipy(likelihood, params, location, reference):
    x = drawn(likelihood, params, location, 50)
    found = likelihood.log_density(params, location * np.ones(x.shape), x)
    np.testing.assert_allclose(found, reference.logpdf(x), rtol=1e-9, atol=1e-9)


def density_has_mass_one(likelihood, params, location, reference):
    # On x = sinh(u), or exp(u) for positive entries, all tails end.
    u = (np.arange(-8000, 8000) + 0.5)[:, None] * 5e-3
    positive = isinstance(likelihood, Gamma)
    x, width = (np.exp(u),) * 2 if positive else (np.sinh(u), np.cosh(u))
    x = x * np.ones(location.shape)
    density = np.exp(likelihood.log_density(params, location * np.ones(x.shape), x))
    np.testing.assert_allclose(np.sum(5e-3 * width * density, axis=0), 1.0, atol=1e-6)


def samples_have_the_ranks_of_scipy(likelihood, params, location, reference):
    # Ranks are bounded, so this holds however heavy the tails.
    rank = reference.cdf(drawn(likelihood, params, location))
    assert_means(rank, 1 / 2)
    assert_means((rank - 1 / 2) ** 2, 1 / 12)
    assert_means((rank - 1 / 2) * (np.roll(rank, 1, axis=1) - 1 / 2), 0.0)


def noise_variance_is_the_variance(likelihood, params, location, reference):
    rows = location * np.ones((4, 1))
    found = likelihood.noise_variance(params, rows)
    assert found.shape == rows.shape
    np.testing.assert_allclose(found[0], reference.var())
    np.testing.assert_allclose(location, reference.mean())


def mean_is_that_of_scipy(likelihood, params, location, reference):
    rows = location * np.ones((4, 1))
    found = likelihood.mean(params, rows)
    assert found.shape == rows.shape
    np.testing.assert_allclose(found[0], reference.mean())


def scores_have_mean_zero(likelihood, params, location, reference):
    space = Space(params, likelihood.constraints)

    def total(vector, location, x):
        rows = location * np.ones((len(x), 1))
        return likelihood.log_density(space.unflatten(vector), rows, x).sum()

    start = space.flatten(params)
    groups = np.split(drawn(likelihood, params, location), N_GROUPS)
    assert_means(np.array([grad(total, 0)(start, location, x) for x in groups]), 0.0)
    assert_means(np.array([grad(total, 1)(start, location, x) for x in groups]), 0.0)


def tape_agrees_with_differences(likelihood, params, location, reference):
    x = drawn(likelihood, params, location, 8)
    start, unflatten = flatten((location * np.ones(x.shape), params))

    def values(vector):
        rows, params = unflatten(vector)
        return likelihood.log_density(params, rows, x)

    assert_tape_agrees_with_differences(values, start)


def exponential_family_form_is_the_log_density(likelihood, params, location, reference):
    x = drawn(likelihood, params, location, 50)
    rows = location * np.ones(x.shape)
    natural = likelihood.natural_parameters(params, rows)
    statistics = likelihood.sufficient_statistics(x)
    assert all(eta.shape == x.shape for eta in natural)
    product = sum(eta * s for eta, s in zip(natural, statistics, strict=True))
    found = product - likelihood.log_normalizer(params, rows)
    found = found + likelihood.log_base_measure(x)
    expected = likelihood.log_density(params, rows, x)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)


def params_start_near_those_of_the_rows(likelihood, params, location, reference):
    # Moments of the rows tell all, here; to within a quarter.
    x = with_holes(
        reference.rvs((N_SAMPLES, 3), random_state=0), 0.3, np.random.default_rng(0)
    )
    likelihood = altered(likelihood)
    if isinstance(likelihood, StudentT):
        likelihood.dof = float(params["dof"])
    start = likelihood.init_params(x, location * np.ones(x.shape), np.random.default_rng(0))
    space = Space(start, likelihood.constraints)
    known = Space(params, likelihood.constraints)
    assert np.all(np.abs(space.flatten(start) - known.flatten(params)) < np.log(1.25))
    for name, value in known.unflatten(known.flatten(params)).items():
        np.testing.assert_allclose(value, params[name], rtol=1e-12)


def same_seed_gives_the_same_sample_also_of_a_pickled_copy(
    likelihood, params, location, reference
):
    copy = pickle.loads(pickle.dumps(likelihood))
    first = drawn(likelihood, params, location, 5)
    np.testing.assert_array_equal(first, drawn(copy, params, location, 5))
    rows = location * np.ones(first.shape)
    assert np.all(first != likelihood.sample(params, rows, np.random.default_rng(1)))


def slopes_are_parts_of_the_derivative(likelihood, params, location, reference):
    x = drawn(likelihood, params, location, 50)
    assert_slopes(likelihood, params, np.abs(location) * np.ones(x.shape), x)


def precision_is_slope_over_distance(likelihood, params, location, reference):
    x = drawn(likelihood, params, location, 50)
    rows, scale = location * np.ones(x.shape), likelihood.scale(params)
    precision = likelihood.relative_precision(params, ((x - rows) / scale) ** 2)
    slope = derivative(likelihood, params, rows, x)
    np.testing.assert_allclose(precision * (x - rows) / scale**2, slope, rtol=1e-9)


def information_has_the_mean_of_the_squared_slope(likelihood, params, location, reference):
    x, scale = drawn(likelihood, params, location), likelihood.scale(params)
    rows = location * np.ones(x.shape)
    information = likelihood.information(params, rows, x)
    assert np.all(information >= 0)
    slope = derivative(likelihood, params, rows, x)
    assert_means((information - slope**2) * scale**2, 0.0)


LAWS = [
    log_density_is_that_of_scipy,
    density_has_mass_one,
    samples_have_the_ranks_of_scipy,
    noise_variance_is_the_variance,
    mean_is_that_of_scipy,
    scores_have_mean_zero,
    tape_agrees_with_differences,
    exponential_family_form_is_the_log_density,
    params_start_near_those_of_the_rows,
    same_seed_gives_the_same_sample_also_of_a_pickled_copy,
    slopes_are_parts_of_the_derivative,
    precision_is_slope_over_distance,
    information_has_the_mean_of_the_squared_slope,
]
# Methods that laws are about, which not every likelihood has.
ABOUT = {
    noise_variance_is_the_variance: "noise_variance",
    exponential_family_form_is_the_log_density: "natural_parameters",
    slopes_are_parts_of_the_derivative: "slopes",
    precision_is_slope_over_distance: "relative_precision",
    information_has_the_mean_of_the_squared_slope: "relative_precision",
}


def applies(law, name):
    """Whether a law says something about an entry of the registry."""
    if law in ABOUT:
        return hasattr(REGISTRY[name][0], ABOUT[law])
    # Variances of heavy tails are no guide to scales.
    return law is not params_start_near_those_of_the_rows or "heavy" not in name


@pytest.mark.parametrize(
    ("law", "name"),
    [(law, name) for law in LAWS for name in REGISTRY if applies(law, name)],
)
def test_law(law, name):
    law(*REGISTRY[name])


def composed(likelihood):
    """A model with the likelihood, and a decoder that gives the locations it needs."""
    real = likelihood.location_support == Real()
    decoder = Linear() if real else Chain([Linear(), Elementwise()])
    return LatentVariableModel(GaussianLatents(2), decoder, likelihood)


@pytest.fixture
def X():
    rng = np.random.default_rng(0)
    logs = rng.standard_normal((200, 1)) + 0.3 * rng.standard_normal((200, 4))
    return np.exp(logs) * [0.01, 1.0, 10.0, 1000.0]


@pytest.mark.parametrize("share", [0.0, 0.2], ids=["complete", "with holes"])
@pytest.mark.parametrize("name", REGISTRY)
def test_composed_it_obeys_the_laws_of_models(name, share, X):
    # Locations of softplus are linear, of a log link logarithms: no units to choose.
    units = 1.0 if REGISTRY[name][0].location_support == Real() else X.mean(axis=0)
    check_model(
        composed(REGISTRY[name][0]), with_holes(X / units, share, np.random.default_rng(1))
    )


def inflated(likelihood):
    """The likelihood with samples a tenth farther off."""

    def sample(params, location, rng):
        x = likelihood.sample(params, location, rng)
        return 1.1 * x if isinstance(likelihood, Gamma) else location + 1.1 * (x - location)

    return altered(likelihood, sample=sample)


def denser(likelihood):
    return altered(likelihood, log_density=lambda *a: 1e-3 + likelihood.log_density(*a))


@pytest.mark.parametrize("name", REGISTRY)
def test_inflated_samples_and_densities_are_found_out(name):
    likelihood, *rest = REGISTRY[name]
    for law, wrong in (
        (samples_have_the_ranks_of_scipy, inflated),
        (scores_have_mean_zero, inflated),
        (density_has_mass_one, denser),
        (log_density_is_that_of_scipy, denser),
    ):
        with pytest.raises(AssertionError):
            law(wrong(likelihood), *rest)


def test_precisions_for_information_are_found_out():
    noise, params, *rest = REGISTRY["StudentT"]

    def complete(params, location, X):
        distance = ((X - location) / params["scale"]) ** 2
        return noise.relative_precision(params, distance) / params["scale"] ** 2

    with pytest.raises(AssertionError):
        information_has_the_mean_of_the_squared_slope(
            altered(noise, information=complete), params, *rest
        )


@pytest.mark.parametrize("name", ["StudentT", "Gamma, log"])
def test_a_model_with_inflated_samples_fails_its_check(name, X):
    with pytest.raises(ModelCheckError, match="likelihood"):
        check_model(composed(inflated(REGISTRY[name][0])), X / X.mean(axis=0))


@pytest.mark.parametrize("name", ["StudentT", "StudentT, per feature"])
def test_derivatives_of_student_t_are_those_of_the_plain_formula(name):
    likelihood, params, location, _ = REGISTRY[name]
    x = drawn(likelihood, params, location, 50)
    start, unflatten = flatten((location * np.ones(x.shape), params))

    def plain(params, rows, x):
        scale, dof = params["scale"], params["dof"]
        constant = gammaln(0.5 * (dof + 1)) - gammaln(0.5 * dof)
        constant = constant - 0.5 * anp.log(dof * np.pi) - anp.log(scale)
        distance = ((x - rows) / scale) ** 2
        return constant - 0.5 * (dof + 1) * anp.log1p(distance / dof)

    def pulled_back(log_density):
        def of_vector(vector):
            rows, params = unflatten(vector)
            return log_density(params, rows, x)

        return make_vjp(of_vector)(start)[0](np.arange(150.0).reshape(50, 3))

    expected = pulled_back(plain)
    np.testing.assert_allclose(pulled_back(likelihood.log_density), expected, rtol=1e-10)


@pytest.mark.parametrize("dof", [1e6, 1e10, 1e14])
def test_student_t_with_many_degrees_of_freedom_is_gaussian(dof):
    x = np.linspace(-3, 3, 7)
    found = StudentT().log_density({"scale": 2.0, "dof": dof}, np.ones(7), x)
    expected = Gaussian().log_density({"noise_variance": 4.0}, np.ones(7), x)
    np.testing.assert_allclose(found, expected, atol=30 / dof + 1e-12)


@pytest.mark.parametrize("link", ["identity", "log"])
def test_gamma_of_shape_one_is_exponential(link):
    _, params, location, _ = REGISTRY["Gamma"]
    mean = np.exp(location) if link == "log" else location
    x = np.array([0.1, 1.0, 10.0])
    found = Gamma(link=link).log_density({"shape": 1.0}, location, x)
    np.testing.assert_allclose(found, stats.expon(scale=mean).logpdf(x), rtol=1e-12)


def test_an_outlier_pulls_less_than_a_near_entry():
    def pull(distance):
        def log_density(location):
            params = {"scale": 1.0, "dof": 4.0}
            return StudentT().log_density(params, location, np.array([distance]))[0]

        return grad(log_density)(np.zeros(1))[0]

    assert 0 < pull(100.0) < 0.1 * pull(2.0)


@pytest.mark.parametrize("per_feature", [False, True])
def test_scales_stay_above_their_floor(per_feature, X):
    noise = StudentT(per_feature, floor=np.array([1.0, 2.0, 1e4, 1.0]))
    start = noise.init_params(X, np.zeros(X.shape), np.random.default_rng(0))
    space = Space(start, noise.constraints)
    lowest = space.unflatten(space.flatten(start) - 10.0)["scale"]
    assert np.all(lowest > (noise.floor if per_feature else 1e4))


def test_steps_are_in_scales_and_of_positive_entries_in_relative_ones():
    noise, params, location, reference = REGISTRY["Gamma, per feature"]
    np.testing.assert_allclose(noise.scale(params), reference.std() / reference.mean())
    noise, params, *_ = REGISTRY["StudentT, per feature"]
    assert noise.scale(params) is params["scale"]


def test_degrees_of_freedom_stay_where_they_are_not_learned():
    start = {"scale": 1.0, "dof": 4.0}
    for learned, dof in ((False, 4.0), (True, 2 + 2 * np.e)):
        constraints = StudentT(learned_dof=learned).constraints
        space = Space(start, constraints)
        moved = shift(start, space.split(np.ones(space.size)), constraints)
        assert moved["scale"] == pytest.approx(np.e)
        assert moved["dof"] == pytest.approx(dof)


@pytest.mark.parametrize("link", ["identity", "log"])
def test_zeros_in_X_are_refused_by_name(link, X):
    X[3, 1] = 0.0
    with pytest.raises(ValueError, match="Gamma needs positive entries; X has 0"):
        composed(Gamma(link=link)).init_params(X, np.random.default_rng(0))


def test_an_unknown_link_is_refused():
    with pytest.raises(ValueError, match="link must be 'identity' or 'log'; got 'sqrt'"):
        Gamma(link="sqrt")


def test_a_log_link_starts_the_decoder_at_logarithms(X):
    model = composed(Gamma(link="log"))
    params = model.init_params(X, np.random.default_rng(0))
    np.testing.assert_allclose(params["decoder"]["mean"], np.log(X).mean(axis=0))
