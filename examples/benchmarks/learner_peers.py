"""Tables for bench_learner.py, models as a user would write them, and their peers."""

from itertools import pairwise
from time import process_time

import autograd.numpy as anp
import numpy as np
from autograd import grad
from scipy.optimize import minimize
from scipy.special import logsumexp
from scipy.stats import exponnorm, multivariate_normal
from sklearn.datasets import load_digits, load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from skaws.batches import mini_batches
from skaws.decoders import MLP
from skaws.models import FunctionModel
from skaws.moments import column_units
from skaws.optimizers import Adam
from skaws.spaces import Space
from skaws.supports import Interval, Positive, Simplex

LOG_2PI = np.log(2 * np.pi)

# %%
# Exponential waiting times, read with Gaussian error
# ---------------------------------------------------


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


WAITING = FunctionModel(
    sample_times,
    log_joint_of_times,
    start_of_times,
    {"rate": Positive(), "sd": Positive()},
)


def log_likelihood_of_times(rate, sd, X):
    """Exact, nats a row."""
    return np.mean(exponnorm.logpdf(X[:, 0], 1 / (rate * sd), 0, sd))


def maximum_likelihood_of_times(X):
    """Rate and sd that maximise the exact likelihood."""
    start = start_of_times(X, None)
    found = minimize(
        lambda logs: -log_likelihood_of_times(*np.exp(logs), X),
        np.log([start["rate"], start["sd"]]),
        method="Nelder-Mead",
    )
    return np.exp(found.x)


# %%
# Two factors, the latents in a dictionary, and nothing said of p(x | z)
# ----------------------------------------------------------------------


def sample_factors(params, n_samples, rng):
    z = rng.standard_normal((n_samples, 2))
    noise = rng.standard_normal((n_samples, len(params["sd"])))
    x = params["mean"] + z @ params["components"] + params["sd"] * noise
    return {"first": z[:, :1], "second": z[:, 1:]}, x


def log_joint_of_factors(params, latents, x):
    z = anp.concatenate([latents["first"], latents["second"]], axis=1)
    location = params["mean"] + anp.dot(z, params["components"])
    error = (x - location) / params["sd"]
    squares = anp.sum(z**2, axis=1) + anp.sum(error**2, axis=1)
    constant = anp.sum(anp.log(params["sd"])) + 0.5 * (2 + x.shape[1]) * LOG_2PI
    return -0.5 * squares - constant


def start_of_factors(X, rng):
    components = 0.3 * rng.standard_normal((2, X.shape[1]))
    return {"mean": X.mean(axis=0), "components": components, "sd": 0.8 * X.std(axis=0)}


FACTORS = FunctionModel(
    sample_factors, log_joint_of_factors, start_of_factors, {"sd": Positive()}
)


def log_likelihood_of_factors(params, X):
    """Exact, nats a row."""
    components = params["components"]
    covariance = components.T @ components + np.diag(params["sd"] ** 2)
    return np.mean(multivariate_normal.logpdf(X, params["mean"], covariance))


def rows_of_factors(table, seed):
    """Standardised wines, or rows of two factors."""
    if table == "wine":
        return StandardScaler().fit_transform(load_wine().data)
    rng = np.random.default_rng(seed)
    factors = rng.standard_normal((1000, 2)) @ rng.standard_normal((2, 6))
    return factors + 0.7 * rng.standard_normal((1000, 6))


# %%
# Labels: a Gaussian mixture and latent classes
# ---------------------------------------------


def sample_points(params, n_samples, rng):
    z = rng.multinomial(1, params["weight"], n_samples).astype(float)
    noise = rng.standard_normal((n_samples, params["mean"].shape[1]))
    return z, z @ params["mean"] + (z @ params["sd"]) * noise


def log_joint_of_points(params, z, x):
    sd = anp.dot(z, params["sd"])
    error = (x - anp.dot(z, params["mean"])) / sd
    entries = -0.5 * error**2 - anp.log(sd) - 0.5 * LOG_2PI
    return anp.dot(z, anp.log(params["weight"])) + anp.sum(entries, axis=1)


