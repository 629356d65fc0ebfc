"""Laws of a model made of three plain functions."""

import doctest

import numpy as np
import pytest
from sklearn.base import clone

from skaws.checks import check_model
from skaws.models import FunctionModel
from skaws.objectives import expected_log_joint
from skaws.supports import Positive, Real


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
    assert not example.constraints and example.latent_support is None
    assert not example.allows_missing and example.n_given == 0
    formulas = (
        "posterior", "linear_moments", "location", "log_likelihood", "log_joint_matrix",
        "expected_log_joint",
    )  # fmt: skip
    assert not any(hasattr(example, formula) for formula in formulas)
    assert getattr(example, "log_prior", None) is None


def test_expected_log_joint_is_the_weighted_sum(example):
    rng, params = np.random.default_rng(0), {"mean": 0.3}
    z, x = example.sample(params, 10, rng)
    weights = rng.choice([-1.0, 1.0], (4, 10)) + 0.1 * rng.standard_normal((4, 10))
    got = expected_log_joint(example, params, z, weights, x[:4])
    expected = [
        own @ example.log_joint(params, z, np.tile(row, (10, 1)))
        for own, row in zip(weights, x[:4], strict=True)
    ]
    np.testing.assert_allclose(got, expected)


def test_constraints_say_how_a_step_moves_a_parameter():
    model = FunctionModel(None, None, None, constraints={"rate": Positive()})
    moved = model.move({"rate": 2.0, "mean": 2.0}, {"rate": 1.0, "mean": 1.0})
    assert moved["rate"] == pytest.approx(2 * np.e) and moved["mean"] == 3.0


def test_without_constraints_all_params_are_real():
    moved = FunctionModel(None, None, None).move({"mean": -2.0}, {"mean": 1.0})
    assert moved["mean"] == -1.0


@pytest.mark.parametrize(
    ("support", "name"),
    [
        ("positive", "latent_support"),
        (Positive, "latent_support"),
        ({"z": Real(), "inner": {"w": "real"}}, "latent_support.inner.w"),
    ],
)
def test_support_of_latents_that_is_none_is_refused_by_its_path(support, name):
    with pytest.raises(TypeError, match=f"^{name} of FunctionModel must be a Support"):
        FunctionModel(None, None, None, latent_support=support)


def test_model_is_like_scikit_learns(example):
    again = clone(example)
    assert again.log_joint is example.log_joint and again is not example
    names = set(example.get_params())
    assert names == {
        "sample", "log_joint", "init_params", "constraints", "latent_support",
        "allows_missing", "log_prior",
    }  # fmt: skip
