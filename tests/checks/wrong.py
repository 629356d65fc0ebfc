"""A right model, and what breaks one law after another in it."""

import autograd.numpy as anp
import numpy as np
from autograd.extend import defvjp, primitive

from skaws.models import FunctionModel
from skaws.supports import Positive

from ..common import altered, gaussian_model

RIGHT = gaussian_model(2, per_feature=True)
LAWS = [
    "init_params lies within the constraints",
    "sample returns rows shaped like X",
    "sample is finite",
    "sample draws from rng alone",
    "latents lie in their support",
    "log_joint is one finite number a pair",
    "autograd's derivative agrees with differences",
    "score identity: sampler and log joint agree",
    "Stein's identity: latents and log joint agree",
    "fast log joints equal slow ones",
    "score identity with missing entries",
    "the posterior's mean is the conditional mean",
]


def outside_constraint(X, rng):
    params = RIGHT.init_params(X, rng)
    params["likelihood"]["noise_variance"] = -params["likelihood"]["noise_variance"]
    return params


def misspelt_constraint():
    functions = (RIGHT.sample, RIGHT.log_joint, RIGHT.init_params)
    return FunctionModel(*functions, constraints={"likelihood": {"noise": Positive()}})


def wrong_support():
    functions = (RIGHT.sample, RIGHT.log_joint, RIGHT.init_params, RIGHT.constraints)
    return FunctionModel(*functions, latent_support=Positive())


def one_column_too_many(params, n_samples, rng):
    z, x = RIGHT.sample(params, n_samples, rng)
    return z, np.column_stack([x, x[:, 0]])


def observations_without_columns(params, n_samples, rng):
    z, x = RIGHT.sample(params, n_samples, rng)
    return z, x[:, 0]


def twice_as_many_latents(params, n_samples, rng):
    z, x = RIGHT.sample(params, n_samples, rng)
    return np.vstack([z, z]), x


def infinite_at_times(params, n_samples, rng):
    z, x = RIGHT.sample(params, n_samples, rng)
    x[n_samples // 2, 0] = np.inf
    return z, x


def ignoring_rng(params, n_samples, rng):
    return RIGHT.sample(params, n_samples, np.random.default_rng())


def always_the_same(params, n_samples, rng):
    return RIGHT.sample(params, n_samples, np.random.default_rng(0))


def writing_into_params(params, n_samples, rng):
    params["decoder"]["mean"] += 0.1
    return RIGHT.sample(params, n_samples, rng)


def adding_to_params(params, n_samples, rng):
    params["n_calls"] = params.get("n_calls", 0) + 1
    return RIGHT.sample(params, n_samples, rng)


def one_column(params, z, x):
    return RIGHT.log_joint(params, z, x)[:, None]


def one_number(params, z, x):
    return anp.sum(RIGHT.log_joint(params, z, x))


def not_finite(params, z, x):
    return anp.where(z[:, 0] > 3, -np.inf, RIGHT.log_joint(params, z, x))


@primitive
def square(value):
    return value**2


defvjp(square, lambda answer, value: lambda g: 1.9 * g * value)


def wrong_derivative(params, z, x):
    scale = params["decoder"]["components"][0, 0]
    return RIGHT.log_joint(params, z, x) - z[:, 0] ** 2 * (square(scale) - scale**2)


def derivative_lost(params, z, x):
    mean = params["decoder"]["mean"]
    mean = getattr(mean, "_value", mean)
    return RIGHT.log_joint({**params, "decoder": {**params["decoder"], "mean": mean}}, z, x)


def inflated(params, n_samples, rng):
    z, x = RIGHT.sample(params, n_samples, rng)
    return z, 1.1 * x


def wide_latents(params, n_samples, rng):
    z = 1.2 * rng.standard_normal((n_samples, 2))
    return z, observed(params, z, rng)


def shifted_latents(params, n_samples, rng):
    z = rng.standard_normal((n_samples, 2)) + [0.0, 0.2]
    return z, observed(params, z, rng)


def observed(params, z, rng):
    location = RIGHT.decoder.location(params["decoder"], z)
    return RIGHT.likelihood.sample(params["likelihood"], location, rng)


def without_prior(params, z, weights, X):
    expected = RIGHT.expected_log_joint(params, z, weights, X)
    return expected - weights @ RIGHT.prior.log_density({}, z)


def of_squared_weights(params, z, weights, X):
    return RIGHT.expected_log_joint(params, z, weights**2, X)


def without_prior_in_the_matrix(params, z, X):
    return RIGHT.log_likelihood(params, z, X)


def without_prior_of_draws(params, draws, X):
    return np.array([np.diag(RIGHT.log_likelihood(params, own, X)) for own in draws])


def missing_means_zero(params, z, x):
    return RIGHT.log_joint(params, z, np.nan_to_num(x))


def posterior_with(change):
    """The right posterior, but its mean is changed."""

    def posterior(params):
        fitted = RIGHT.posterior(params)
        return altered(fitted, mean=lambda X: change(fitted.mean(X)))

    posterior.__name__ = change.__name__
    return posterior


def shrunk(mean):
    return 0.9 * mean


def swapped(mean):
    return mean[:, ::-1]


NEGATIVE_CONTROLS = [
    (altered(RIGHT, init_params=outside_constraint), LAWS[0]),
    (misspelt_constraint(), LAWS[0]),
    (altered(RIGHT, sample=one_column_too_many), LAWS[1]),
    (altered(RIGHT, sample=observations_without_columns), LAWS[1]),
    (altered(RIGHT, sample=twice_as_many_latents), LAWS[1]),
    (altered(RIGHT, sample=infinite_at_times), LAWS[2]),
    (altered(RIGHT, sample=ignoring_rng), LAWS[3]),
    (altered(RIGHT, sample=always_the_same), LAWS[3]),
    (altered(RIGHT, sample=writing_into_params), LAWS[3]),
    (altered(RIGHT, sample=adding_to_params), LAWS[3]),
    (wrong_support(), LAWS[4]),
    (altered(RIGHT, log_joint=one_column), LAWS[5]),
    (altered(RIGHT, log_joint=one_number), LAWS[5]),
    (altered(RIGHT, log_joint=not_finite), LAWS[5]),
    (altered(RIGHT, log_joint=wrong_derivative), LAWS[6]),
    (altered(RIGHT, log_joint=derivative_lost), LAWS[6]),
    (altered(RIGHT, sample=inflated), LAWS[7]),
    (altered(RIGHT, sample=wide_latents), LAWS[8]),
    (altered(RIGHT, sample=shifted_latents), LAWS[8]),
    (altered(RIGHT, expected_log_joint=without_prior), LAWS[9]),
    (altered(RIGHT, expected_log_joint=of_squared_weights), LAWS[9]),
    (altered(RIGHT, log_joint_matrix=without_prior_in_the_matrix), LAWS[9]),
    (altered(RIGHT, log_joint_of_draws=without_prior_of_draws), LAWS[9]),
    (altered(RIGHT, log_joint=missing_means_zero), LAWS[10]),
    (altered(RIGHT, posterior=posterior_with(shrunk)), LAWS[11]),
    (altered(RIGHT, posterior=posterior_with(swapped)), LAWS[11]),
]
