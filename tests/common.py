"""What several test files need."""

from copy import copy
from importlib.metadata import version

import numpy as np
import pytest
from autograd import make_vjp

from skaws.decoders import Linear
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.models import LatentVariableModel
from skaws.posteriors import Exact
from skaws.priors import Gaussian
from skaws.wake_sleep import sleep


def newer_than_1_8(package):
    """Mark of a test of what a package has learnt since."""
    own = tuple(map(int, version(package).split(".")[:2]))
    return pytest.mark.skipif(own <= (1, 8), reason=f"{package} is older")


def altered(thing, **attributes):
    """A copy of `thing` with some attributes or methods replaced."""
    other = copy(thing)
    for name, value in attributes.items():
        setattr(other, name, value)
    return other


def gaussian_model(n_latents=2, **likelihood):
    """Factor analysis, with options of its likelihood."""
    return LatentVariableModel(Gaussian(n_latents), Linear(), GaussianNoise(**likelihood))


def gaussian_params(n_latents, n_features, rng):
    """Params of a `gaussian_model` with nothing special about them."""
    return {
        "prior": {},
        "decoder": {
            "components": rng.standard_normal((n_latents, n_features)),
            "mean": rng.standard_normal(n_features),
        },
        "likelihood": {"noise_variance": rng.uniform(0.5, 2.0, n_features)},
    }


def with_holes(X, share, rng):
    """A copy of X with a `share` of its entries missing."""
    return np.where(rng.random(X.shape) < share, np.nan, X)


def assert_means(values, expected, n_errors=5):
    """Column means of independent rows lie within some standard errors of `expected`.

    At 5 standard errors chance fails one right column in two million seeds.
    """
    error = np.std(values, axis=0) / np.sqrt(len(values))
    assert np.all(np.abs(np.mean(values, axis=0) - expected) < n_errors * error)


def flat(gradient):
    """A gradient as one flat vector."""
    parts = [
        flat(part) if isinstance(part, dict) else np.ravel(part)
        for part in gradient.values()
    ]
    return np.concatenate(parts)


def small_gaussian():
    """A model of one factor, its start, simulations, and rows with their weights."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((50, 1)) + rng.standard_normal((50, 4))
    model = gaussian_model(1)
    params = model.init_params(X, rng)
    simulations = sleep(model, params, Exact(), 400, rng)
    return model, params, simulations, X, np.full(50, 1 / 50)


def assert_tape_agrees_with_differences(function, start, h=1e-6):
    """Autograd's derivative along a random line is that of central differences."""
    rng = np.random.default_rng(1)
    pull_back, value = make_vjp(function)(start)
    direction, weights = rng.standard_normal(start.shape), rng.standard_normal(value.shape)
    by_tape = pull_back(weights) @ direction
    ahead, behind = (function(start + h * s * direction) for s in (1, -1))
    by_difference = np.sum(weights * (ahead - behind)) / (2 * h)
    np.testing.assert_allclose(by_tape, by_difference, rtol=1e-6, atol=1e-6)
