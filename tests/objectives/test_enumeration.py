"""Latents of few values are summed over exactly."""

import autograd.numpy as anp
import numpy as np
import pytest
from scipy.special import softmax

from skaws.decoders import Linear
from skaws.evaluation import exact_score_gradient
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.models import FunctionModel, LatentVariableModel
from skaws.objectives import EnumeratedLikelihood, RealRows
from skaws.posteriors import Enumeration
from skaws.priors import Bernoulli, Categorical
from skaws.regression import MeanRegression
from skaws.spaces import Space
from skaws.supports import Binary, OneHot
from skaws.wake_sleep import sleep, wake

from ..common import with_holes


def woken(model, params, simulations, X):
    how = EnumeratedLikelihood(), MeanRegression()
    weights = np.full(len(X), 1 / len(X))
    rng = np.random.default_rng(0)
    return wake(model, params, simulations, X, weights, *how, rng=rng)


@pytest.fixture
def labels():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 3))
    model = LatentVariableModel(Categorical(3), Linear(), GaussianNoise())
    return model, model.init_params(X, rng), X


def test_gradient_is_exact(labels):
    model, params, X = labels
    simulations = sleep(model, params, Enumeration(), 50, np.random.default_rng(0))
    found = woken(model, params, simulations, X).gradient
    expected = exact_score_gradient(model, params, X)
    space = Space(params, model.constraints)
    for part in ("components", "mean"):
        np.testing.assert_allclose(
            space.split(found)["decoder"][part], expected["decoder"][part]
        )


@pytest.mark.parametrize("declared", [OneHot(), None], ids=["declared", "read off"])
def test_values_that_do_not_come_again_are_remembered(labels, declared):
    model, params, X = labels
    # As three functions: values are those of the space, not of the last simulations.
    functions = FunctionModel(
        model.sample, model.log_joint, None, model.constraints, latent_support=declared
    )
    gradients, previous, rng = [], None, np.random.default_rng(0)
    for n_simulations in (60, 1):
        how = functions, params, Enumeration(), n_simulations, rng
        simulations = sleep(*how, previous=previous)
        previous = simulations.posterior
        gradients.append(woken(functions, params, simulations, X).gradient)
    assert len(np.unique(simulations.latents, axis=0)) == 1
    np.testing.assert_allclose(gradients[0], gradients[1])


@pytest.mark.parametrize("share", [0.0, 0.3], ids=["complete", "with holes"])
@pytest.mark.parametrize("n_latents", [3, 7])
def test_matrix_of_the_model_is_the_log_joint_of_all_pairs(n_latents, share):
    rng = np.random.default_rng(0)
    model = LatentVariableModel(Bernoulli(n_latents), Linear(), GaussianNoise())
    params = model.init_params(rng.standard_normal((40, 4)), rng)
    X = with_holes(rng.standard_normal((10, 4)), share, rng)
    simulations = sleep(model, params, Enumeration(), 20, rng)
    functions = FunctionModel(
        model.sample, model.log_joint, None, model.constraints, latent_support=Binary()
    )
    results = []
    for own in (model, functions):
        pairs = EnumeratedLikelihood().pairs(
            own, params, simulations, RealRows(X, np.full(10, 0.1)), None, rng
        )
        results.append(EnumeratedLikelihood().values(own, params, pairs))
    assert len(results[0]) == 10 * 2**n_latents
    np.testing.assert_allclose(*results, rtol=1e-10)


def test_weights_are_the_posterior_of_every_value(labels):
    model, params, X = labels
    simulations = sleep(model, params, Enumeration(), 50, np.random.default_rng(0))
    row_weights = np.random.default_rng(1).dirichlet(np.ones(40))
    real, own = RealRows(X, row_weights), EnumeratedLikelihood()
    pairs = own.pairs(model, params, simulations, real, None, None)
    found = own.weigh(own.values(model, params, pairs), pairs, model, None)
    log_joint = [
        model.log_joint(params, np.tile(value, (40, 1)), X)
        for value in simulations.space.values()
    ]
    expected = softmax(log_joint, axis=0).T * row_weights[:, None]
    np.testing.assert_allclose(found.values.reshape(40, 3), expected)
    assert not found.simulations.any() and found.error == 0.0


def test_latents_in_a_dictionary_are_summed_over_too():
    def sample(params, n_samples, rng):
        z = {
            "class": np.eye(2)[rng.integers(2, size=n_samples)],
            "on": rng.integers(2, size=(n_samples, 1)) * 1.0,
        }
        location = z["class"] @ params["mean"] + z["on"]
        return z, location + rng.standard_normal((n_samples, 2))

    def log_joint(params, z, x):
        error = x - anp.dot(z["class"], params["mean"]) - z["on"]
        return -0.5 * anp.sum(error**2, axis=1)

    support = {"class": OneHot(), "on": Binary()}
    model = FunctionModel(sample, log_joint, None, latent_support=support)
    params = {"mean": np.array([[0.0, 1.0], [2.0, -1.0]])}
    rng = np.random.default_rng(0)
    simulations = sleep(model, params, Enumeration(), 30, rng)
    X = simulations.observations[:10]
    found = woken(model, params, simulations, X).gradient.reshape(2, 2)
    expected = np.zeros((2, 2))
    for x in X:
        values = [(k, on) for k in range(2) for on in (0.0, 1.0)]
        errors = np.array([x - params["mean"][k] - on for k, on in values])
        posterior = softmax(-0.5 * np.sum(errors**2, axis=1))
        for (k, _), error, share in zip(values, errors, posterior, strict=True):
            expected[k] += share * error / len(X)
    np.testing.assert_allclose(found, expected, rtol=1e-8)


def test_row_that_no_value_explains_is_told(labels):
    model, params, X = labels
    simulations = sleep(model, params, Enumeration(), 50, np.random.default_rng(0))

    def log_joint(params, z, x):
        return anp.where(x[:, 0] > 100, -np.inf, model.log_joint(params, z, x))

    wrong = FunctionModel(model.sample, log_joint, None, model.constraints)
    rows = X.copy()
    rows[7] = 200.0
    with (
        pytest.raises(FloatingPointError, match=r"minus infinity for the row \[200"),
        np.errstate(all="ignore"),
    ):
        woken(wrong, params, simulations, rows)
