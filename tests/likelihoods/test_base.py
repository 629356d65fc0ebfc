"""Laws that all likelihoods share as parts, and what a model refuses in words."""

import warnings

import numpy as np
import pytest
from sklearn.base import clone

from skaws import likelihoods
from skaws.likelihoods import (
    Bernoulli,
    Gamma,
    Gaussian,
    Likelihood,
    NegativeBinomial,
    Poisson,
    StudentT,
    check_likelihood,
)
from skaws.likelihoods.base import FAMILY
from skaws.priors import Laplace
from skaws.supports import Positive, Real

from ..part_laws import PART_LAWS, assert_same, capabilities

ANY = {"mean", "information"}
AROUND_MEAN = ANY | {"noise_variance", "slopes"}
MAY = {*AROUND_MEAN, "relative_precision", *FAMILY}

# Likelihood, the methods that not every likelihood has, and where locations live.
REGISTRY = {
    "Bernoulli": (Bernoulli(), ANY | {*FAMILY}, Real()),
    "Gamma": (Gamma(), AROUND_MEAN | {*FAMILY}, Positive()),
    "Gamma, log": (
        Gamma(per_feature=True, link="log"),
        ANY | {"slopes", *FAMILY},
        Real(),
    ),
    "Gaussian": (Gaussian(), AROUND_MEAN | {*FAMILY}, Real()),
    "Gaussian, fixed": (
        Gaussian(per_feature=True, floor=np.array([0.1, 0.2]), learned=False),
        AROUND_MEAN | {*FAMILY},
        Real(),
    ),
    "NegativeBinomial": (NegativeBinomial(), AROUND_MEAN, Positive()),
    "Poisson": (Poisson(), AROUND_MEAN | {*FAMILY}, Positive()),
    "Poisson, log": (Poisson(link="log"), ANY | {"slopes", *FAMILY}, Real()),
    "StudentT": (StudentT(dof=5.0), AROUND_MEAN | {"relative_precision"}, Real()),
    "StudentT, fixed": (
        StudentT(learned_dof=False, floor=0.1),
        AROUND_MEAN | {"relative_precision"},
        Real(),
    ),
}
EVERY = pytest.mark.parametrize("name", REGISTRY)
LOCATION = np.array([[0.5, 2.0]]) * np.ones((50, 1))


def rng():
    return np.random.default_rng(0)


def rows():
    """Entries that every likelihood takes."""
    return (rng().random((50, 2)) < 0.5) * 0.5 + 0.5


def test_no_likelihood_is_left_out():
    covered = {type(likelihood).__name__ for likelihood, *_ in REGISTRY.values()}
    assert covered == set(likelihoods.__all__) - {"Likelihood", "check_likelihood"}


@EVERY
@pytest.mark.parametrize("law", PART_LAWS)
def test_law(law, name):
    law(REGISTRY[name][0])


@EVERY
def test_a_clone_behaves_alike(name):
    noise, copy = REGISTRY[name][0], clone(REGISTRY[name][0])
    params = noise.init_params(rows(), LOCATION, rng())
    assert_same(params, copy.init_params(rows(), LOCATION, rng()))
    x = noise.sample(params, LOCATION, rng())
    np.testing.assert_array_equal(x, copy.sample(params, LOCATION, rng()))
    np.testing.assert_array_equal(
        noise.log_density(params, LOCATION, x), copy.log_density(params, LOCATION, x)
    )
    assert repr(noise.constraints) == repr(copy.constraints)


@EVERY
def test_capabilities_are_methods_that_are_there(name):
    likelihood, expected, _ = REGISTRY[name]
    assert capabilities(likelihood, MAY) == expected


@EVERY
def test_locations_live_where_declared(name):
    likelihood, _, support = REGISTRY[name]
    assert likelihood.location_support == support
    assert support.contains(likelihood.location_of(rows()))


@EVERY
def test_every_likelihood_passes_its_check(name):
    check_likelihood(REGISTRY[name][0])


