"""Laws of prior, decoder and likelihood composed."""

import numpy as np
import pytest
from scipy.integrate import trapezoid
from scipy.stats import norm
from sklearn.base import clone

from skaws.checks import check_model
from skaws.decoders import MLP, Elementwise, Linear, LogOdds
from skaws.likelihoods import Bernoulli, Likelihood, NegativeBinomial, Poisson, StudentT
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.models import LatentVariableModel
from skaws.priors import Gamma, Gaussian, Laplace, UnitUniform
from skaws.simulations import simulate
from skaws.spaces import Space, shift
from skaws.supports import Positive

from ..common import assert_means, gaussian_model, gaussian_params, with_holes

D, N = 4, 30
FLOOR = np.array([0.1, 0.2, 0.3, 0.4])
COMPOSITIONS = {
    "one latent": gaussian_model(1),
    "shared noise": gaussian_model(2),
    "noise per feature": gaussian_model(2, per_feature=True),
    "noise above floors": gaussian_model(2, per_feature=True, floor=FLOOR),
    "more latents than features": gaussian_model(D + 2),
}


@pytest.fixture
def model():
    return gaussian_model(2, per_feature=True)


@pytest.fixture
def params():
    return gaussian_params(2, D, np.random.default_rng(0))


@pytest.fixture
def pairs(model, params):
    return model.sample(params, N, np.random.default_rng(1))


@pytest.mark.parametrize("share", [0.0, 0.2], ids=["complete", "with holes"])
@pytest.mark.parametrize("name", COMPOSITIONS)
def test_composition_obeys_the_laws_of_models(name, share):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 1)) + rng.standard_normal((200, D)) * [0.1, 1, 2, 10]
    check_model(COMPOSITIONS[name], with_holes(X, share, rng))


BOUNDED = {
    "Gamma, Poisson": (Gamma(2), Linear(nonnegative=True), Poisson()),
    "Gamma, Gaussian": (Gamma(2), Linear(nonnegative=True), GaussianNoise()),
    "Gamma, negative binomial": (Gamma(2), Linear(nonnegative=True), NegativeBinomial()),
    "shared shape": (Gamma(2, shared=True), Linear(nonnegative=True), Poisson()),
    "log link": (Gaussian(1), Linear(), Poisson(link="log")),
    "uniform, Bernoulli": (UnitUniform(2), LogOdds(), Bernoulli()),
}


@pytest.mark.parametrize("name", BOUNDED)
def test_compositions_of_bounded_parts_obey_the_laws_of_models(name):
    rng = np.random.default_rng(0)
    X = rng.poisson(rng.gamma(0.5, 1.0, (200, 1)) * [0.5, 1.0, 1.0, 2.0]).astype(float)
    X = np.minimum(X, 1) if "Bernoulli" in name else X
    model = LatentVariableModel(*BOUNDED[name])
    params = model.init_params(X, rng)
    if name == "log link":
        params["decoder"]["components"] *= 0.1  # rates whose scores have variances
    check_model(model, with_holes(X, 0.2, rng), params=params)


def entries(params, latents, observations):
    decoder, noise = params["decoder"], params["likelihood"]["noise_variance"]
    location = latents @ decoder["components"] + decoder["mean"]
    return norm(location, np.sqrt(noise)).logpdf(observations)


def test_log_joint_is_the_sum_of_log_densities(model, params, pairs):
    expected = norm.logpdf(pairs[0]).sum(axis=1) + entries(params, *pairs).sum(axis=1)
    np.testing.assert_allclose(model.log_joint(params, *pairs), expected, rtol=1e-12)


def test_missing_entries_drop_out_of_the_log_joint(model, params, pairs):
    z, x = pairs
    holes = with_holes(x, 0.4, np.random.default_rng(2))
    seen = np.where(np.isnan(holes), 0.0, entries(params, z, x)).sum(axis=1)
    expected = norm.logpdf(z).sum(axis=1) + seen
    np.testing.assert_allclose(model.log_joint(params, z, holes), expected, rtol=1e-12)


