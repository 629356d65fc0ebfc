"""Latents of few values are summed over."""

import numpy as np
import pytest
from scipy.special import logsumexp, softmax

from skaws import priors
from skaws.models import FunctionModel
from skaws.posteriors import Enumeration, enumeration
from skaws.simulations import latent_space
from skaws.spaces import columns_of, rows_of

from ..common import assert_means
from .models import fitted, function_model, network_model


def by_bayes(model, params, space, X):
    """Log joints of every value, (n_values, m), and the values as columns."""
    values = space.values()
    columns = columns_of(values)
    rows = [rows_of(values, np.full(len(X), i)) for i in range(len(columns))]
    return np.array([model.log_joint(params, z, X) for z in rows]), columns


CASES = {
    "class": (network_model, priors.Categorical(3)),
    "binary": (network_model, priors.Bernoulli(4)),
    "tree": (function_model, "labels"),
}


@pytest.mark.parametrize("case", CASES)
def test_answers_are_those_of_bayes_rule(case):
    make, argument = CASES[case]
    model, params = make(argument)
    X = model.sample(params, 20, np.random.default_rng(0))[1]
    posterior = fitted(Enumeration(), model, params)
    log_joint, columns = by_bayes(model, params, posterior.space, X)
    np.testing.assert_allclose(posterior.log_marginal(X), logsumexp(log_joint, axis=0))
    expected = softmax(log_joint, axis=0).T @ columns
    np.testing.assert_allclose(columns_of(posterior.mean(X)), expected, atol=1e-12)


def test_draws_come_as_often_as_their_probability_says():
    model, params = function_model("labels")
    X = model.sample(params, 3, np.random.default_rng(0))[1]
    posterior = fitted(Enumeration(), model, params)
    latents, log_prob = posterior.sample(X, 5000, np.random.default_rng(1))
    log_joint, _ = by_bayes(model, params, posterior.space, X)
    own = model.log_joint(params, rows_of(latents, 7), X) - logsumexp(log_joint, axis=0)
    np.testing.assert_allclose(log_prob[7], own)
    for row in range(3):
        expected = columns_of(rows_of(posterior.mean(X), [row]))[0]
        drawn = columns_of({name: leaf[:, row] for name, leaf in latents.items()})
        assert_means(drawn, expected)


def test_chunks_change_nothing(monkeypatch):
    model, params = network_model(priors.Categorical(3))
    X = model.sample(params, 20, np.random.default_rng(0))[1]
    posterior = fitted(Enumeration(), model, params)
    expected = posterior.mean(X), posterior.log_marginal(X)
    monkeypatch.setattr(enumeration, "CHUNK_NUMBERS", 7)
    np.testing.assert_allclose(posterior.mean(X), expected[0])
    np.testing.assert_allclose(posterior.log_marginal(X), expected[1])


@pytest.mark.parametrize(("n_latents", "suits"), [(8, True), (12, True), (13, False)])
def test_with_a_matrix_of_log_joints_there_may_be_4096_values(n_latents, suits):
    model, params = network_model(priors.Bernoulli(n_latents), 20)
    space = latent_space(model, params)
    assert Enumeration().suits(model, params, space) is suits


@pytest.mark.parametrize(("n_latents", "suits"), [(8, True), (9, False)])
def test_without_one_there_may_be_256(n_latents, suits):
    whole, params = network_model(priors.Bernoulli(n_latents), 20)
    support = whole.latent_support
    plain = FunctionModel(whole.sample, whole.log_joint, None, latent_support=support)
    assert Enumeration().suits(plain, params, latent_space(plain, params)) is suits


def test_too_many_values_are_told_so():
    model, params = network_model(priors.Bernoulli(13), 20)
    with pytest.raises(ValueError, match="take too many values to be summed over"):
        fitted(Enumeration(), model, params)


def test_real_latents_have_no_values():
    model, params = function_model("waiting")
    assert not Enumeration().suits(model, params, latent_space(model, params))