@EVERY
def test_its_own_samples_are_entries_that_it_takes(name):
    likelihood = REGISTRY[name][0]
    params = likelihood.init_params(rows(), LOCATION, rng())
    x = likelihood.sample(params, LOCATION, rng())
    x[3, 1] = np.nan  # missing entries are no matter
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        likelihood.check_entries(x)


COUNTS = [NegativeBinomial(), Poisson(), Poisson(link="log")]
REFUSED = [
    *((noise, -1.0, "non-negative entries") for noise in COUNTS),
    *((noise, np.inf, "non-negative entries") for noise in COUNTS),
    (Gamma(), 0.0, "positive entries"),
    (Gamma(link="log"), -2.0, "positive entries"),
    (Gamma(), np.inf, "positive entries"),
    (Bernoulli(), -0.5, "entries between 0 and 1"),
    (Bernoulli(), 2.0, "entries between 0 and 1"),
    (Gaussian(), np.inf, "finite entries"),
    (StudentT(), -np.inf, "finite entries"),
]


@pytest.mark.parametrize(("likelihood", "entry", "expected"), REFUSED)
def test_entries_that_it_could_not_have_made_are_refused(likelihood, entry, expected):
    X = rows()
    X[0, 0] = np.nan
    likelihood.check_entries(X)
    X[3, 1] = entry
    name = type(likelihood).__name__
    message = rf"{name} needs {expected}; X has {entry:.3g} in row 3, column 1. Leave such"
    with pytest.raises(ValueError, match=message):
        likelihood.check_entries(X)


@pytest.mark.parametrize(
    ("likelihood", "entry"),
    [
        *((noise, 2.5) for noise in COUNTS),  # decimals
        *((noise, 0.0) for noise in COUNTS),
        *((Bernoulli(), entry) for entry in (0.0, 0.3, 1.0)),
        (Gaussian(), -1e6),
        (Gamma(), 1e-9),
    ],
)
def test_entries_on_the_border_are_taken(likelihood, entry):
    likelihood.check_entries(np.full((2, 2), entry))


class LaplaceNoise(Likelihood):
    def sample(self, params, location, rng):
        return rng.laplace(location)

    def log_density(self, params, location, X):
        return -np.abs(X - location) - np.log(2.0)


def changed(**attributes):
    return type("Changed", (LaplaceNoise,), attributes)()


def test_a_likelihood_of_ones_own_needs_two_methods_and_has_no_more():
    noise, X = LaplaceNoise(), rows()
    check_likelihood(noise)
    assert capabilities(noise, MAY) == set()
    assert noise.constraints == noise.init_params(X, LOCATION, None) == {}
    assert noise.location_of(X) is X and noise.scale({}) == 1.0
    assert not noise.gaussian and not noise.counts and noise.advice is None
    assert repr(noise) == "LaplaceNoise()"


def test_a_noise_variance_says_that_the_location_is_the_mean():
    noise = changed(noise_variance=lambda self, params, location: 2.0 + 0 * location)
    assert capabilities(noise, MAY) == {"mean", "noise_variance"}
    assert noise.mean({}, LOCATION) is LOCATION
    with pytest.raises(AttributeError, match="has no attribute 'mean'"):
        LaplaceNoise().mean({}, LOCATION)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (Gaussian, r"must be a Likelihood; got the class Gaussian. Write Gaussian\(...\)"),
        ("gaussian", "must be a Likelihood; got 'gaussian'. Give one of skaws.likelihoods"),
        (Laplace(2), "must be a Likelihood; got Laplace.* of skaws.priors.laplace"),
        (changed(sample=None), "Changed lacks the method sample, which every Likelihood"),
        (
            changed(location_support="nonnegative"),
            "Changed.location_support must be a Support .* got 'nonnegative'",
        ),
        (
            changed(natural_parameters=0, log_normalizer=0),
            "Changed has the method natural_parameters of an exponential family but lacks "
            "sufficient_statistics, log_base_measure. Write all four, or none.",
        ),
    ],
)
def test_what_a_model_refuses(wrong, message):
    with pytest.raises(TypeError, match=message):
        check_likelihood(wrong)
