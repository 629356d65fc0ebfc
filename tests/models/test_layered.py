"""Layers of latents: laws of models, exact answers, and what is refused."""

import numpy as np
import pytest

from skaws import AmortisedLearner
from skaws.checks import check_model
from skaws.decoders import MLP, Linear
from skaws.likelihoods import Bernoulli as BinaryNoise
from skaws.likelihoods import Gamma as GammaNoise
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.likelihoods import Poisson
from skaws.models import LatentVariableModel, LayeredModel
from skaws.priors import Bernoulli, Categorical, Gamma, Gaussian

PARTS = Linear(nonnegative=True)


def topics(least_shape=0.2):
    noise = GammaNoise(least_shape=least_shape)
    return LayeredModel(Gamma(2), [(4, PARTS, noise)], PARTS, Poisson())


def rows_of(name, rng):
    if name == "gamma":
        return rng.poisson(3.0, (60, 10)).astype(float)
    if name == "binary":
        return (rng.random((60, 8)) < 0.4).astype(float)
    return rng.standard_normal((60, 6)) @ rng.standard_normal((6, 6))


MODELS = {
    "gamma": topics(),
    "gaussian": LayeredModel(
        Gaussian(2), [(3, MLP((5,)), GaussianNoise())], Linear(), GaussianNoise()
    ),
    "binary": LayeredModel(
        Bernoulli(2), [(3, Linear(), BinaryNoise())], Linear(), BinaryNoise()
    ),
    "three": LayeredModel(
        Gaussian(1),
        [(2, Linear(), GaussianNoise()), (3, Linear(), GaussianNoise())],
        Linear(),
        GaussianNoise(),
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_it_obeys_the_laws_of_models(name):
    rng = np.random.default_rng(0)
    check_model(MODELS[name], rows_of(name, rng))


@pytest.mark.parametrize("name", MODELS)
def test_log_likelihood_is_the_log_joint_less_that_of_latents(name):
    rng = np.random.default_rng(0)
    model, X = MODELS[name], rows_of(name, rng)[:5]
    params = model.init_params(X, rng)
    latents, _ = model.sample(params, 5, rng)
    X[0, 0] = np.nan
    matrix = model.log_likelihood(params, latents, X)
    # Differences of rows do not see what is said of latents.
    for row in range(1, 5):
        rolled = {key: np.roll(z, row, axis=0) for key, z in latents.items()}
        found = model.log_joint(params, rolled, X) - model.log_joint(
            params, rolled, np.tile(X[:1], (5, 1))
        )
        exact = [matrix[i, (i - row) % 5] - matrix[0, (i - row) % 5] for i in range(5)]
        np.testing.assert_allclose(found, exact, atol=1e-9)


def test_linear_gaussian_layers_score_as_one_layer():
    # z1 = a z2 + e1, x = z1 b + e: one Gaussian layer, whose likelihood is exact.
    rng = np.random.default_rng(0)
    model = LayeredModel(
        Gaussian(1), [(1, Linear(), GaussianNoise())], Linear(), GaussianNoise()
    )
    X = rng.standard_normal((400, 1)) * [[1.0, -1.0, 0.5]] + 0.5 * rng.standard_normal(
        (400, 3)
    )
    learner = AmortisedLearner(model, max_iter=300, random_state=0).fit(X)
    params = learner.params_
    layer, b = params["layer_1"], params["decoder"]["components"]
    a, m = layer["decoder"]["components"], layer["decoder"]["mean"]
    inner = a.T @ a + layer["likelihood"]["noise_variance"] * np.eye(1)
    covariance = b.T @ inner @ b + params["likelihood"]["noise_variance"] * np.eye(3)
    mean = m @ b + params["decoder"]["mean"]
    away = X - mean
    exact = -0.5 * (
        np.sum(away @ np.linalg.inv(covariance) * away, axis=1)
        + np.linalg.slogdet(2 * np.pi * covariance)[1]
    )
    assert learner.score(X) == pytest.approx(exact.mean(), abs=0.05)


def test_columns_of_transform_go_back_to_layers():
    rng = np.random.default_rng(0)
    X = rows_of("gamma", rng)
    learner = AmortisedLearner(topics(), max_iter=30, random_state=0).fit(X)
    latents = learner.transform(X)
    layers = learner.model.by_layer(latents)
    assert {name: z.shape for name, z in layers.items()} == {
        "layer_2": (60, 2),
        "layer_1": (60, 4),
    }
    np.testing.assert_allclose(
        learner.inverse_transform(latents),
        layers["layer_1"] @ learner.params_["decoder"]["components"],
    )


def test_shapes_of_layers_stay_above_their_floor():
    rng = np.random.default_rng(0)
    learner = AmortisedLearner(topics(0.5), max_iter=50, random_state=0)
    learner.fit(rows_of("gamma", rng))
    assert np.all(learner.params_["layer_1"]["likelihood"]["shape"] > 0.5)
    with pytest.raises(ValueError, match="least_shape must be 0 or more"):
        GammaNoise(least_shape=-1.0)


def test_what_are_no_layers_is_refused():
    with pytest.raises(TypeError, match="layers must be a list of"):
        LayeredModel(Gamma(2), [(PARTS, GammaNoise())], PARTS, Poisson())
    with pytest.raises(ValueError, match="are a mixture"):
        LayeredModel(Categorical(3), [], Linear(), GaussianNoise())
    with pytest.raises(ValueError, match="needs locations"):
        LayeredModel(Gaussian(2), [(3, Linear(), GammaNoise())], PARTS, Poisson())


def test_no_layers_between_are_the_model_of_one_layer():
    rng = np.random.default_rng(0)
    X = rows_of("gaussian", rng)
    one = LatentVariableModel(Gaussian(2), Linear(), GaussianNoise())
    same = LayeredModel(Gaussian(2), [], Linear(), GaussianNoise())
    params = one.init_params(X, np.random.default_rng(1))
    z, x = one.sample(params, 5, rng)
    np.testing.assert_allclose(
        same.log_joint(params, {"layer_1": z}, x), one.log_joint(params, z, x)
    )
