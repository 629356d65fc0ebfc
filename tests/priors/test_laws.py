"""Laws of priors of any support; those of sources stand in test_sources.py."""

import pickle
from itertools import product

import numpy as np
import pytest
from autograd import grad
from autograd.misc import flatten
from scipy import stats
from scipy.special import gammaln, logsumexp

from skaws.checks import check_model
from skaws.decoders import Linear
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.models import LatentVariableModel
from skaws.priors import (
    Bernoulli,
    Beta,
    Categorical,
    GaussianMixture,
    Sphere,
    UniformCircle,
)
from skaws.spaces import Space, shift
from skaws.supports import Real

from ..common import altered, assert_means, assert_tape_agrees_with_differences

N_SAMPLES, N_GROUPS = 20_000, 200


def beta(a, b):
    def log_density(z):
        return stats.beta(a, b).logpdf(z).sum(axis=1)

    return Beta(len(a)), {"a": np.array(a), "b": np.array(b)}, log_density


def bernoulli(*probability):
    def log_density(z):
        return stats.bernoulli(probability).logpmf(z).sum(axis=1)

    return Bernoulli(len(probability)), {"probability": np.array(probability)}, log_density


def categorical(*probability):
    def log_density(z):
        return stats.multinomial(1, probability).logpmf(z)

    return (
        Categorical(len(probability)),
        {"probability": np.array(probability)},
        log_density,
    )


def gaussian_mixture(weight, mean, sd):
    params = {"weight": weight, "mean": mean, "sd": sd}
    params = {name: np.array(value) for name, value in params.items()}

    def log_density(z):
        clusters = zip(weight, mean, sd, strict=True)
        terms = [np.log(w) + stats.norm(m, s).logpdf(z).sum(axis=1) for w, m, s in clusters]
        return logsumexp(terms, axis=0)

    return GaussianMixture(len(params["mean"][0]), len(weight)), params, log_density


def full_gaussian_mixture(weight, mean, covariance):
    roots = [
        np.linalg.cholesky(np.linalg.inv(c)[::-1, ::-1])[::-1, ::-1] for c in covariance
    ]
    sd = np.array([1 / np.diag(root) for root in roots])
    slope = np.array(roots) * sd[:, None, :] - np.eye(len(mean[0]))
    params = {"weight": np.array(weight), "mean": np.array(mean), "sd": sd, "slope": slope}

    def log_density(z):
        clusters = zip(weight, mean, covariance, strict=True)
        terms = [
            np.log(w) + stats.multivariate_normal(m, c).logpdf(z) for w, m, c in clusters
        ]
        return logsumexp(terms, axis=0)

    return GaussianMixture(len(mean[0]), len(weight), "full"), params, log_density


def sphere(*concentration):
    concentration = np.array(concentration)
    kappa, n = np.linalg.norm(concentration), len(concentration)
    if kappa == 0:
        area = np.log(2) + 0.5 * n * np.log(np.pi) - gammaln(0.5 * n)
        return Sphere(n), {"concentration": concentration}, lambda z: np.full(len(z), -area)
    reference = stats.vonmises_fisher(concentration / kappa, kappa)
    return Sphere(n), {"concentration": concentration}, reference.logpdf


# Prior, params, the log density written down a second time, by SciPy where it can.
REGISTRY = {
    "Beta": beta([0.5, 3.0], [1.5, 0.7]),
    "Beta, uniform": beta([1.0], [1.0]),
    "Bernoulli": bernoulli(0.3, 0.5, 0.9),
    "Categorical": categorical(0.2, 0.5, 0.3),
    "Categorical, two": categorical(0.1, 0.9),
    "GaussianMixture": gaussian_mixture(
        [0.2, 0.5, 0.3],
        [[-2.0, 0.0], [1.0, 1.0], [1.0, -3.0]],
        [[0.3, 1.0], [0.5] * 2, [1.0] * 2],
    ),
    "GaussianMixture, full": full_gaussian_mixture(
        [0.4, 0.6],
        [[-2.0, 0.0], [1.0, 1.0]],
        [[[1.0, 0.6], [0.6, 0.5]], [[0.3, -0.1], [-0.1, 2.0]]],
    ),
    "GaussianMixture, one": gaussian_mixture([1.0], [[0.5]], [[2.0]]),
    "UniformCircle": (UniformCircle(), {}, lambda z: np.full(len(z), -np.log(2 * np.pi))),
    "Sphere, uniform": sphere(0.0, 0.0, 0.0),
    "Sphere, circle": sphere(1.0, -2.0),
    "Sphere, weak": sphere(0.3, 0.2, -0.5),
    "Sphere, strong": sphere(2.0, 0.0, 20.0),
    "Sphere, five": sphere(1.0, 0.0, -2.0, 3.0, 1.0),
}
REGISTRY_WITH_PARAMS = [name for name in REGISTRY if REGISTRY[name][1]]


