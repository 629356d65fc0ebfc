"""Small models of every kind of latents, and what tests do with their posteriors."""

import autograd.numpy as anp
import numpy as np
from autograd.extend import Box
from scipy.special import logsumexp

from skaws import decoders, likelihoods, priors
from skaws.models import FunctionModel, LatentVariableModel
from skaws.simulations import simulate
from skaws.spaces import columns_of, map_leaves
from skaws.supports import Binary, OneHot, Positive, Real, Sphere

LOG_2PI = np.log(2 * np.pi)
CENTRES = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]])


# Functions.


def gaussian_entries(error, deviation):
    constant = np.log(deviation) + 0.5 * LOG_2PI
    return anp.sum(-0.5 * (error / deviation) ** 2 - constant, axis=1)


def sample_waiting(params, n_samples, rng):
    z = rng.exponential(size=(n_samples, 1))
    return z, z + 0.5 * rng.standard_normal((n_samples, 1))


def waiting_log_joint(params, z, x):
    seen = ~np.isnan(x)
    error = anp.where(seen, np.where(seen, x, 0.0) - z, 0.0)
    constant = np.log(0.5) + 0.5 * LOG_2PI
    return -z[:, 0] - anp.sum(seen * constant + 0.5 * (error / 0.5) ** 2, axis=1)


def sample_tree(params, n_samples, rng):
    latents = {
        "levels": {"rate": rng.gamma(3.0, size=(n_samples, 1))},
        "shift": rng.standard_normal((n_samples, 2)),
    }
    location = latents["levels"]["rate"] + latents["shift"]
    return latents, location + 0.5 * rng.standard_normal((n_samples, 2))


def tree_log_joint(params, latents, x):
    rate, shift = latents["levels"]["rate"], latents["shift"]
    log_prior = 2 * anp.log(rate[:, 0]) - rate[:, 0] - np.log(2.0)
    log_prior = log_prior + gaussian_entries(shift, 1.0)
    return log_prior + gaussian_entries(x - rate - shift, 0.5)


def sample_path(params, n_samples, rng):
    path = np.cumsum(rng.standard_normal((n_samples, 3, 1)), axis=1)
    return path, path[:, :, 0] + rng.standard_normal((n_samples, 3))


def path_log_joint(params, path, x):
    steps = path[:, 1:, 0] - path[:, :-1, 0]
    log_prior = gaussian_entries(path[:, :1, 0], 1.0) + gaussian_entries(steps, 1.0)
    return log_prior + gaussian_entries(x - path[:, :, 0], 1.0)


def sample_direction(params, n_samples, rng):
    z = rng.standard_normal((n_samples, 3))
    direction = z / np.linalg.norm(z, axis=1, keepdims=True)
    level = rng.standard_normal((n_samples, 1))
    x = np.hstack([direction, level]) + 0.5 * rng.standard_normal((n_samples, 4))
    return {"direction": direction, "level": level}, x


def direction_log_joint(params, latents, x):
    direction, level = latents["direction"], latents["level"]
    log_prior = -np.log(4 * np.pi) + gaussian_entries(level, 1.0)
    location = anp.concatenate([direction, level], axis=1)
    return log_prior + gaussian_entries(x - location, 0.5)


def sample_directions(params, n_samples, rng):
    z = rng.standard_normal((n_samples, 2, 3))
    directions = z / np.linalg.norm(z, axis=2, keepdims=True)
    x = directions.reshape(n_samples, 6) + 0.5 * rng.standard_normal((n_samples, 6))
    return directions, x


def directions_log_joint(params, directions, x):
    location = anp.reshape(directions, (len(x), 6))
    return -2 * np.log(4 * np.pi) + gaussian_entries(x - location, 0.5)


def sample_labels(params, n_samples, rng):
    label = np.eye(3)[rng.integers(3, size=n_samples)]
    present = rng.integers(2, size=(n_samples, 2)) * 1.0
    location = label @ CENTRES + present
    noise = rng.standard_normal((n_samples, 2))
    return {"label": label, "present": present}, location + noise


def labels_log_joint(params, latents, x):
    location = anp.dot(latents["label"], CENTRES) + latents["present"]
    return -np.log(12.0) + gaussian_entries(x - location, 1.0)


FUNCTIONS = {
    "waiting": (sample_waiting, waiting_log_joint, Positive()),
    "tree": (
        sample_tree,
        tree_log_joint,
        {"levels": {"rate": Positive()}, "shift": Real()},
    ),
    "path": (sample_path, path_log_joint, Real()),
    "direction": (
        sample_direction,
        direction_log_joint,
        {"direction": Sphere(), "level": Real()},
    ),
    "directions": (sample_directions, directions_log_joint, Sphere()),
    "labels": (sample_labels, labels_log_joint, {"label": OneHot(), "present": Binary()}),
}


