"""Laws of priors side by side; those of sources stand in test_sources.py."""

import numpy as np
import pytest

from skaws.checks import ModelCheckError, check_model
from skaws.decoders import Linear
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.models import LatentVariableModel
from skaws.priors import (
    Categorical,
    Gamma,
    Gaussian,
    GaussianMixture,
    GeneralizedNormal,
    Independent,
    Laplace,
    Prior,
    Sphere,
    StudentT,
    Uniform,
)
from skaws.spaces import Space
from skaws.supports import Columns, OneHot, Positive, Real
from skaws.supports import Sphere as OnSphere

from ..common import altered
from ..part_laws import capabilities

PARTS = [Laplace(1), GaussianMixture(2, 2), Uniform(2), StudentT(1)]
PARAMS = {
    "1": {
        "weight": np.array([0.3, 0.7]),
        "mean": np.array([[1.0, 2.0], [-1.0, 0.5]]),
        "sd": np.array([[0.5, 1.0], [2.0, 0.3]]),
    },
    "3": {"dof": np.array([5.0])},
}


@pytest.fixture
def prior():
    return Independent(PARTS)


@pytest.fixture
def columns():
    """A part's latents each, drawn one part after the other."""
    rng = np.random.default_rng(0)
    owns = [PARAMS.get(str(i), {}) for i in range(len(PARTS))]
    return [part.sample(own, 20, rng) for part, own in zip(PARTS, owns, strict=True)]


def test_columns_are_those_of_the_parts_in_order(prior, columns):
    z = prior.sample(PARAMS, 20, np.random.default_rng(0))
    assert prior.n_latents == 6
    np.testing.assert_array_equal(z, np.hstack(columns))


def test_log_densities_add(prior, columns):
    owns = [PARAMS.get(str(i), {}) for i in range(len(PARTS))]
    expected = sum(
        part.log_density(own, z) for part, own, z in zip(PARTS, owns, columns, strict=True)
    )
    found = prior.log_density(PARAMS, np.hstack(columns))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_only_parts_with_params_have_an_entry(prior):
    start = prior.init_params(np.zeros((5, 8)), np.random.default_rng(0))
    assert set(start) == set(prior.constraints) == {"1", "3"}
    space = Space(start, prior.constraints)
    assert space.size == 1 + 4 + 4 + 1
    assert space.name(9) == "3.dof[0]"
    without = Independent([Laplace(1), Gaussian(2)])
    assert without.init_params(None, None) == without.constraints == {}


def test_moments_are_side_by_side(prior):
    mean, factor = prior.moments(PARAMS)
    own_mean, own_factor = PARTS[1].moments(PARAMS["1"])
    expected = np.eye(6)
    expected[1:3, 1:3] = own_factor.T @ own_factor
    np.testing.assert_array_equal(mean, [0.0, *own_mean, 0.0, 0.0, 0.0])
    np.testing.assert_allclose(factor.T @ factor, expected, atol=1e-12)


def test_information_is_side_by_side():
    shift, stretch = Independent([Gaussian(2), Laplace(1)]).information({})
    assert shift.tolist() == [1.0, 1.0, 2.0] and stretch.tolist() == [2.0, 2.0, 1.0]


class Secretive(Prior):
    n_latents = 1
    sample = log_density = None


def test_what_one_part_does_not_know_the_whole_does_not_know(prior):
    names = {"moments", "information"}
    assert capabilities(prior, names) == {"moments"}  # a mixture has no information
    assert capabilities(Independent([Gaussian(1), Laplace(2)]), names) == names
    whole = Independent([Gaussian(1), Gaussian(1)])
    whole.parts[1] = Secretive()
    assert capabilities(whole, names) == set()
    with pytest.raises(AttributeError, match="has no attribute 'moments'"):
        whole.moments({})


def test_gaussian_if_all_parts_are():
    assert Independent([Gaussian(1), Gaussian(2)]).gaussian
    assert not Independent([Gaussian(1), Laplace(2)]).gaussian


def test_steps_are_those_of_the_parts(prior):
    own = {"mean": np.ones((2, 2)), "sd": np.ones((2, 2)), "weight": np.ones(1)}
    step = prior.in_units({"1": own, "3": {"dof": np.ones(1)}}, PARAMS)
    part = prior.parts[1].in_units(own, PARAMS["1"])
    np.testing.assert_array_equal(step["1"]["mean"], part["mean"])
    assert not np.allclose(step["1"]["mean"], own["mean"])
    np.testing.assert_array_equal(step["3"]["dof"], np.ones(1))


LABEL, RATE = Categorical(3), Gamma(2)


@pytest.mark.parametrize(
    ("parts", "support"),
    [
        ([RATE, Gamma(1)], Positive()),
        ([Gaussian(1), RATE], Columns([(Real(), 1), (Positive(), 2)])),
        ([LABEL, Laplace(1)], Columns([(OneHot(), 3), (Real(), 1)])),
        # Rows of the whole are no rows of the parts.
        ([LABEL, Categorical(2)], Columns([(OneHot(), 3), (OneHot(), 2)])),
        ([Sphere(2), Sphere(3)], Columns([(OnSphere(), 2), (OnSphere(), 3)])),
        ([LABEL], OneHot()),
        (
            [Independent([LABEL, RATE]), Gaussian(1)],
            Columns([(OneHot(), 3), (Positive(), 2), (Real(), 1)]),
        ),
    ],
)
def test_support_is_that_of_all_parts_or_of_each(parts, support):
    prior = Independent(parts)
    assert prior.support == support
    rng = np.random.default_rng(0)
    z = prior.sample(prior.init_params(None, rng), 100, rng)
    assert support.contains(z)
    if isinstance(support, Columns):
        assert not support.contains(z[:, ::-1])


@pytest.mark.parametrize("parts", [[], (), Gaussian(2)])
def test_no_parts_are_refused(parts):
    with pytest.raises(ValueError, match="Independent needs a list of one or more priors"):
        Independent(parts)


@pytest.mark.parametrize("wrong", ["gaussian", Gaussian, Linear()])
def test_a_part_that_is_no_prior_is_refused(wrong):
    with pytest.raises(TypeError, match="must be a Prior; got"):
        Independent([Gaussian(1), wrong])


def swapped(prior):
    """Samples with their columns in reverse order."""
    return altered(prior, sample=lambda *arguments: prior.sample(*arguments)[:, ::-1])


def test_check_model_passes_and_finds_swapped_columns():
    rng = np.random.default_rng(0)
    X = rng.laplace(size=(200, 2)) @ rng.standard_normal((2, 4))
    prior = Independent([GeneralizedNormal(1), GeneralizedNormal(1, shape=6.0)])
    model = LatentVariableModel(prior, Linear(), GaussianNoise())
    assert all(finding.holds for finding in check_model(model, X).findings)
    with pytest.raises(ModelCheckError):
        check_model(altered(model, prior=swapped(prior)), X)
