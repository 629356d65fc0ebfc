"""Laws that all priors share as parts, and what a model refuses in words."""

import numpy as np
import pytest
from sklearn.base import clone

from skaws import priors
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.priors import Prior, check_prior
from skaws.spaces import Space
from skaws.supports import Columns, OneHot, Positive, Real

from ..part_laws import PART_LAWS, assert_same, capabilities, constructor_only_stores

MAY = {"moments", "information"}
SOURCES = MAY  # of mean zero and unit variance

# Prior, and the methods that not every prior has.
REGISTRY = {
    "Bernoulli": (priors.Bernoulli(3, probability=0.2), {"moments"}),
    "Beta": (priors.Beta(2, a=0.5, b=3.0), {"moments"}),
    "Beta, fixed": (priors.Beta(2, learned=False), {"moments"}),
    "Categorical": (priors.Categorical(4), {"moments"}),
    "Gamma": (priors.Gamma(2, shape=0.5), {"moments"}),
    "Gamma, shared": (priors.Gamma(2, shared=True, learned=False), {"moments"}),
    "Gaussian": (priors.Gaussian(2), SOURCES),
    "Gaussian, correlated": (
        priors.Gaussian(2, correlation=np.array([[1.0, 0.6], [0.6, 1.0]])),
        SOURCES,
    ),
    "GaussianMixture": (priors.GaussianMixture(2, n_clusters=3), {"moments"}),
    "GeneralizedNormal": (priors.GeneralizedNormal(2, shape=3.0), SOURCES),
    "Laplace": (priors.Laplace(2), SOURCES),
    "Measured": (priors.Measured(priors.Laplace(2)), SOURCES),
    "Logistic": (priors.Logistic(2), SOURCES),
    "SkewGeneralizedNormal": (priors.SkewGeneralizedNormal(2, skew=0.5), SOURCES),
    "Sphere": (priors.Sphere(3), {"moments"}),
    "Sphere, fixed": (priors.Sphere(3, learned=False), {"moments"}),
    "StudentT": (priors.StudentT(2, dof=5.0), SOURCES),
    "Uniform": (priors.Uniform(2), SOURCES),
    "UniformCircle": (priors.UniformCircle(), {"moments"}),
    "UnitUniform": (priors.UnitUniform(2), {"moments"}),
    "Independent": (
        priors.Independent([priors.Laplace(1), priors.GeneralizedNormal(2)]),
        SOURCES,
    ),
    "Independent, of many kinds": (
        priors.Independent(
            [
                priors.Categorical(3),
                priors.Independent([priors.Gamma(1), priors.Sphere(2)]),
            ]
        ),
        {"moments"},
    ),
}
FIXED = {"Beta, fixed", "Gamma, shared", "Sphere, fixed"}
EVERY = pytest.mark.parametrize("name", REGISTRY)


def rng():
    return np.random.default_rng(0)


def started(prior):
    return prior.init_params(np.zeros((5, 3)), rng())


def test_no_prior_is_left_out():
    covered = {type(prior).__name__ for prior, _ in REGISTRY.values()}
    assert covered == set(priors.__all__) - {"Prior", "check_prior"}


@EVERY
@pytest.mark.parametrize("law", PART_LAWS)
def test_law(law, name):
    law(REGISTRY[name][0])


@EVERY
def test_a_clone_behaves_alike(name):
    prior, copy = REGISTRY[name][0], clone(REGISTRY[name][0])
    params = started(prior)
    assert_same(params, started(copy))
    z = prior.sample(params, 5, rng())
    np.testing.assert_array_equal(z, copy.sample(params, 5, rng()))
    np.testing.assert_array_equal(prior.log_density(params, z), copy.log_density(params, z))
    assert repr(prior.support) == repr(copy.support)


@EVERY
def test_samples_lie_in_the_support_declared(name):
    prior = REGISTRY[name][0]
    z = prior.sample(started(prior), 1000, rng())
    assert prior.support.contains(z)
    assert z.shape == (1000, prior.n_latents) and z.dtype == float