def mixture(n_components):
    """Gaussians with a diagonal covariance each, started at rows of X."""

    def start(X, rng):
        return {
            "weight": np.full(n_components, 1 / n_components),
            "mean": X[rng.choice(len(X), n_components, replace=False)],
            "sd": np.tile(X.std(axis=0), (n_components, 1)),
        }

    constraints = {"weight": Simplex(), "sd": Positive()}
    return FunctionModel(sample_points, log_joint_of_points, start, constraints)


def points(n_components, distance, seed, n_columns=2, sds=(0.5, 1.0)):
    """2000 rows of planted Gaussians, whose standard deviations lie between two bounds."""
    rng = np.random.default_rng(seed)
    truth = {
        "weight": rng.dirichlet(np.full(n_components, 5.0)),
        "mean": distance * rng.standard_normal((n_components, n_columns)),
        "sd": rng.uniform(*sds, (n_components, n_columns)),
    }
    return sample_points(truth, 2000, rng)[1]


def sample_answers(params, n_samples, rng):
    z = rng.multinomial(1, params["weight"], n_samples).astype(float)
    item = z @ params["item"]
    return z, (rng.random(item.shape) < item).astype(float)


def log_joint_of_answers(params, z, x):
    item = anp.dot(z, params["item"])
    entries = x * anp.log(item) + (1 - x) * anp.log(1 - item)
    return anp.dot(z, anp.log(params["weight"])) + anp.sum(entries, axis=1)


def classes(n_classes):
    """Latent classes of yes-or-no answers, started about the shares of yes."""

    def start(X, rng):
        shift = 0.15 * rng.standard_normal((n_classes, X.shape[1]))
        item = np.clip(X.mean(axis=0) + shift, 0.05, 0.95)
        return {"weight": np.full(n_classes, 1 / n_classes), "item": item}

    constraints = {"weight": Simplex(), "item": Interval(0.0, 1.0)}
    return FunctionModel(sample_answers, log_joint_of_answers, start, constraints)


def answers(n_classes, concentration, seed, n_rows=2000, n_items=10):
    """Rows of planted classes, which are alike where the `concentration` is large."""
    rng = np.random.default_rng(seed)
    truth = {
        "weight": rng.dirichlet(np.full(n_classes, 5.0)),
        "item": rng.beta(concentration, concentration, (n_classes, n_items)).clip(
            0.05, 0.95
        ),
    }
    return sample_answers(truth, n_rows, rng)[1]


def em_of_classes(X, n_classes, rng, n_steps=500):
    """Log-likelihood, nats a row, that exact EM comes to from a random start."""
    share = rng.dirichlet(np.ones(n_classes), len(X))
    for _ in range(n_steps):
        item = np.clip(share.T @ X / share.sum(axis=0)[:, None], 1e-4, 1 - 1e-4)
        log_joint = np.log(share.mean(axis=0)) + X @ np.log(item).T
        log_joint += (1 - X) @ np.log1p(-item).T
        log_likelihood = logsumexp(log_joint, axis=1)
        share = np.exp(log_joint - log_likelihood[:, None])
    return np.mean(log_likelihood)


# %%
# Digits, and a variational autoencoder with the same decoder
# -----------------------------------------------------------


def digits(seed, noise=0.05):
    """8 x 8 digits in [0, 1] with noise: training and test rows."""
    X = load_digits().data / 16
    X = X + noise * np.random.default_rng(seed).standard_normal(X.shape)
    return train_test_split(X, test_size=0.2, random_state=seed)


class Clock:
    """Full steps for six tenths of the seconds, then a linear decay to zero."""

    def __init__(self, seconds):
        self._seconds, self._start = seconds, process_time()

    def factor(self, gain):
        left = 1 - (process_time() - self._start) / self._seconds
        return np.clip(left / 0.4, 0.0, 1.0)


class Steps:
    """The same schedule, by the number of steps."""

    def __init__(self, n_steps):
        self._n_steps, self._n_taken = n_steps, 0

    def factor(self, gain):
        left = 1 - self._n_taken / self._n_steps
        self._n_taken += 1
        return np.clip(left / 0.4, 0.0, 1.0)


