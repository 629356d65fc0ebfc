"""The plan is read off the model."""

import numpy as np
import pytest

from skaws.decoders import MLP, Linear
from skaws.estimators.plans import plan_for
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.likelihoods import Poisson, StudentT
from skaws.models import FunctionModel, LatentVariableModel
from skaws.priors import (
    Bernoulli,
    Beta,
    Categorical,
    Gamma,
    Gaussian,
    GaussianMixture,
    Laplace,
    Sphere,
    UniformCircle,
)
from skaws.regression import BoundedEstimate, ObservedInputs

PLANS = [
    (Categorical(4), MLP((5,)), GaussianNoise(), "summed"),
    (Bernoulli(5), Linear(), GaussianNoise(), "summed"),
    (Bernoulli(9), Linear(), GaussianNoise(), "residual"),
    (Gaussian(2), Linear(), StudentT(), "residual"),
    (Gamma(2), Linear(nonnegative=True), Poisson(), "residual"),
    (UniformCircle(), MLP((5,)), StudentT(), "bayes"),
    (Sphere(3), Linear(), GaussianNoise(), "bayes"),
    (Sphere(3), MLP((5,)), GaussianNoise(), "bayes"),
    (GaussianMixture(2, 3), MLP((5,)), GaussianNoise(), "draws"),
    (Beta(2), MLP((5,)), GaussianNoise(), "draws"),
    (Gaussian(4), MLP((5,)), GaussianNoise(), "draws"),
    (Bernoulli(9), MLP((5,)), GaussianNoise(), "residual"),
]


@pytest.mark.parametrize(("prior", "decoder", "likelihood", "name"), PLANS)
def test_plan_of_parts(prior, decoder, likelihood, name):
    rng = np.random.default_rng(0)
    model = LatentVariableModel(prior, decoder, likelihood)
    params = model.init_params(rng.gamma(2.0, size=(50, 4)), rng)
    assert plan_for(model, params, rng).name == name


@pytest.mark.parametrize(
    ("prior", "likelihood", "kind"),
    [
        (Gaussian(2), GaussianNoise(), BoundedEstimate),
        (Gaussian(2), StudentT(), BoundedEstimate),
        (Bernoulli(9), GaussianNoise(), BoundedEstimate),
        (Laplace(2), GaussianNoise(), ObservedInputs),
        (Beta(2), GaussianNoise(), ObservedInputs),
    ],
)
def test_residual_is_taken_from_draws_unless_an_estimate_can_be_relied_on(
    prior, likelihood, kind
):
    rng = np.random.default_rng(0)
    model = LatentVariableModel(prior, Linear(), likelihood)
    params = model.init_params(rng.standard_normal((50, 4)), rng)
    assert isinstance(plan_for(model, params, rng).make_estimate(), kind)


@pytest.mark.parametrize(("n_values", "name"), [(32, "summed"), (33, "residual")])
def test_few_values_are_summed_over(n_values, name):
    def sample(params, n_samples, rng):
        z = (np.arange(n_samples) % n_values)[:, None].astype(float)
        return z, z + rng.standard_normal((n_samples, 1))

    model = FunctionModel(sample, None, None)
    assert plan_for(model, {}, np.random.default_rng(0)).name == name


def test_plan_by_name_is_the_one_that_is_taken():
    rng = np.random.default_rng(0)
    model = LatentVariableModel(Gaussian(2), Linear(), GaussianNoise())
    params = model.init_params(rng.standard_normal((50, 4)), rng)
    for name in ("bayes", "draws", "residual"):
        assert plan_for(model, params, rng, name).name == name


def in_a_dictionary(params, n_samples, rng):
    z = rng.standard_normal((n_samples, 1))
    return {"z": z}, z + rng.standard_normal((n_samples, 2))


@pytest.mark.parametrize(
    ("model", "name", "match"),
    [
        (FunctionModel(in_a_dictionary, None, None), "draws", "an array"),
        (FunctionModel(in_a_dictionary, None, None), "bayes", "log_likelihood"),
        (FunctionModel(in_a_dictionary, None, None), "summed", "at most 32 values"),
        (LatentVariableModel(Gaussian(1), Linear(), GaussianNoise()), "summed", "32"),
        (LatentVariableModel(Bernoulli(9), Linear(), GaussianNoise()), "draws", "labels"),
    ],
)
def test_plan_that_a_model_is_not_made_for_is_refused(model, name, match):
    rng = np.random.default_rng(0)
    params = {}
    if isinstance(model, LatentVariableModel):
        params = model.init_params(rng.standard_normal((50, 4)), rng)
    with pytest.raises(
        ValueError, match=f"plan='{name}' needs .*{match}.* plan=None takes"
    ):
        plan_for(model, params, rng, name)