@EVERY
def test_number_of_latents_can_be_set(name):
    prior = clone(REGISTRY[name][0])
    settings = prior.get_params()
    if "n_latents" not in settings or settings.get("correlation") is not None:
        return  # a correlation is of so many latents
    prior.set_params(n_latents=5)
    z = prior.sample(started(prior), 4, rng())
    assert z.shape == (4, 5) and prior.support.contains(z)
    assert prior.log_density(started(prior), z).shape == (4,)


@EVERY
def test_capabilities_are_methods_that_are_there(name):
    prior, expected = REGISTRY[name]
    assert capabilities(prior, MAY) == expected
    for method in expected:
        assert all(len(part) == prior.n_latents for part in prior.moments(started(prior)))
        first, second = getattr(prior, method)(started(prior))
        assert len(first) == len(second) == prior.n_latents


@EVERY
def test_what_is_not_learnt_has_no_coordinates_and_stays(name):
    prior = REGISTRY[name][0]
    start = started(prior)
    space = Space(start, prior.constraints)
    assert bool(space.size) == (bool(start) and name not in FIXED)
    moved = space.unflatten(space.flatten(start) + 0.1)
    if name in FIXED:
        assert start
        assert_same(moved, start)


@EVERY
def test_every_prior_passes_its_check(name):
    check_prior(REGISTRY[name][0])


class Waiting(Prior):
    support = Positive()

    def __init__(self, n_latents=1):
        self.n_latents = n_latents

    def sample(self, params, n_samples, rng):
        return rng.exponential(size=(n_samples, self.n_latents))

    def log_density(self, params, latents):
        return -np.sum(latents, axis=1)


class Converting(Waiting):
    def __init__(self, n_latents=1):
        self.n_latents = np.array(n_latents)


class Remembering(Waiting):
    def __init__(self, n_latents=1):
        self.n_latents = n_latents
        self.shape = (n_latents,)


@pytest.mark.parametrize("wrong", [Converting(2), Remembering(2)])
def test_a_constructor_that_does_more_than_store_is_found_out(wrong):
    constructor_only_stores(Waiting(2))
    with pytest.raises(AssertionError):
        constructor_only_stores(wrong)


def test_a_prior_of_ones_own_needs_two_methods_and_has_no_more():
    prior = Waiting(2)
    check_prior(prior)
    assert capabilities(prior, MAY) == set()
    assert prior.constraints == prior.init_params(None, None) == {}
    assert not prior.gaussian and prior.in_units("step", {}) == "step"
    assert repr(prior) == "Waiting(n_latents=2)"


def with_attributes(**attributes):
    return type("Waiting", (Waiting,), attributes)()


LESS = type("Less", (Prior,), {"sample": Waiting.sample, "log_density": 3.0})


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (
            Waiting,
            TypeError,
            r"must be a Prior; got the class Waiting. Write Waiting\(...\)",
        ),
        (
            "gaussian",
            TypeError,
            r"must be a Prior; got 'gaussian'. Give one of skaws.priors, such as Gauss",
        ),
        (None, TypeError, "prior of a model must be a Prior; got None"),
        (LESS(), TypeError, "Less lacks the method log_density, which every Prior must"),
        (
            type("Bare", (Waiting,), {"__init__": lambda self: None})(),
            TypeError,
            "Bare.n_latents must be the number of columns of its latents.*got None",
        ),
        (Waiting("2"), TypeError, "Waiting.n_latents must be the number .* got '2'"),
        (Waiting(0), ValueError, "Waiting.n_latents must be one or more; got 0"),
        (
            with_attributes(support="nonnegative"),
            TypeError,
            "Waiting.support must be a Support of skaws.supports; got 'nonnegative'. W",
        ),
        (with_attributes(support=Positive), TypeError, r"Write Positive\(\), with"),
        (with_attributes(support=None), TypeError, "Support of skaws.supports; got None"),
        (
            with_attributes(support=Columns([(OneHot(), 3), (Real(), 1)])),
            ValueError,
            "Waiting.support must be that of 1 columns, its n_latents; got one of 4",
        ),
    ],
)
def test_what_a_model_refuses(wrong, error, message):
    with pytest.raises(error, match=message):
        check_prior(wrong)


def test_a_likelihood_for_a_prior_is_told_from_where_it_comes():
    with pytest.raises(TypeError, match=r"got Gaussian\(\) of skaws.likelihoods.gaussian"):
        check_prior(GaussianNoise())