def test_observations_are_left_as_they_were(model, params, pairs):
    holes = with_holes(pairs[1], 0.4, np.random.default_rng(2))
    before = holes.copy()
    model.log_joint(params, pairs[0], holes)
    np.testing.assert_array_equal(holes, before)


class Counts(Likelihood):
    """Needs locations that a linear map of real latents does not give."""

    location_support = Positive()

    def sample(self, params, location, rng):
        return rng.poisson(location).astype(float)

    def log_density(self, params, location, X):
        return X * np.log(location) - location


def test_error_of_unfitting_parts_says_who_needs_what_and_what_came():
    message = (
        r"Counts\(\) needs locations that are above 0; Linear over Gaussian latents gives "
        "real ones"
    )
    with pytest.raises(ValueError, match=message):
        LatentVariableModel(Gaussian(1), Linear(), Counts())


@pytest.mark.parametrize("share", [0.0, 0.4], ids=["complete", "with holes"])
def test_expected_log_joint_is_the_log_joint_where_weights_name_one_pair(
    model, params, pairs, share
):
    z, x = pairs[0], with_holes(pairs[1], share, np.random.default_rng(2))
    got = model.expected_log_joint(params, z, np.eye(N), x)
    np.testing.assert_allclose(got, model.log_joint(params, z, x), rtol=1e-10)


def test_expected_log_joint_takes_x_from_the_real_rows(model, params, pairs):
    # Simulation n explains real row m: log p(z_n, x*_m).
    z, x = pairs
    real, chosen = x[::-1][:5] + 1.0, np.array([3, 1, 4, 1, 5])
    got = model.expected_log_joint(params, z, np.eye(N)[chosen], real)
    expected = model.log_joint(params, z[chosen], real)
    np.testing.assert_allclose(got, expected, rtol=1e-10)


def test_expected_log_joint_is_linear_in_weights(model, params, pairs):
    rng = np.random.default_rng(3)
    first, second = rng.dirichlet(np.ones(N), size=(2, N))

    def expected(weights):
        return model.expected_log_joint(params, pairs[0], weights, pairs[1])

    mixed = 1.5 * expected(first) - 0.2 * expected(second)
    np.testing.assert_allclose(expected(1.5 * first - 0.2 * second), mixed, rtol=1e-10)


def test_decoder_moves_in_units_of_the_noise(model, params, pairs):
    space = Space(params, model.constraints)
    step = space.split(np.random.default_rng(4).standard_normal(space.size))
    moved = model.move(params, step)
    change = model.location(moved, pairs[0]) - model.location(params, pairs[0])
    by_noise = change / np.sqrt(params["likelihood"]["noise_variance"])
    expected = Linear().location(step["decoder"], pairs[0])
    np.testing.assert_allclose(by_noise, expected, rtol=1e-10)


def test_variances_move_by_a_factor(model, params):
    space = Space(params, model.constraints)
    step = space.split(np.random.default_rng(4).standard_normal(space.size))
    ratio = (
        model.move(params, step)["likelihood"]["noise_variance"]
        / params["likelihood"]["noise_variance"]
    )
    np.testing.assert_allclose(ratio, np.exp(step["likelihood"]["noise_variance"]))


def test_a_move_of_the_likelihood_alone_is_a_shift(model, params):
    step = Space(params, model.constraints).split(np.zeros(3 * D + D))
    step["likelihood"]["noise_variance"] = np.arange(D) / 10.0
    moved, shifted = model.move(params, step), shift(params, step, model.constraints)
    for part in ("decoder", "likelihood"):
        for leaf in params[part]:
            np.testing.assert_allclose(moved[part][leaf], shifted[part][leaf])


LINEAR_GAUSSIAN = Linear(), GaussianNoise()


@pytest.mark.parametrize(
    ("parts", "exact", "linear"),
    [
        ((Gaussian(2), *LINEAR_GAUSSIAN), True, True),
        ((Laplace(2), *LINEAR_GAUSSIAN), False, True),
        ((Gaussian(2), MLP((3,)), GaussianNoise()), False, False),
        ((Gaussian(2), Linear(), StudentT()), False, True),
        ((Gaussian(2), Linear(), Poisson(link="log")), False, False),
    ],
)
def test_a_capability_is_the_presence_of_a_method(parts, exact, linear):
    model = LatentVariableModel(*parts)
    assert hasattr(model, "posterior") == exact
    assert hasattr(model, "linear_moments") == linear
    # Students have no sufficient statistics.
    family = not isinstance(parts[2], StudentT)
    assert hasattr(model, "log_joint_matrix") == family
    assert hasattr(model, "expected_log_joint") == family


