"""Laws of independent sources with mean zero and unit variance."""

import numpy as np
import pytest
from autograd import grad
from autograd.misc import flatten
from autograd.tracer import getval
from scipy import stats

from skaws.priors import (
    Gaussian,
    GeneralizedNormal,
    Independent,
    Laplace,
    Logistic,
    SkewGeneralizedNormal,
    StudentT,
    Uniform,
)
from skaws.spaces import Space, shift

from ..common import altered, assert_means, assert_tape_agrees_with_differences

N_SAMPLES, N_GROUPS = 20_000, 200


def unit(family, *shape):
    """SciPy's distribution of a family, scaled to unit variance."""
    return family(*shape, scale=1 / family(*shape).std())


def student_t(*dof):
    return StudentT(len(dof)), {"dof": np.array(dof)}, [unit(stats.t, v) for v in dof]


def generalized_normal(*shape):
    marginals = [unit(stats.gennorm, b) for b in shape]
    return GeneralizedNormal(len(shape)), {"shape": np.array(shape)}, marginals


class Pieces:
    """Two pieces of SciPy's gennorm, of different widths, about a mode."""

    def __init__(self, shape, skew):
        self.shape, self.skew = shape, skew * min(1.0, (2.0 / shape) ** 2)
        skew = self.skew
        first = stats.gennorm.expect(np.abs, (shape,))
        second = stats.gennorm(shape).var()
        mean = 2 * skew * first
        self.scale = 1 / np.sqrt((1 + 3 * skew**2) * second - mean**2)
        self.mode = -self.scale * mean

    def away(self, z):
        sides = np.where(z < self.mode, 1 - self.skew, 1 + self.skew)
        return (z - self.mode) / (self.scale * sides)

    def cdf(self, z):
        share = stats.gennorm.cdf(self.away(z), self.shape)
        below, above = (1 - self.skew) * share, 1 - (1 + self.skew) * (1 - share)
        return np.where(z < self.mode, below, above)

    def logpdf(self, z):
        return stats.gennorm.logpdf(self.away(z), self.shape) - np.log(self.scale)


def skewed(*pairs):
    shape, skew = map(np.array, zip(*pairs, strict=True))
    marginals = [Pieces(*pair) for pair in pairs]
    prior = SkewGeneralizedNormal(len(pairs))
    return prior, {"shape": shape, "skew": skew}, marginals


# Prior, params, SciPy's distribution of each column.
REGISTRY = {
    "Gaussian": (Gaussian(2), {}, [stats.norm()] * 2),
    "Laplace": (Laplace(2), {}, [unit(stats.laplace)] * 2),
    "Logistic": (Logistic(2), {}, [unit(stats.logistic)] * 2),
    "StudentT": student_t(10.0, 30.0),
    "StudentT, heavy tails": student_t(2.5, 4.0),
    "Uniform": (Uniform(2), {}, [unit(stats.gennorm, 20.0)] * 2),
    "GeneralizedNormal, 0.7": generalized_normal(0.7),
    "GeneralizedNormal, 1": generalized_normal(1.0),
    "GeneralizedNormal, 2": generalized_normal(2.0),
    "GeneralizedNormal, 8": generalized_normal(8.0),
    "GeneralizedNormal, all": generalized_normal(0.7, 1.0, 2.0, 8.0),
    "SkewGeneralizedNormal": skewed((1.2, 0.1), (1.5, 0.5), (3.0, -0.8)),
    "SkewGeneralizedNormal, peaked": skewed((0.8, 0.0), (1.2, 0.9)),
    "Independent": (
        Independent([Laplace(1), GeneralizedNormal(2), StudentT(1)]),
        {"1": {"shape": np.array([0.7, 8.0])}, "2": {"dof": np.array([10.0])}},
        [
            unit(stats.laplace),
            unit(stats.gennorm, 0.7),
            unit(stats.gennorm, 8.0),
            unit(stats.t, 10.0),
        ],
    ),
}


def drawn(prior, params, n_samples=N_SAMPLES):
    return prior.sample(params, n_samples, np.random.default_rng(0))


def modes(marginals):
    """Where each column has its one mode."""
    return np.array([getattr(marginal, "mode", 0.0) for marginal in marginals])


def score_of(prior, params, z):
    """d log p(z) / dz, entry by entry."""
    return grad(lambda latents: prior.log_density(params, latents).sum())(z)


def samples_have_mean_zero_and_unit_covariance(prior, params, marginals):
    # Within 5 standard errors, which take eight moments to be trusted.
    z = drawn(prior, params)
    assert z.shape == (N_SAMPLES, len(marginals))
    assert_means(z, 0.0)
    products = z[:, :, None] * z[:, None, :]
    assert_means(products.reshape(len(z), -1), np.eye(prior.n_latents).ravel())


def samples_have_the_quantiles_of_scipy(prior, params, marginals):
    # Ranks are bounded, so this holds however heavy the tails.
    z = drawn(prior, params)
    columns = zip(marginals, z.T, strict=True)
    ranks = np.stack([marginal.cdf(column) for marginal, column in columns], axis=1)
    assert_means(ranks, 1 / 2)
    assert_means((ranks - 1 / 2) ** 2, 1 / 12)