def function_model(name):
    sample, log_joint, support = FUNCTIONS[name]
    return FunctionModel(sample, log_joint, None, latent_support=support), {}


# Parts.

COMPONENTS = np.array([[5.0, 0.1, 1.0, 0.1, 0.1, 0.1], [0.1, 3.0, 0.1, 6.0, 0.1, 0.1]])
NOISES = {
    "Poisson": (likelihoods.Poisson(), {}),
    "Gaussian": (likelihoods.Gaussian(), {"noise_variance": 1.0}),
    "NegativeBinomial": (likelihoods.NegativeBinomial(), {"size": 2.0}),
    "Gamma": (likelihoods.Gamma(), {"shape": 2.0}),
    "StudentT": (likelihoods.StudentT(), {"scale": 1.0, "dof": 4.0}),
}


def gamma_model(name, k):
    """Gamma latents of which one is mostly near zero."""
    likelihood, noise = NOISES[name]
    params = {
        "prior": {"shape": np.array([0.2, 1.5])[:k]},
        "decoder": {"components": COMPONENTS[:k]},
        "likelihood": noise,
    }
    prior, decoder = priors.Gamma(k), decoders.Linear(nonnegative=True)
    return LatentVariableModel(prior, decoder, likelihood), params


def binary_model(k, n_features=6):
    rng = np.random.default_rng(0)
    components = rng.gamma(1, 1, (k, n_features))
    params = {"decoder": {"components": components, "intercept": np.zeros(n_features)}}
    prior, decoder = priors.UnitUniform(k), decoders.LogOdds()
    return LatentVariableModel(prior, decoder, likelihoods.Bernoulli()), params


def linear_model(prior, likelihood=None, noise=None, n_features=5):
    """Real latents under a linear map that is nothing special."""
    rng = np.random.default_rng(2)
    components = rng.standard_normal((prior.n_latents, n_features))
    params = {
        "prior": prior.init_params(None, None),
        "decoder": {"components": components, "mean": np.ones(n_features)},
        "likelihood": {"noise_variance": 0.5} if noise is None else noise,
    }
    likelihood = likelihoods.Gaussian() if likelihood is None else likelihood
    return LatentVariableModel(prior, decoders.Linear(), likelihood), params


def robust_model(k, dof=4.0):
    noise = {"scale": 0.5, "dof": dof}
    return linear_model(priors.Gaussian(k), likelihoods.StudentT(), noise, 10)


def network_model(prior, n_features=5, noise_variance=0.5):
    rng = np.random.default_rng(0)
    model = LatentVariableModel(prior, decoders.MLP((10,)), likelihoods.Gaussian())
    params = model.init_params(rng.standard_normal((100, n_features)), rng)
    params["likelihood"]["noise_variance"] = noise_variance
    return model, params


# What is done with them.


def fitted(posterior, model, params, n_simulations=300, seed=0):
    """A posterior fitted on simulations of the model."""
    rng = np.random.default_rng(seed)
    simulations = simulate(model, params, n_simulations, rng)
    return posterior.fit(model, params, simulations, rng)


def merged(latents):
    """Draws (n_samples, m, ...) as one row each."""
    return map_leaves(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), latents)


def log_weights(posterior, model, params, X, n_samples, seed=0, common=True):
    """Draws as columns, (n, m, k), and their log importance weights, (n, m)."""
    rng = np.random.default_rng(seed)
    latents, log_prob = posterior.sample(X, n_samples, rng, common)
    flat = merged(latents)
    with np.errstate(all="ignore"):
        log_joint = model.log_joint(params, flat, np.tile(X, (n_samples, 1)))
    columns = columns_of(flat).reshape(n_samples, len(X), -1)
    return columns, log_joint.reshape(log_prob.shape) - log_prob


def importance(posterior, model, params, X, n_samples=200, seed=0):
    """Log marginal and posterior mean of each row by importance sampling."""
    columns, weights = log_weights(posterior, model, params, X, n_samples, seed)
    total = logsumexp(weights, axis=0)
    mean = np.einsum("nm,nmk->mk", np.exp(weights - total), columns)
    return total - np.log(n_samples), mean


class Guarded:
    """A model whose log joint raises at latents outside of the space."""

    def __init__(self, model, space):
        self._model, self._space = model, space
        self.n_calls = 0

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._model, name)

    def log_joint(self, params, latents, observations):
        self._check(latents)
        return self._model.log_joint(params, latents, observations)

    def _check(self, latents):
        self.n_calls += 1
        outside = self._space.outside(map_leaves(without_tape, latents))
        if outside is not None:
            raise AssertionError(f"log joint outside of the support of {outside}")


def without_tape(array):
    while isinstance(array, Box):
        array = array._value
    return array