def drawn(prior, params, n_samples=N_SAMPLES):
    return prior.sample(params, n_samples, np.random.default_rng(0))


def log_density_is_the_one_written_twice(prior, params, log_density):
    z = drawn(prior, params, 50)
    found = prior.log_density(params, z)
    assert found.shape == (50,)
    np.testing.assert_allclose(found, log_density(z), rtol=1e-9, atol=1e-9)


def real_line(prior, params):
    u = np.arange(-14, 14, 0.05) + 0.025
    return u, np.full(len(u), 0.05)


def log_odds(prior, params):
    u = np.arange(-100, 36, 0.2)  # log odds; beyond, 1 - z rounds to nothing
    z = 1 / (1 + np.exp(-u))
    return z, 0.2 * z * (1 - z)


def grid(nodes, n_latents):
    """Points of a product rule, and their weights."""
    points, weights = nodes
    z = np.array(list(product(points, repeat=n_latents)))
    return z, np.prod(list(product(weights, repeat=n_latents)), axis=1)


def great_circle(prior, params):
    """Points from pole to pole; each stands for all at its latitude."""
    n = prior.n_latents
    pole, across = np.eye(n)[:2]
    concentration = params.get("concentration", np.zeros(n))
    if np.any(concentration):
        pole = concentration / np.linalg.norm(concentration)
        across = np.linalg.svd(pole[None])[2][1]
    nodes, weights = np.polynomial.legendre.leggauss(200)
    angle, weights = 0.5 * np.pi * (1 + nodes), 0.5 * np.pi * weights
    latitude = 2 * np.pi ** (0.5 * (n - 1)) / np.exp(gammaln(0.5 * (n - 1)))
    z = np.cos(angle)[:, None] * pole + np.sin(angle)[:, None] * across
    return z, latitude * np.sin(angle) ** (n - 2) * weights


QUADRATURE = {
    "Real": lambda prior, params: grid(real_line(prior, params), prior.n_latents),
    "Interval": lambda prior, params: grid(log_odds(prior, params), prior.n_latents),
    "Binary": lambda prior, params: grid(([0.0, 1.0], [1.0, 1.0]), prior.n_latents),
    "OneHot": lambda prior, params: (np.eye(prior.n_latents), np.ones(prior.n_latents)),
    "Sphere": great_circle,
}


def density_has_mass_one(prior, params, log_density):
    z, weights = QUADRATURE[type(prior.support).__name__](prior, params)
    mass = weights @ np.exp(prior.log_density(params, z))
    np.testing.assert_allclose(mass, 1.0, atol=1e-6)


def samples_have_the_moments_declared(prior, params, log_density):
    z = drawn(prior, params)
    mean, factor = prior.moments(params)
    assert z.shape == (N_SAMPLES, prior.n_latents) and factor.shape == 2 * mean.shape
    products = (z - mean)[:, :, None] * (z - mean)[:, None, :]
    covariance = (factor.T @ factor).ravel()
    # What does not vary has no standard error; the rest is tested within five.
    values = np.hstack([z - mean, products.reshape(len(z), -1) - covariance])
    assert_means(values[:, np.std(values, axis=0) > 1e-9], 0.0)
    np.testing.assert_allclose(values[:, np.std(values, axis=0) <= 1e-9], 0.0, atol=1e-9)


def samples_lie_in_the_support(prior, params, log_density):
    assert prior.support.contains(drawn(prior, params))


def score_in_params_has_mean_zero(prior, params, log_density):
    space = Space(params, prior.constraints)

    def total(vector, z):
        return prior.log_density(space.unflatten(vector), z).sum()

    groups = np.split(drawn(prior, params), N_GROUPS)
    scores = np.array([grad(total)(space.flatten(params), z) for z in groups])
    moving = np.std(scores, axis=0) > 1e-9  # weight of a single cluster has no score
    assert_means(scores[:, moving], 0.0)
    np.testing.assert_allclose(scores[:, ~moving], 0.0, atol=1e-9)


def tape_agrees_with_differences(prior, params, log_density):
    start, unflatten = flatten((0.1 + 0.8 * np.abs(drawn(prior, params, 8)), params))

    def values(vector):
        latents, params = unflatten(vector)
        return prior.log_density(params, latents)

    assert_tape_agrees_with_differences(values, start)


def params_start_within_their_constraints(prior, params, log_density):
    start = prior.init_params(np.zeros((5, 6)), np.random.default_rng(0))
    space = Space(start, prior.constraints)
    known = Space(params, prior.constraints)
    vector = known.flatten(params)
    assert space.flatten(start).shape == vector.shape
    for name, value in known.unflatten(vector).items():
        np.testing.assert_allclose(value, params[name], rtol=1e-12)


