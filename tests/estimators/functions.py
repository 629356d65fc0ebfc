"""Models as a user would write them, each of three plain functions."""

import autograd.numpy as anp
import numpy as np
from autograd.scipy.special import gammaln
from scipy.special import logsumexp

from skaws.models import FunctionModel
from skaws.supports import Interval, Positive, Simplex

LOG_2PI = np.log(2 * np.pi)


# Waiting times measured with error.


def sample_times(params, n_samples, rng):
    z = rng.exponential(1 / params["rate"], (n_samples, 1))
    return z, z + params["sd"] * rng.standard_normal((n_samples, 1))


def log_joint_of_times(params, z, x):
    log_prior = anp.log(params["rate"]) - params["rate"] * z[:, 0]
    log_prior = anp.where(z[:, 0] >= 0, log_prior, -np.inf)
    error = (x - z)[:, 0] / params["sd"]
    return log_prior - 0.5 * error**2 - anp.log(params["sd"]) - 0.5 * LOG_2PI


def start_of_times(X, rng):
    return {"rate": 1 / np.mean(X), "sd": np.std(X) / 2}


TIMES = {
    "sample": sample_times,
    "log_joint": log_joint_of_times,
    "init_params": start_of_times,
    "constraints": {"rate": Positive(), "sd": Positive()},
}


# A mixture of two Gaussians.


def sample_points(params, n_samples, rng):
    z = rng.multinomial(1, params["weight"], n_samples).astype(float)
    noise = rng.standard_normal((n_samples, 2))
    return z, z @ params["mean"] + (z @ params["sd"]) * noise


def log_joint_of_points(params, z, x):
    sd = anp.dot(z, params["sd"])
    error = (x - anp.dot(z, params["mean"])) / sd
    entries = -0.5 * error**2 - anp.log(sd) - 0.5 * LOG_2PI
    return anp.dot(z, anp.log(params["weight"])) + anp.sum(entries, axis=1)


def start_of_points(X, rng):
    return {
        "weight": np.array([0.5, 0.5]),
        "mean": X[rng.choice(len(X), 2, replace=False)],
        "sd": np.tile(X.std(axis=0), (2, 1)),
    }


POINTS = FunctionModel(
    sample_points,
    log_joint_of_points,
    start_of_points,
    {"weight": Simplex(), "sd": Positive()},
)


# Two classes, known by eight answers.


def sample_answers(params, n_samples, rng):
    z = rng.multinomial(1, params["weight"], n_samples).astype(float)
    return z, (rng.random((n_samples, 8)) < z @ params["item"]).astype(float)


def log_joint_of_answers(params, z, x):
    item = anp.dot(z, params["item"])
    entries = x * anp.log(item) + (1 - x) * anp.log(1 - item)
    return anp.dot(z, anp.log(params["weight"])) + anp.sum(entries, axis=1)


def start_of_answers(X, rng):
    shift = 0.15 * rng.standard_normal((2, X.shape[1]))
    item = np.clip(X.mean(axis=0) + shift, 0.05, 0.95)
    return {"weight": np.array([0.5, 0.5]), "item": item}


ANSWERS = FunctionModel(
    sample_answers,
    log_joint_of_answers,
    start_of_answers,
    {"weight": Simplex(), "item": Interval(0.0, 1.0)},
)


# Animals at a site, of which each visit sees some: hidden counts that bound the seen ones.


def sample_counts(params, n_samples, rng):
    z = rng.poisson(params["rate"], (n_samples, 1)).astype(float)
    seen = rng.binomial(z.astype(int), params["chance"], (n_samples, 3))
    return z, seen.astype(float)


def log_joint_of_counts(params, z, x):
    unseen = anp.maximum(z - x, 0.0)
    ways = gammaln(z + 1) - gammaln(x + 1) - gammaln(unseen + 1)
    chance = params["chance"]
    seen = anp.sum(ways + x * anp.log(chance) + unseen * anp.log1p(-chance), axis=1)
    z = z[:, 0]
    log_prior = z * anp.log(params["rate"]) - params["rate"] - gammaln(z + 1)
    return anp.where(np.all(x <= z[:, None], axis=1), log_prior + seen, -np.inf)


def start_of_counts(X, rng):
    return {"rate": 2 * np.mean(X), "chance": 0.5}


COUNTS = FunctionModel(
    sample_counts,
    log_joint_of_counts,
    start_of_counts,
    {"rate": Positive(), "chance": Interval(0.0, 1.0)},
)


# Points about an ellipse: the latent is an angle, which goes round.

ANGLES = np.linspace(-np.pi, np.pi, 200, endpoint=False)[:, None]


def on_ellipse(params, z):
    return params["axes"] * anp.concatenate([anp.cos(z), anp.sin(z)], axis=1)


