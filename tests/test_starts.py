"""Starts near the rows."""

import autograd.numpy as anp
import numpy as np
import pytest
from scipy.stats import multivariate_normal

from skaws import AmortisedLearner
from skaws.decoders import Linear
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.models import FunctionModel, LatentVariableModel
from skaws.priors import Gaussian
from skaws.starts import nearer_start
from skaws.supports import Positive


def sample(params, n_samples, rng):
    z = params["level"] + rng.standard_normal((n_samples, 1))
    return z, z + params["noise"] * rng.standard_normal((n_samples, 2))


def log_joint(params, z, x):
    errors = anp.hstack([z - params["level"], (x - z) / params["noise"]])
    constant = 2 * anp.log(params["noise"]) + 1.5 * np.log(2 * np.pi)
    return -0.5 * anp.sum(errors**2, axis=1) - constant


def make_model(level=0.0, noise=1.0):
    start = {"level": level, "noise": noise}
    return FunctionModel(sample, log_joint, lambda X, rng: start, {"noise": Positive()})


def rows(level, noise, n_rows=400):
    params = {"level": level, "noise": noise}
    return sample(params, n_rows, np.random.default_rng(1))[1]


@pytest.mark.parametrize("level", [20.0, -50.0, 1e4, 1e7])
def test_fit_from_a_far_start_is_at_the_maximum(level):
    # Starts at 0 ended half way, with a noise that bridged the gap: -6.7 and -10.3 nats a
    # row where -2.5 is the maximum.  Whitened sums and differences have a closed form.
    X = rows(level, 0.5)
    learner = AmortisedLearner(make_model(), max_iter=400, random_state=0).fit(X)

    def log_likelihood(level, noise):
        covariance = np.ones((2, 2)) + noise**2 * np.eye(2)
        return multivariate_normal([level] * 2, covariance).logpdf(X).mean()

    best = log_likelihood(X.mean(), np.std(X[:, 0] - X[:, 1]) / np.sqrt(2))
    found = log_likelihood(**{name: float(v) for name, v in learner.params_.items()})
    assert best - found < 0.01
    assert learner.converged_


def test_shared_noise_of_columns_of_other_units_stays():
    # It is far from the deviations of all columns but one, and right.
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 3)) * [1e-3, 1.0, 1e4]
    model = LatentVariableModel(Gaussian(1), Linear(), GaussianNoise())
    params = model.init_params(X, rng)
    assert nearer_start(model, params, X) is params


@pytest.mark.parametrize("missing", [0.0, 0.4])
def test_near_starts_stay(missing):
    X = rows(1.0, 0.5)
    X[np.random.default_rng(0).random(X.shape) < missing] = np.nan
    params = {"level": 0.0, "noise": 1.0}
    assert nearer_start(make_model(), params, X) is params


def test_params_that_moments_say_nothing_of_stay():
    def with_a_shape(params, n_samples, rng):
        return sample(params, n_samples, rng)

    model = FunctionModel(with_a_shape, None, None, {"noise": Positive()})
    params = {"level": 0.0, "noise": 0.5, "shape": np.ones(3)}
    moved = nearer_start(model, params, rows(100.0, 0.5))
    assert abs(moved["level"] - 100.0) < 0.5
    np.testing.assert_array_equal(moved["shape"], params["shape"])


def test_starts_that_cannot_be_moved_stay():
    def failing(params, n_samples, rng):
        latents, observations = sample(params, n_samples, rng)
        return latents, np.where(params["level"] == 0, observations, np.inf)

    X, params = rows(100.0, 0.5), {"level": 0.0, "noise": 1.0}
    model = FunctionModel(failing, None, None, {"noise": Positive()})
    assert nearer_start(model, params, X) is params
    many = {**params, "weights": np.zeros(60)}
    assert nearer_start(make_model(), many, X) is many
    constant = np.full((10, 2), 100.0)
    assert nearer_start(make_model(), params, constant) is params
