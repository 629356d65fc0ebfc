"""What simulations tell of a model is what it is."""

import numpy as np
import pytest

from skaws.decoders import MLP, Linear
from skaws.estimators.traits import MANY_VALUES, are_hybrid, traits_of
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.likelihoods import StudentT
from skaws.models import FunctionModel, LatentVariableModel
from skaws.priors import Bernoulli, Categorical, Gaussian


def traits_of_parts(*parts):
    rng = np.random.default_rng(0)
    model = LatentVariableModel(*parts)
    return traits_of(model, model.init_params(rng.standard_normal((50, 4)), rng), rng)


@pytest.mark.parametrize(
    ("prior", "few_values", "labels"),
    [
        (Gaussian(2), False, False),
        (Categorical(MANY_VALUES), True, True),
        (Bernoulli(5), True, True),
        (Bernoulli(9), False, True),
    ],
)
def test_latents_of_few_values_and_labels_are_told_apart(prior, few_values, labels):
    traits = traits_of_parts(prior, MLP((3,)), GaussianNoise())
    assert (traits.few_values, traits.labels) == (few_values, labels)
    assert (traits.n_latents, traits.support) == (prior.n_latents, prior.support)


@pytest.mark.parametrize(
    ("decoder", "likelihood", "estimated", "knows_rows"),
    [
        (Linear(), GaussianNoise(), True, True),
        (MLP((3,)), GaussianNoise(), False, True),
        (MLP((3,)), StudentT(), False, False),
    ],
)
def test_formulas_of_parts_are_found(decoder, likelihood, estimated, knows_rows):
    traits = traits_of_parts(Gaussian(2), decoder, likelihood)
    assert traits.array and traits.known
    assert (traits.estimated, traits.knows_rows) == (estimated, knows_rows)


@pytest.mark.parametrize("array", [True, False])
def test_three_functions_have_no_formulas(array):
    def sample(params, n_samples, rng):
        z = rng.standard_normal((n_samples, 1))
        return z if array else {"z": z}, z

    traits = traits_of(FunctionModel(sample, None, None), {}, np.random.default_rng(0))
    assert traits.array == array and traits.n_latents == 1
    assert not (traits.known or traits.estimated or traits.knows_rows or traits.few_values)


def test_labels_beside_other_latents_are_hybrid():
    rng = np.random.default_rng(0)
    label, real = np.eye(3)[rng.integers(3, size=300)], rng.standard_normal((300, 2))
    assert are_hybrid(np.hstack([label, real]))
    assert not are_hybrid(label)
    assert not are_hybrid(real)