def same_seed_gives_the_same_sample_also_of_a_pickled_copy(prior, params, log_density):
    copy = pickle.loads(pickle.dumps(prior))
    np.testing.assert_array_equal(drawn(prior, params), drawn(copy, params))
    other = prior.sample(params, N_SAMPLES, np.random.default_rng(1))
    assert np.any(drawn(prior, params) != other)


LAWS = [
    log_density_is_the_one_written_twice,
    density_has_mass_one,
    samples_have_the_moments_declared,
    samples_lie_in_the_support,
    score_in_params_has_mean_zero,
    tape_agrees_with_differences,
    params_start_within_their_constraints,
    same_seed_gives_the_same_sample_also_of_a_pickled_copy,
]


@pytest.mark.filterwarnings("ignore:Output seems independent")  # the circle's is
@pytest.mark.parametrize("name", REGISTRY)
@pytest.mark.parametrize("law", LAWS)
def test_law(law, name):
    if law is not score_in_params_has_mean_zero or name in REGISTRY_WITH_PARAMS:
        law(*REGISTRY[name])


@pytest.mark.parametrize("name", REGISTRY)
def test_composed_with_noise_it_obeys_the_laws_of_models(name):
    X = np.random.default_rng(0).standard_normal((100, 3)) * [0.1, 1.0, 10.0]
    check_model(LatentVariableModel(REGISTRY[name][0], Linear(), GaussianNoise()), X)


def a_tenth_off(prior, params):
    """The prior with a sampler whose params are about a tenth off."""
    space = Space(params, prior.constraints)
    vector = space.flatten(params)
    signs = np.where(np.arange(space.size) % 2, -1, 1)
    wrong = space.unflatten(vector + 0.1 * signs * (1 + np.abs(vector)))
    return altered(prior, sample=lambda _, n, rng: prior.sample(wrong, n, rng))


@pytest.mark.parametrize("name", REGISTRY_WITH_PARAMS)
def test_a_sampler_a_tenth_off_is_found_out(name):
    prior, params, log_density = REGISTRY[name]
    with pytest.raises(AssertionError):
        score_in_params_has_mean_zero(a_tenth_off(prior, params), params, log_density)


def inflated(prior):
    return altered(prior, sample=lambda *arguments: 1.1 * prior.sample(*arguments))


def denser(prior):
    return altered(prior, log_density=lambda *args: 1e-3 + prior.log_density(*args))


@pytest.mark.parametrize("name", REGISTRY)
def test_inflated_samples_and_densities_are_found_out(name):
    prior, *rest = REGISTRY[name]
    if type(prior.support) is not Real:
        with pytest.raises(AssertionError):
            samples_lie_in_the_support(inflated(prior), *rest)
    for law, wrong in (
        (samples_have_the_moments_declared, inflated),
        (density_has_mass_one, denser),
        (log_density_is_the_one_written_twice, denser),
    ):
        with pytest.raises(AssertionError):
            law(wrong(prior), *rest)


@pytest.mark.parametrize("harmonic", [1, 2, 3, 4])
def test_angles_on_the_circle_have_no_harmonic(harmonic):
    sine, cosine = drawn(UniformCircle(), {}).T
    angle = np.arctan2(sine, cosine)
    assert_means(np.sin(harmonic * angle), 0.0)
    assert_means(np.cos(harmonic * angle), 0.0)


@pytest.mark.parametrize("prior", [Beta(2, a=2.0, learned=False), Sphere(2, learned=False)])
def test_what_is_not_learned_stays(prior):
    params = prior.init_params(None, None)
    space = Space(params, prior.constraints)
    step = prior.in_units(space.split(np.ones(space.size)), params)
    moved = shift(params, step, prior.constraints)
    assert space.size == 0
    assert all(np.all(moved[name] == value) for name, value in params.items())


def test_means_of_clusters_move_by_so_many_standard_deviations():
    prior, params, _ = REGISTRY["GaussianMixture"]
    step = {name: np.ones_like(value) for name, value in params.items()}
    natural = prior.in_units(step, params)
    np.testing.assert_array_equal(natural["mean"], params["sd"])
    assert natural["weight"] is step["weight"]


def test_clusters_start_where_rows_cluster():
    rng = np.random.default_rng(0)
    ends, sizes = np.array([[-5.0, 0], [5, 0], [0, 8]]), (50, 100, 150)
    X = np.repeat(ends, sizes, axis=0) + 0.3 * rng.standard_normal((300, 2))
    params = GaussianMixture(2, 3).init_params(X, rng)
    np.testing.assert_allclose(np.sort(params["weight"]), [1 / 6, 1 / 3, 1 / 2], atol=0.01)
    assert np.all(params["sd"] < 0.4)  # scores have variance one


