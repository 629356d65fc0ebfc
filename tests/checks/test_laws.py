"""Every wrong model breaks the law that it should, and is told of what is wrong."""

import re

import autograd.numpy as anp
import numpy as np
import pytest

from skaws import likelihoods, priors
from skaws.checks import ModelCheckError, check_model
from skaws.decoders import MLP, Chain, Elementwise, Linear
from skaws.models import FunctionModel, LatentVariableModel
from skaws.supports import Positive

from ..common import altered, gaussian_params
from .wrong import (
    LAWS,
    NEGATIVE_CONTROLS,
    RIGHT,
    derivative_lost,
    inflated,
    posterior_with,
    writing_into_params,
    wrong_derivative,
)


def broken_law(model, X, params=None):
    """The only finding of a check that does not hold."""
    with pytest.raises(ModelCheckError) as caught:
        check_model(model, X, params=params)
    (broken,) = [finding for finding in caught.value.report.findings if not finding.holds]
    return broken


def name_of(value):
    """What a negative control replaces its model's part by."""
    if isinstance(value, FunctionModel):
        return "wrong_support" if value.latent_support else "misspelt_constraint"
    parts = [part for part in vars(value).values() if hasattr(part, "__name__")]
    return parts[0].__name__


@pytest.mark.parametrize(
    ("wrong", "law"),
    NEGATIVE_CONTROLS,
    ids=[name_of(wrong) for wrong, _ in NEGATIVE_CONTROLS],
)
def test_wrong_model_breaks_the_law(wrong, law, X):
    assert broken_law(wrong, X).law == law


def test_sampler_inflated_by_a_tenth_is_far_out_and_names_a_parameter(X):
    detail = broken_law(altered(RIGHT, sample=inflated), X).detail
    distance, name = re.match(r"largest \|z\| = ([\d.]+) at (\S+) ", detail).groups()
    assert float(distance) > 6
    assert re.match(r"(decoder\.(components|mean)|likelihood\.noise_variance)\[", name)


@pytest.mark.parametrize(
    ("log_joint", "name"),
    [(wrong_derivative, r"decoder\.components\[0, 0\]"), (derivative_lost, "decoder.mean")],
)
def test_wrong_derivative_names_its_parameter(log_joint, name, X):
    finding = broken_law(altered(RIGHT, log_joint=log_joint), X)
    assert finding.law == LAWS[6]
    assert re.search(f"at {name}", finding.detail)


def part_models():
    """Models of every prior under a network, and every likelihood over linear means."""
    few = [
        (priors.Beta(2), MLP((4,)), likelihoods.Gaussian()),
        (priors.Bernoulli(3), MLP((4,)), likelihoods.Gaussian()),
        (priors.Categorical(3), Linear(), likelihoods.Gaussian(per_feature=True)),
        (priors.GaussianMixture(2, 3), Linear(), likelihoods.Gaussian()),
        (priors.UniformCircle(), MLP((4,)), likelihoods.Gaussian()),
        (
            priors.Sphere(3),
            Chain([MLP((4,)), Elementwise("softplus")]),
            likelihoods.Gaussian(),
        ),
        (priors.Gaussian(2), Linear(), likelihoods.StudentT()),
        (priors.Gamma(2), Linear(nonnegative=True), likelihoods.Gamma()),
    ]
    for prior, decoder, likelihood in few:
        name = "-".join(type(part).__name__ for part in (prior, decoder, likelihood))
        yield pytest.param(LatentVariableModel(prior, decoder, likelihood), id=name)


@pytest.mark.parametrize("model", list(part_models()))
def test_tenth_too_much_is_seen_in_models_of_all_parts(model):
    X = np.random.default_rng(0).gamma(2.0, size=(100, 4))
    check_model(model, X)

    def inflated(params, n_samples, rng):
        z, x = model.sample(params, n_samples, rng)
        return z, 1.1 * x

    detail = broken_law(altered(model, sample=inflated), X).detail
    distance, name = re.match(r"largest \|z\| = ([\d.]+) at (\S+) ", detail).groups()
    assert float(distance) > 6
    assert name.partition(".")[0] in ("decoder", "likelihood")


def test_sampler_that_writes_is_told_to_copy(X):
    detail = broken_law(altered(RIGHT, sample=writing_into_params), X).detail
    assert "copy before writing" in detail


def test_sampler_that_writes_into_the_middle_of_a_long_array_is_seen():
    def writing(params, n_samples, rng):
        params["decoder"]["mean"][700] += 1e-9
        return RIGHT.sample(params, n_samples, rng)

    rng = np.random.default_rng(0)
    params, X = gaussian_params(2, 1400, rng), rng.standard_normal((20, 1400))
    detail = broken_law(altered(RIGHT, sample=writing), X, params).detail
    assert "copy before writing" in detail


@pytest.mark.parametrize("latent", [0, 1])
def test_wrong_posterior_mean_names_the_latent(latent, X):
    def one_wrong(mean):
        return mean * np.where(np.arange(2) == latent, 0.8, 1.0)

    detail = broken_law(altered(RIGHT, posterior=posterior_with(one_wrong)), X).detail
    assert f" at latent {latent} " in detail


def sample_times(params, n_samples, rng):
    z = rng.exponential(1 / params["rate"], (n_samples, 1))
    return z, z + params["sd"] * rng.standard_normal((n_samples, 1))


def log_joint_of_fixed_error(params, z, x):
    log_prior = anp.log(params["rate"]) - params["rate"] * z[:, 0]
    return log_prior - 2 * (x - z)[:, 0] ** 2


FIXED_ERROR = FunctionModel(
    sample_times,
    log_joint_of_fixed_error,
    lambda X, rng: {"rate": 1.0, "sd": 0.5},
    {"rate": Positive(), "sd": Positive()},
)


def test_parameter_that_the_log_joint_forgets_is_named(X):
    finding = broken_law(FIXED_ERROR, X[:, :1])
    assert finding.law == LAWS[7]
    assert finding.detail == "sample depends on sd, but log_joint does not"


def test_parameter_that_nothing_depends_on_is_no_fault(X):
    def init_params(X, rng):
        return {**RIGHT.init_params(X, rng), "spare": np.zeros(2)}

    functions = RIGHT.sample, RIGHT.log_joint, init_params
    check_model(FunctionModel(*functions, RIGHT.constraints), X)


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        (lambda z, x: x, "expected a pair"),
        (lambda z, x: (z.tolist(), x), "latents as list"),
        (lambda z, x: (z[:, 0], x), "two axes"),
        (lambda z, x: (x, z), "latents first"),
        (lambda z, x: (z, x + 0j), "dtype complex128"),
        (lambda z, x: ({"path": z[1:]}, x), r"latents\['path'\] of shape \(49, 2\)"),
    ],
    ids=["one array", "list", "no columns", "swapped", "complex", "dictionary"],
)
def test_what_sample_returned_is_described(returned, words, X):
    def sample(params, n_samples, rng):
        return returned(*RIGHT.sample(params, n_samples, rng))

    finding = broken_law(altered(RIGHT, sample=sample), X)
    assert finding.law == LAWS[1] and re.search(words, finding.detail)


def test_log_joint_that_returns_a_list_is_described(X):
    def log_joint(params, z, x):
        return list(RIGHT.log_joint(params, z, x))

    assert "returned a list" in broken_law(altered(RIGHT, log_joint=log_joint), X).detail