@pytest.mark.parametrize("name", COMPOSITIONS)
def test_linear_moments_are_those_of_simulations(name):
    rng = np.random.default_rng(5)
    model = COMPOSITIONS[name]
    params = model.init_params(rng.standard_normal((50, D)), rng)
    moments = model.linear_moments(params)
    z, x = model.sample(params, 20_000, rng)
    assert_means(z, moments.latent_mean)
    location = moments.mean + z @ moments.components
    assert_means(x - location, 0.0)
    assert_means((x - location) ** 2, moments.noise_variance)


@pytest.mark.parametrize("share", [0.0, 0.4], ids=["complete", "with holes"])
@pytest.mark.parametrize("name", COMPOSITIONS)
def test_exact_posterior_obeys_bayes_rule(name, share):
    # Every latent says the same p(x): log joint less log posterior.
    rng = np.random.default_rng(5)
    X, model = with_holes(rng.standard_normal((20, D)), share, rng), COMPOSITIONS[name]
    params = model.init_params(X, rng)
    posterior = model.posterior(params)
    draws, log_prob = posterior.sample(X, 3, rng)
    for latents, own in zip(draws, log_prob, strict=True):
        found = model.log_joint(params, latents, X) - own
        np.testing.assert_allclose(found, posterior.log_marginal(X), rtol=1e-8)


@pytest.mark.parametrize("share", [0.0, 0.4], ids=["complete", "with holes"])
@pytest.mark.parametrize("likelihood", [GaussianNoise(), Poisson(link="log")])
def test_matrix_holds_the_log_joint_of_every_pair(likelihood, share):
    rng = np.random.default_rng(0)
    model = LatentVariableModel(Gaussian(2), Linear(), likelihood)
    X = with_holes(rng.poisson(3.0, (20, D)).astype(float), share, rng)
    params = model.init_params(X, rng)
    latents = model.sample(params, 7, rng)[0]
    found = model.log_joint_matrix(params, latents, X)
    for n, z in enumerate(latents):
        expected = model.log_joint(params, np.tile(z, (20, 1)), X)
        np.testing.assert_allclose(found[:, n], expected)


@pytest.mark.parametrize("share", [0.0, 0.4], ids=["complete", "with holes"])
@pytest.mark.parametrize(
    "decoder",
    [Linear(), MLP((3,)), MLP((2 * D,)), MLP((3,), dtype="float32")],
    ids=["linear", "narrow", "wide", "single precision"],
)
@pytest.mark.parametrize(
    "likelihood",
    [GaussianNoise(), GaussianNoise(per_feature=True), StudentT()],
    ids=["shared", "per feature", "heavy tails"],
)
def test_log_joint_of_draws_is_that_of_each_draw(likelihood, decoder, share):
    rng = np.random.default_rng(0)
    model = LatentVariableModel(Gaussian(2), decoder, likelihood)
    X = with_holes(100 + rng.standard_normal((20, D)) * [0.1, 1, 2, 10], share, rng)
    params = model.init_params(X, rng)
    draws = rng.standard_normal((5, 20, 2))
    found = model.log_joint_of_draws(params, draws, X)
    expected = [model.log_joint(params, own, X) for own in draws]
    # Locations of single precision are rounded to a ten millionth of about 100.
    atol = 1e-3 if getattr(decoder, "dtype", "float64") == "float32" else 1e-8
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=atol)


def test_locations_are_not_made_where_products_do(monkeypatch):
    def forbidden(self, params, latents):
        raise AssertionError

    rng = np.random.default_rng(0)
    model = LatentVariableModel(Gaussian(2), MLP((3,)), GaussianNoise())
    X = rng.standard_normal((20, D))
    params = model.init_params(X, rng)
    monkeypatch.setattr(MLP, "location", forbidden)
    assert model.log_joint_of_draws(params, np.zeros((5, 20, 2)), X).shape == (5, 20)
    X[0, 0] = np.nan
    with pytest.raises(AssertionError):
        model.log_joint_of_draws(params, np.zeros((5, 20, 2)), X)