@pytest.mark.parametrize("covariance", ["diag", "full"])
def test_refit_finds_the_clusters_of_draws(covariance):
    weight, mean = np.array([0.3, 0.7]), np.array([[-3.0, 0.0], [3.0, 1.0]])
    rng = np.random.default_rng(0)
    label = rng.choice(2, 20_000, p=weight)
    root = np.array([[1.0, 0.8], [0.0, 0.6]])
    draws = mean[label] + rng.standard_normal((20_000, 2)) @ root
    prior = GaussianMixture(2, 2, covariance)
    params = prior.refit(draws, rng)
    order = np.argsort(params["weight"])
    # Four standard errors: sqrt(.21 / 20000) = .003 and 1 / sqrt(6000) = .013.
    np.testing.assert_allclose(params["weight"][order], weight, atol=0.013)
    np.testing.assert_allclose(params["mean"][order], mean, atol=0.05)
    found = prior.sample({**params, "weight": np.eye(2)[order[0]]}, 20_000, rng)
    exact = root.T @ root
    exact = exact if covariance == "full" else np.diag(np.diag(exact))
    np.testing.assert_allclose(np.cov(found.T), exact, atol=0.08)


def test_a_dirichlet_prior_empties_clusters_that_rows_can_do_without():
    rng = np.random.default_rng(0)
    prior = GaussianMixture(1, 3, concentration=-20.0)
    weights = {"weight": np.array([0.5, 0.5 - 1e-3, 1e-3])}
    even = {"weight": np.full(3, 1 / 3)}
    assert prior.log_prior(weights) > prior.log_prior(even)
    assert GaussianMixture(1, 3, concentration=2.0).log_prior(weights) < GaussianMixture(
        1, 3, concentration=2.0
    ).log_prior(even)
    assert not hasattr(GaussianMixture(1, 3), "log_prior")
    X = 0.1 * rng.standard_normal((300, 1))
    model = LatentVariableModel(prior, Linear(), GaussianNoise())
    assert np.isfinite(model.log_prior(model.init_params(X, rng)))


def test_a_mixture_says_which_covariances_there_are():
    with pytest.raises(ValueError, match="covariance must be one of"):
        GaussianMixture(2, 3, covariance="spherical")


@pytest.mark.parametrize("n", [2, 3, 10, 100])
def test_sphere_is_smooth_where_its_two_formulas_meet(n):
    # At kappa^2 = n one Bessel function takes over from another: values, slopes, moments.
    prior, z = Sphere(n), np.eye(n)[:1]

    def at(kappa):
        params = {"concentration": kappa * np.eye(n)[0]}

        def value(concentration):
            return prior.log_density({"concentration": concentration}, z)[0]

        slope = grad(value)(params["concentration"])
        mean, factor = prior.moments(params)
        return np.concatenate(
            [[value(params["concentration"])], slope, mean, factor.ravel()]
        )

    below, above = at(np.sqrt(n) * (1 - 1e-10)), at(np.sqrt(n) * (1 + 1e-10))
    np.testing.assert_allclose(below, above, rtol=1e-8, atol=1e-8)


def test_sphere_stays_finite_from_nothing_to_a_needle():
    for kappa in (0.0, 1e-300, 1e-8, 1.0, 1e4, 1e8):
        params = {"concentration": np.array([kappa, 0.0, 0.0])}
        z = Sphere(3).sample(params, 10, np.random.default_rng(0))
        score = grad(lambda p, z=z: Sphere(3).log_density(p, z).sum())(params)
        assert np.isfinite(z).all() and np.isfinite(Sphere(3).log_density(params, z)).all()
        assert np.isfinite(score["concentration"]).all()
        assert np.isfinite(
            np.hstack([np.ravel(m) for m in Sphere(3).moments(params)])
        ).all()


@pytest.mark.parametrize("prior", [Bernoulli(3), Categorical(3)])
def test_log_density_at_a_mean_of_latents_is_their_mean_log_density(prior):
    params = {"probability": np.array([0.2, 0.5, 0.3])}
    z = drawn(prior, params, 10)
    found = prior.log_density(params, z.mean(axis=0, keepdims=True))
    np.testing.assert_allclose(found[0], prior.log_density(params, z).mean(), rtol=1e-12)


def test_estimates_that_overstep_the_unit_interval_have_a_finite_density():
    prior, params, _ = REGISTRY["Beta"]
    z = np.array([[-0.1, 0.5], [0.0, 1.0], [0.5, 1.2]])
    score = grad(lambda p: prior.log_density(p, z).sum())(params)
    assert np.isfinite(prior.log_density(params, z)).all()
    assert all(np.isfinite(own).all() for own in score.values())
