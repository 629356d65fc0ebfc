"""Which proposal a model gets, and which gets none."""

import numpy as np
import pytest

from skaws import decoders, likelihoods, priors
from skaws.evaluation import importance_posterior
from skaws.models import FunctionModel, LatentVariableModel
from skaws.proposals import make_proposal

GAUSSIAN, BERNOULLI = likelihoods.Gaussian(), likelihoods.Bernoulli()
NETWORK, LINEAR = decoders.MLP((3,)), decoders.Linear()
PARTS, LOG_ODDS = decoders.Linear(nonnegative=True), decoders.LogOdds()


class WithoutSlopes(likelihoods.Gamma):
    """As users may write one: `slopes` is for those who want the faster proposal."""

    slopes = likelihoods.Likelihood.slopes


CHOICES = [
    (priors.Gaussian(2), LINEAR, GAUSSIAN, "StudentProposal"),
    (priors.Laplace(2), LINEAR, GAUSSIAN, "StudentProposal"),
    (priors.Gaussian(2), LINEAR, likelihoods.StudentT(), "ReweightedProposal"),
    (priors.Gamma(2), PARTS, GAUSSIAN, "GammaProposal"),
    (priors.Gamma(2), PARTS, likelihoods.Gamma(), "GammaProposal"),
    (priors.Gamma(2), PARTS, WithoutSlopes(), "ModeProposal"),
    (priors.Gamma(2), LINEAR, GAUSSIAN, "ModeProposal"),
    (priors.UnitUniform(2), LOG_ODDS, BERNOULLI, "LogOddsProposal"),
    (priors.UnitUniform(2), LOG_ODDS, GAUSSIAN, "ModeProposal"),
    (priors.UnitUniform(2), LINEAR, GAUSSIAN, "ModeProposal"),
    (priors.Gaussian(2), NETWORK, GAUSSIAN, "ModeProposal"),
    (priors.UniformCircle(), NETWORK, GAUSSIAN, "ModeProposal"),
    (priors.Categorical(3), LINEAR, GAUSSIAN, "EnumeratedProposal"),
    (priors.Bernoulli(4), NETWORK, BERNOULLI, "EnumeratedProposal"),
    (priors.Bernoulli(9), NETWORK, BERNOULLI, "NoneType"),
]


@pytest.mark.parametrize(("prior", "decoder", "likelihood", "name"), CHOICES)
def test_parts_say_what_suits_them_and_it_gives_finite_answers(
    prior, decoder, likelihood, name
):
    model, rng = LatentVariableModel(prior, decoder, likelihood), np.random.default_rng(0)
    X = np.ceil(2 * rng.random((20, 3))) - (likelihood is BERNOULLI)
    params = model.init_params(X, rng)
    assert type(make_proposal(model, params, 16)).__name__ == name
    if name != "NoneType":
        log_marginal, mean = importance_posterior(model, params, X, n_draws=16)
        assert np.isfinite(log_marginal).all() and np.isfinite(mean).all()


def sample_path(params, n_samples, rng):
    return {"path": rng.standard_normal((n_samples, 3))}, np.zeros((n_samples, 1))


def sample_real(params, n_samples, rng):
    return rng.standard_normal((n_samples, 1)), np.zeros((n_samples, 1))


@pytest.mark.parametrize("sample", [sample_path, sample_real])
def test_latents_of_unknown_support_have_no_proposal(sample):
    model = FunctionModel(sample, None, None)
    assert make_proposal(model, {}, 16) is None
    with pytest.raises(NotImplementedError, match="no log_marginal"):
        importance_posterior(model, {}, np.zeros((2, 1)))


def test_labels_of_too_many_values_are_told_so():
    model = LatentVariableModel(priors.Bernoulli(9), LINEAR, GAUSSIAN)
    X = np.random.default_rng(0).standard_normal((20, 3))
    params = model.init_params(X, np.random.default_rng(1))
    with pytest.raises(NotImplementedError, match="too many values to be summed over"):
        importance_posterior(model, params, X)