def test_latents_are_simulated_in_the_support_of_the_prior():
    model = LatentVariableModel(Gamma(2), Linear(nonnegative=True), Poisson())
    rng = np.random.default_rng(0)
    params = model.init_params(rng.poisson(3.0, (50, D)).astype(float), rng)
    assert simulate(model, params, 10, rng).space.latent_support == Gamma(2).support


def test_parts_that_were_set_are_looked_at_again():
    model = gaussian_model(2).set_params(likelihood=Poisson())
    with pytest.raises(ValueError, match="needs locations that are above 0"):
        model.init_params(np.ones((20, D)), np.random.default_rng(0))


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ((Gaussian, Linear(), GaussianNoise()), "prior"),
        ((Gaussian(2), "linear", GaussianNoise()), "decoder"),
        ((Gaussian(2), Linear(), Gaussian(2)), "likelihood"),
    ],
)
def test_what_is_no_part_is_refused_by_name(part, name):
    with pytest.raises(TypeError, match=f"The {name} of a model must be"):
        LatentVariableModel(*part)


def test_model_is_like_scikit_learns():
    model = gaussian_model(2, per_feature=True)
    assert repr(clone(model)) == repr(model)
    assert clone(model).set_params(prior__n_latents=5).prior.n_latents == 5
    assert model.prior.n_latents == 2


def test_log_marginal_integrates_the_log_joint(params):
    # One latent: a fine grid of it holds all of p(z, x).
    model = gaussian_model(1, per_feature=True)
    params["decoder"]["components"] = params["decoder"]["components"][:1]
    x = np.array([[0.5, np.nan, -1.0, 2.0]])
    grid = np.linspace(-8, 8, 4001)[:, None]
    log_joint = model.log_joint(params, grid, np.repeat(x, len(grid), axis=0))
    integral = trapezoid(np.exp(log_joint), grid[:, 0])
    found = model.posterior(params).log_marginal(x)[0]
    assert found == pytest.approx(np.log(integral), rel=1e-8)


@pytest.mark.parametrize("name", COMPOSITIONS)
def test_starts_with_all_params_in_their_supports(name):
    rng = np.random.default_rng(6)
    model = COMPOSITIONS[name]
    params = model.init_params(rng.standard_normal((50, D)), rng)
    assert Space(params, model.constraints).size > 0
    assert params["decoder"]["components"].shape == (model.prior.n_latents, D)


@pytest.mark.parametrize("likelihood", [GaussianNoise(), Poisson(link="log"), StudentT()])
def test_log_likelihood_is_the_log_joint_less_the_prior(likelihood):
    rng = np.random.default_rng(0)
    model = LatentVariableModel(Gaussian(2), Linear(), likelihood)
    params = model.init_params(rng.poisson(3.0, (50, 4)).astype(float), rng)
    latents, X = model.sample(params, 7, rng)
    X = np.vstack([X, X[:2]])
    X[::3, 1] = np.nan
    found = model.log_likelihood(params, latents, X)
    for n, z in enumerate(np.repeat(latents[:, None], len(X), axis=1)):
        expected = model.log_joint(params, z, X) - model.prior.log_density({}, z)
        np.testing.assert_allclose(found[:, n], expected)


def test_decoder_of_too_few_columns_is_told_what_to_put_before_it():
    model = LatentVariableModel(Gaussian(2), Elementwise("softplus"), GaussianNoise())
    X = np.random.default_rng(0).random((20, 4))
    with pytest.raises(ValueError, match="makes 2 columns of 2 latents, but X has 4"):
        model.init_params(X, np.random.default_rng(0))


@pytest.mark.parametrize("prior", [Gaussian(2), Gamma(2)])
def test_log_odds_of_latents_beyond_the_unit_interval_are_refused(prior):
    with pytest.raises(ValueError, match=r"LogOdds\(\) needs latents between 0 and 1"):
        LatentVariableModel(prior, LogOdds(), Bernoulli())
