"""Laws of a model made of three plain functions."""

import doctest

import numpy as np
import pytest

from skaws.bijectors import Positive
from skaws.checks import check_model
from skaws.models import FunctionModel


@pytest.fixture
def example():
    """The model of the docstring's example."""
    namespace = {"FunctionModel": FunctionModel}
    exec(doctest.script_from_examples(FunctionModel.__doc__), namespace)
    return namespace["model"]


def test_example_of_the_docstring_obeys_the_laws_of_models(example):
    X = np.random.default_rng(0).poisson(2.0, (100, 1)).astype(float)
    check_model(example, X)


def test_functions_get_the_arguments_and_their_answers_come_back():
    def answer(name):
        return lambda *args: (name, args)

    model = FunctionModel(answer("sample"), answer("log_joint"), answer("init_params"))
    assert model.sample("params", 3, "rng") == ("sample", ("params", 3, "rng"))
    assert model.log_joint("params", "z", "x") == ("log_joint", ("params", "z", "x"))
    assert model.init_params("X", "rng") == ("init_params", ("X", "rng"))


def test_what_was_not_given_is_not_claimed(example):
    X = np.zeros((3, 1))
    assert example.constraints == {}
    assert example.n_latents is None and not example.allows_missing
    for formula in (example.latent_estimate, example.posterior_mean, example.log_marginal):
        assert formula({"mean": 0.0}, X) is None
    assert example.location({"mean": 0.0}, X) is None


def test_expected_log_joint_is_the_weighted_sum(example):
    rng, params = np.random.default_rng(0), {"mean": 0.3}
    z, x = example.sample(params, 10, rng)
    weights = rng.standard_normal((4, 10))
    got = example.expected_log_joint(params, z, x, weights, x[:4])
    np.testing.assert_allclose(got, weights @ example.log_joint(params, z, x))


def test_constraints_say_how_a_step_moves_a_parameter(example):
    model = FunctionModel(None, None, None, constraints={"rate": Positive()})
    moved = model.move({"rate": 2.0, "mean": 2.0}, {"rate": 1.0, "mean": 1.0})
    assert moved["rate"] == pytest.approx(2 * np.e) and moved["mean"] == 3.0


def test_support_of_latents_that_is_not_known_is_refused():
    with pytest.raises(ValueError, match="latent_support must be 'real'.*got 'positive'"):
        FunctionModel(None, None, None, latent_support="positive")