def sample_ellipse(params, n_samples, rng):
    z = rng.uniform(-np.pi, np.pi, (n_samples, 1))
    return z, on_ellipse(params, z) + params["sd"] * rng.standard_normal((n_samples, 2))


def log_joint_of_ellipse(params, z, x):
    error = (x - on_ellipse(params, z)) / params["sd"]
    entries = -0.5 * error**2 - anp.log(params["sd"]) - 0.5 * LOG_2PI
    log_prior = anp.where(anp.abs(z[:, 0]) <= np.pi, -LOG_2PI, -np.inf)
    return log_prior + anp.sum(entries, axis=1)


def start_of_ellipse(X, rng):
    return {"axes": X.std(axis=0), "sd": 0.5}


ELLIPSE = {
    "sample": sample_ellipse,
    "log_joint": log_joint_of_ellipse,
    "init_params": start_of_ellipse,
    "constraints": {"axes": Positive(), "sd": Positive()},
}


def log_likelihood_on_ellipse(params, X):
    """Nats a row, by a sum over angles."""
    latents = np.repeat(ANGLES, len(X), axis=0)
    values = log_joint_of_ellipse(params, latents, np.tile(X, (len(ANGLES), 1)))
    cell = np.log(2 * np.pi / len(ANGLES))
    return np.mean(logsumexp(values.reshape(len(ANGLES), -1), axis=0)) + cell


# Counts of something that is there or is not, more of it here than there: a label and a
# real latent.


def sample_presence(params, n_samples, rng):
    there = rng.random((n_samples, 1)) < params["chance"]
    z = rng.standard_normal((n_samples, 1))
    rate = np.where(there, np.exp(params["level"] + params["slope"] * z), 0.1)
    return np.hstack([there, z]), rng.poisson(rate).astype(float)


def log_joint_of_presence(params, z, x):
    there = z[:, :1]
    log_rate = there * (params["level"] + params["slope"] * z[:, 1:])
    log_rate = log_rate + (1 - there) * np.log(0.1)
    chance = there * params["chance"] + (1 - there) * (1 - params["chance"])
    entries = x * log_rate - anp.exp(log_rate) - gammaln(x + 1)
    log_prior = anp.log(chance[:, 0]) - 0.5 * z[:, 1] ** 2 - 0.5 * LOG_2PI
    return log_prior + anp.sum(entries, axis=1)


def start_of_presence(X, rng):
    return {"level": np.log(X.mean(axis=0)), "slope": np.full(3, 0.5), "chance": 0.5}


PRESENCE = {
    "sample": sample_presence,
    "log_joint": log_joint_of_presence,
    "init_params": start_of_presence,
    "constraints": {"chance": Interval(0.0, 1.0)},
}


def log_likelihood_of_presence(params, X):
    """Nats a row, by a sum over presence and Gauss-Hermite nodes."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    terms = []
    for there in (0.0, 1.0):
        for node, weight in zip(nodes, weights, strict=True):
            z = np.tile([there, node], (len(X), 1))
            values = log_joint_of_presence(params, z, X)
            terms.append(values + 0.5 * node**2 + np.log(weight))
    return np.mean(logsumexp(terms, axis=0))


# Waiting times that are zero for some: no real coordinates, nor few values.


def sample_atoms(params, n_samples, rng):
    z = rng.exponential(1 / params["rate"], (n_samples, 1))
    z = np.where(rng.random((n_samples, 1)) < 0.3, 0.0, z)
    return z, z + params["sd"] * rng.standard_normal((n_samples, 1))


def log_joint_of_atoms(params, z, x):
    log_density = anp.log(0.7 * params["rate"]) - params["rate"] * z[:, 0]
    error = (x - z)[:, 0] / params["sd"]
    log_prior = anp.where(z[:, 0] == 0, np.log(0.3), log_density)
    return log_prior - 0.5 * error**2 - anp.log(params["sd"]) - 0.5 * LOG_2PI


ATOMS = {**TIMES, "sample": sample_atoms, "log_joint": log_joint_of_atoms}


# A level seen twice under noise: the simplest latents in a dictionary.


def sample_paths(params, n_samples, rng):
    z = params["level"] + rng.standard_normal((n_samples, 1))
    return {"path": z}, z + rng.standard_normal((n_samples, 2))


def log_joint_of_paths(params, z, x):
    z = z["path"]
    squares = (z - params["level"])[:, 0] ** 2 + anp.sum((x - z) ** 2, axis=1)
    return -0.5 * squares - 1.5 * LOG_2PI


def start_of_paths(X, rng):
    return {"level": 0.0}


PATHS = {
    "sample": sample_paths,
    "log_joint": log_joint_of_paths,
    "init_params": start_of_paths,
}
