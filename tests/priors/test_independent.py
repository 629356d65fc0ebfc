"""Laws of priors side by side; those of sources stand in test_sources.py."""

import numpy as np
import pytest

from skaws.checks import ModelCheckError, check_model
from skaws.decoders import Linear
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.models import LatentVariableModel
from skaws.params import ParameterSpace
from skaws.priors import (
    Gaussian,
    GeneralizedNormal,
    Independent,
    Laplace,
    Mixed,
    StudentT,
    Uniform,
)

from ..common import altered

MIXING = np.array([[1.5, -0.4], [0.7, 0.8]])
PARTS = [Laplace(1), Mixed(GeneralizedNormal(2)), Uniform(2), StudentT(1)]
PARAMS = {
    "1": {"mixing": MIXING, "sources": {"shape": np.array([0.7, 8.0])}},
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
    space = ParameterSpace(start, prior.constraints)
    assert space.size == 4 + 2 + 1
    assert space.name(6) == "3.dof[0]"
    without = Independent([Laplace(1), Gaussian(2)])
    assert without.init_params(None, None) == without.constraints == {}


def test_moments_are_side_by_side(prior):
    mean, factor = prior.moments(PARAMS)
    expected = np.eye(6)
    expected[1:3, 1:3] = MIXING.T @ MIXING
    np.testing.assert_array_equal(mean, np.zeros(6))
    np.testing.assert_allclose(factor.T @ factor, expected, atol=1e-12)


def test_a_part_without_moments_leaves_none():
    secretive = altered(Gaussian(1), moments=lambda params: None)
    assert Independent([Gaussian(1), secretive]).moments({}) is None


def test_gaussian_if_all_parts_are():
    assert Independent([Gaussian(1), Gaussian(2)]).gaussian
    assert not Independent([Gaussian(1), Laplace(2)]).gaussian


def test_steps_are_those_of_the_parts(prior):
    D = np.array([[0.1, -0.2], [0.3, 0.05]])
    own = {"mixing": D, "sources": {"shape": np.ones(2)}}
    step = prior.in_units({"1": own, "3": {"dof": np.ones(1)}}, PARAMS)
    part = prior.parts[1].in_units(own, PARAMS["1"])
    np.testing.assert_array_equal(step["1"]["mixing"], part["mixing"])
    assert not np.allclose(step["1"]["mixing"], D)
    np.testing.assert_array_equal(step["1"]["sources"]["shape"], part["sources"]["shape"])
    np.testing.assert_array_equal(step["3"]["dof"], np.ones(1))


def test_parts_of_different_support_are_refused():
    positive = altered(Laplace(1), support="nonnegative")
    assert Independent([positive, positive]).support == "nonnegative"
    message = "one support; got Gaussian real, Laplace nonnegative. Choose priors"
    with pytest.raises(ValueError, match=message):
        Independent([Gaussian(1), positive])


def test_no_parts_are_refused():
    with pytest.raises(ValueError, match="one or more parts .* got none"):
        Independent([])


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