def samples_and_log_density_are_of_one_law(prior, params, marginals):
    # Stein: E[z d log p(z) / dz] = -1, column by column.
    z = drawn(prior, params)
    assert_means(z * score_of(prior, params, z), -1.0)


def information_is_the_variance_of_the_score(prior, params, marginals):
    z = drawn(prior, params)
    score = score_of(prior, params, z)
    shift, stretch = prior.information(params)
    assert_means((1 + z * score) ** 2, stretch)
    # A score that is infinite at the mode is said to tell less than it does.
    near = score_of(prior, params, modes(marginals)[None] + 1e-6)[0]
    finite = np.abs(near) < 2
    assert_means(score[:, finite] ** 2, shift[finite])
    assert np.all(shift[~finite] < np.mean(score[:, ~finite] ** 2, axis=0))


def score_in_params_has_mean_zero(prior, params, marginals):
    start, unflatten = flatten(params)

    def total(vector, z):
        return prior.log_density(unflatten(vector), z).sum()

    groups = np.split(drawn(prior, params), N_GROUPS)
    assert_means(np.array([grad(total)(start, z) for z in groups]), 0.0)


def log_density_is_that_of_scipy(prior, params, marginals):
    z = 2 * drawn(prior, params, 50)
    columns = zip(marginals, z.T, strict=True)
    expected = sum(marginal.logpdf(column) for marginal, column in columns)
    # GeneralizedNormal keeps |z| from zero by 1e-9.
    np.testing.assert_allclose(prior.log_density(params, z), expected, rtol=1e-6, atol=1e-6)


def density_has_mass_and_variance_one(prior, params, marginals):
    # Column by column with the others at zero: each integral is the column's mass times
    # the others' density there.  On z = sinh(u) tails end and cusps fall between nodes.
    h, k = 1e-3, prior.n_latents
    u = h * (np.arange(-35_000, 35_000) + 0.5)
    z, width = np.sinh(u), h * np.cosh(u)
    at_zero = prior.log_density(params, np.zeros((1, k)))[0]
    log_mass = -(k - 1) * at_zero
    for column, mode in zip(np.eye(k), modes(marginals), strict=True):
        own = mode + z
        mass = width * np.exp(prior.log_density(params, own[:, None] * column))
        log_mass += np.log(mass.sum())
        np.testing.assert_allclose((mass @ own) / mass.sum(), 0.0, atol=1e-6)
        np.testing.assert_allclose((mass @ own**2) / mass.sum(), 1.0, rtol=1e-5)
    np.testing.assert_allclose(log_mass, 0.0, atol=1e-4)


def tape_agrees_with_differences(prior, params, marginals):
    rng = np.random.default_rng(1)
    z = rng.choice((-1, 1), (8, prior.n_latents)) * rng.uniform(
        0.2, 2, (8, prior.n_latents)
    )
    start, unflatten = flatten((z, params))

    def values(vector):
        latents, params = unflatten(vector)
        return prior.log_density(params, latents)

    assert_tape_agrees_with_differences(values, start)


def log_density_and_score_are_finite_everywhere(prior, params, marginals):
    sizes = np.array([0.0, 1e-12, 1.0, 100.0, 1e4])
    z = np.concatenate([sizes, -sizes])[:, None] * np.ones(prior.n_latents)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        values, score = prior.log_density(params, z), score_of(prior, params, z)
    assert values.shape == (len(z),)
    assert np.isfinite(values).all() and np.isfinite(score).all()
    assert np.all(score * (z - modes(marginals)) <= 0)
    assert np.all(score[(z == 0) & (modes(marginals) == 0)] == 0)


def moments_are_zero_and_one(prior, params, marginals):
    mean, factor = prior.moments(params)
    np.testing.assert_array_equal(mean, np.zeros(len(marginals)))
    np.testing.assert_array_equal(factor.T @ factor, np.eye(len(marginals)))


def params_start_within_their_constraints(prior, params, marginals):
    start = prior.init_params(np.zeros((5, 6)), np.random.default_rng(0))
    space = Space(start, prior.constraints)
    assert space.size == Space(params, prior.constraints).size
    assert space.flatten(start).shape == space.flatten(params).shape


def same_seed_gives_the_same_sample(prior, params, marginals):
    first, again = drawn(prior, params, 5), drawn(prior, params, 5)
    np.testing.assert_array_equal(first, again)
    other = prior.sample(params, 5, np.random.default_rng(1))
    assert np.all(first != other)


LAWS = [
    samples_have_mean_zero_and_unit_covariance,
    samples_have_the_quantiles_of_scipy,
    samples_and_log_density_are_of_one_law,
    information_is_the_variance_of_the_score,
    score_in_params_has_mean_zero,
    log_density_is_that_of_scipy,
    density_has_mass_and_variance_one,
    tape_agrees_with_differences,
    log_density_and_score_are_finite_everywhere,
    moments_are_zero_and_one,
    params_start_within_their_constraints,
    same_seed_gives_the_same_sample,
]