def variational_autoencoder(model, X, clock, rng, learning_rate=0.01, n_hidden=64):
    """Params of `model` by the evidence lower bound, and the number of steps taken.

    The recognition network has `n_hidden` tanh units and gives independent Gaussians.  The
    model starts as AmortisedLearner starts it; batches, optimiser and schedule are alike.
    """

    def noise(shape):
        return rng.standard_normal(shape)

    sizes = X.shape[1], n_hidden, 2 * model.prior.n_latents
    found = climb_bound(lower_bound, model, X, clock, rng, learning_rate, sizes, noise)
    return found[0], found[2]


def gumbel_autoencoder(model, X, clock, rng, learning_rate=0.01, n_hidden=64):
    """The same of binary codes, relaxed to numbers between 0 and 1 (Jang et al., 2017).

    With the weights of the recognition network, after the params.
    """

    def noise(shape):
        return rng.logistic(size=shape)

    sizes = X.shape[1], n_hidden, model.prior.n_latents
    return climb_bound(relaxed_bound, model, X, clock, rng, learning_rate, sizes, noise)


def climb_bound(bound, model, X, clock, rng, learning_rate, sizes, noise):
    """Params of the model, the recognition network, and the number of steps taken."""
    shapes = pairwise(sizes)
    encoder = {str(i): random_layer(shape, rng) for i, shape in enumerate(shapes)}
    params = {"model": model.init_params(X, rng), "encoder": encoder}
    space = Space(params, {"model": model.constraints})
    centre, scale = column_units(X)

    def climbed(vector, rows, drawn):
        inputs = (rows - centre) / scale
        return bound(model, space.unflatten(vector), rows, inputs, drawn)

    batches = mini_batches(X, 256, rng)
    adam, vector = Adam(learning_rate), space.flatten(params)
    while (factor := clock.factor(0.0)) > 0:
        rows, _ = next(batches)
        drawn = noise((len(rows), model.prior.n_latents))
        vector = vector + factor * adam.step(grad(climbed)(vector, rows, drawn))
    found = space.unflatten(vector)
    return found["model"], found["encoder"], adam.n_steps


def random_layer(shape, rng):
    weight = rng.standard_normal(shape) / np.sqrt(shape[0])
    return {"weight": weight, "bias": np.zeros(shape[1])}


def lower_bound(model, params, rows, inputs, white):
    """Mean over rows, with a reparameterised draw each; but for a constant."""
    code = MLP().location(params["encoder"], inputs)
    mean, log_sd = code[:, : white.shape[1]], code[:, white.shape[1] :]
    latents = mean + anp.exp(log_sd) * white
    log_joint = model.log_joint(params["model"], latents, rows)
    return anp.mean(log_joint + anp.sum(log_sd, axis=1))


def relaxed_bound(model, params, rows, inputs, drawn, temperature=0.5):
    """The same bound, of codes between 0 and 1, with the entropy of exact codes."""
    logit = MLP().location(params["encoder"], inputs)
    codes = 0.5 * (1 + anp.tanh(0.5 * (logit + drawn) / temperature))
    log_joint = model.log_joint(params["model"], codes, rows)
    chance = 0.5 * (1 + anp.tanh(0.5 * logit))
    entropy = anp.logaddexp(0.0, logit) - chance * logit
    return anp.mean(log_joint + anp.sum(entropy, axis=1))


def nats_of_codes(model, params, encoder, X, X_new, rng, n_draws):
    """log p(x) of each new row, with exact codes from the recognition network."""
    centre, scale = column_units(X)
    logit = MLP().location(encoder, (X_new - centre) / scale)
    heights = []
    for _ in range(n_draws):
        codes = (rng.logistic(size=logit.shape) < logit).astype(float)
        log_chance = -np.sum(np.logaddexp(0.0, np.where(codes, -logit, logit)), axis=1)
        heights.append(model.log_joint(params, codes, X_new) - log_chance)
    return logsumexp(heights, axis=0) - np.log(n_draws)
