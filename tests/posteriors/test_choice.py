"""Which posterior a model gets, and that it gives finite answers."""

import numpy as np
import pytest

from skaws import decoders, likelihoods, priors
from skaws.models import FunctionModel, LatentVariableModel
from skaws.posteriors import SHELF, posterior_for

from .models import FUNCTIONS, fitted, function_model, importance

GAUSSIAN, BERNOULLI = likelihoods.Gaussian(), likelihoods.Bernoulli()
NETWORK, LINEAR = decoders.MLP((3,)), decoders.Linear()
PARTS, LOG_ODDS = decoders.Linear(nonnegative=True), decoders.LogOdds()


class WithoutSlopes(likelihoods.Likelihood):
    """As users may write one: `slopes` is for those who want the faster posterior."""

    location_support = likelihoods.Gamma().location_support

    def init_params(self, X, location, rng):
        return likelihoods.Gamma().init_params(X, location, rng)

    def sample(self, params, location, rng):
        return likelihoods.Gamma().sample(params, location, rng)

    def log_density(self, params, location, X):
        return likelihoods.Gamma().log_density(params, location, X)


CHOICES = [
    (priors.Gaussian(2), LINEAR, GAUSSIAN, "Exact()"),
    (priors.Laplace(2), LINEAR, GAUSSIAN, "Wide(posterior=LinearGaussian())"),
    (priors.Gaussian(2), LINEAR, likelihoods.StudentT(), "Wide(posterior=Robust())"),
    (priors.Gamma(2), PARTS, GAUSSIAN, "Gamma(n_steps=100)"),
    (priors.Gamma(2), PARTS, likelihoods.Gamma(), "Gamma(n_steps=100)"),
    (priors.Gamma(2), PARTS, WithoutSlopes(), "Laplace()"),
    (priors.Gamma(2), LINEAR, GAUSSIAN, "Laplace()"),
    (priors.UnitUniform(2), LOG_ODDS, BERNOULLI, "Logit(n_steps=100)"),
    (priors.UnitUniform(2), LOG_ODDS, GAUSSIAN, "Laplace()"),
    (priors.UnitUniform(2), LINEAR, GAUSSIAN, "Laplace()"),
    (priors.Gaussian(2), NETWORK, GAUSSIAN, "Laplace()"),
    (priors.UniformCircle(), NETWORK, GAUSSIAN, "Laplace()"),
    (priors.Categorical(3), LINEAR, GAUSSIAN, "Enumeration()"),
    (priors.Bernoulli(4), NETWORK, BERNOULLI, "Enumeration()"),
    (priors.Bernoulli(9), NETWORK, BERNOULLI, "Enumeration()"),
]


@pytest.mark.parametrize(("prior", "decoder", "likelihood", "name"), CHOICES)
def test_parts_say_what_suits_them_and_it_gives_finite_answers(
    prior, decoder, likelihood, name
):
    model, rng = LatentVariableModel(prior, decoder, likelihood), np.random.default_rng(0)
    X = np.ceil(2 * rng.random((20, 3))) - (likelihood is BERNOULLI)
    params = model.init_params(X, rng)
    posterior = posterior_for(model, params)
    assert repr(posterior) == name
    log_marginal, mean = importance(fitted(posterior, model, params), model, params, X, 16)
    assert np.isfinite(log_marginal).all() and np.isfinite(mean).all()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_get_the_one_that_suits_their_latents(name):
    expected = {"labels": "Enumeration()", "path": "Windowed()"}.get(name, "Laplace()")
    assert repr(posterior_for(*function_model(name))) == expected


def test_what_is_chosen_is_a_copy():
    chosen = posterior_for(*function_model("waiting"))
    assert all(chosen is not posterior for posterior in SHELF)


def sample_some_waits(params, n_samples, rng):
    waits = rng.exponential(size=(n_samples, 1)) * rng.integers(2, size=(n_samples, 1))
    return waits, np.zeros((n_samples, 1))


def test_latents_without_coordinates_get_none():
    # A waiting time that is zero for some has no density, and no few values.
    model = FunctionModel(sample_some_waits, None, None)
    assert repr(posterior_for(model, {})) == "NoPosterior()"
    posterior = fitted(posterior_for(model, {}), model, {})
    with pytest.raises(NotImplementedError, match="No posterior suits FunctionModel"):
        posterior.mean(np.zeros((2, 1)))