def applies(law, name):
    """Whether a law says something about an entry of the registry."""
    if law is samples_have_mean_zero_and_unit_covariance:
        return name != "StudentT, heavy tails"  # no fourth moment, no standard error
    return law is not score_in_params_has_mean_zero or bool(REGISTRY[name][1])


@pytest.mark.parametrize(
    ("name", "law"),
    [(name, law) for law in LAWS for name in REGISTRY if applies(law, name)],
)
def test_law(name, law):
    law(*REGISTRY[name])


def inflated(prior):
    """The prior with samples a tenth too large."""
    return altered(prior, sample=lambda *arguments: 1.1 * prior.sample(*arguments))


def with_density(change):
    """Maker of priors with another log density."""

    def make(prior):
        return altered(
            prior, log_density=lambda params, z: change(prior.log_density(params, z), z)
        )

    return make


def with_too_many_params(prior):
    start = {"1": {"shape": np.ones(2)}, "2": {"dof": np.full(2, 4.0)}}
    return altered(prior, init_params=lambda X, rng: start)


def with_shared_state(prior):
    rng = np.random.default_rng(0)
    return altered(prior, sample=lambda params, n, _: prior.sample(params, n, rng))


WRONG = [
    (samples_have_mean_zero_and_unit_covariance, inflated),
    (samples_have_the_quantiles_of_scipy, inflated),
    (samples_and_log_density_are_of_one_law, inflated),
    (score_in_params_has_mean_zero, inflated),
    (information_is_the_variance_of_the_score, inflated),
    (log_density_is_that_of_scipy, with_density(lambda value, z: value + 1e-4)),
    (density_has_mass_and_variance_one, with_density(lambda value, z: value + 1e-3)),
    (density_has_mass_and_variance_one, with_density(lambda value, z: 1.01 * value)),
    (
        tape_agrees_with_differences,
        with_density(lambda value, z: value + 0.01 * getval(z)[:, 0]),
    ),
    (
        log_density_and_score_are_finite_everywhere,
        with_density(lambda value, z: value + z[:, 0]),
    ),
    (moments_are_zero_and_one, lambda prior: altered(prior, moments=lambda _: (0.1, 1.0))),
    (params_start_within_their_constraints, with_too_many_params),
    (same_seed_gives_the_same_sample, with_shared_state),
]


@pytest.mark.parametrize(("law", "wrong"), WRONG)
def test_wrong_prior_breaks_the_law(law, wrong):
    prior, params, marginals = REGISTRY["Independent"]
    with pytest.raises(AssertionError):
        law(wrong(prior), params, marginals)


@pytest.mark.parametrize("name", REGISTRY)
def test_inflated_samples_are_found_out(name):
    with pytest.raises(AssertionError):
        samples_and_log_density_are_of_one_law(
            inflated(REGISTRY[name][0]), *REGISTRY[name][1:]
        )


@pytest.mark.parametrize("dof", [1e6, 1e10, 1e14])
def test_student_t_with_many_degrees_of_freedom_is_normal(dof):
    z = np.linspace(-3, 3, 7)[:, None]
    found = StudentT(1).log_density({"dof": np.array([dof])}, z)
    np.testing.assert_allclose(found, Gaussian(1).log_density({}, z), atol=30 / dof + 1e-12)


def test_uniform_lies_within_its_bounds_but_for_soft_edges():
    z = drawn(Uniform(1), {})
    assert np.mean(np.abs(z) < np.sqrt(3)) > 0.97
    assert np.max(np.abs(z)) < 2.1


@pytest.mark.parametrize("step", [1000.0, -1000.0])
def test_a_shape_pushed_onto_its_bound_comes_back(step):
    prior = GeneralizedNormal(1)
    params = prior.init_params(None, None)
    for size in (step, -step / 40):
        params = shift(params, {"shape": np.full(1, size)}, prior.constraints)
    assert Space(params, prior.constraints).size == 1


def test_mirrored_sources_have_the_mirrored_density():
    prior, params, _ = REGISTRY["SkewGeneralizedNormal"]
    z, signs = drawn(prior, params, 50), np.array([1.0, -1.0, -1.0])
    mirrored = prior.mirrored(params, signs)
    as_it_is, found = (
        prior.log_density(*pair) for pair in ((params, z), (mirrored, z * signs))
    )
    np.testing.assert_allclose(found, as_it_is)
    assert np.abs(prior.log_density(params, z * signs) - as_it_is).max() > 0.1


@pytest.mark.parametrize("name", [name for name in REGISTRY if name != "Gaussian"])
def test_log_densities_of_single_latents_sum_to_that_of_all(name):
    prior, params, _ = REGISTRY[name]
    z = drawn(prior, params, 50)
    found = prior.log_densities(params, z)
    assert found.shape == z.shape
    np.testing.assert_allclose(found.sum(axis=1), prior.log_density(params, z))
    moved = z.copy()
    moved[:, 0] += 0.1  # only its own column feels it
    assert np.array_equal(prior.log_densities(params, moved)[:, 1:], found[:, 1:])
