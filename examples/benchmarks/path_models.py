"""A linear Gaussian state space model, as functions and of parts, and its exact answers.

Rows are series of `n_times` times, d columns each::

    z_1 ~ N(0, I),  z_t = A z_{t-1} + q e_t,  x_t = C' z_t + s f_t,

where e and f are standard normal.  Params are ``transition`` A (k, k), ``loading`` C (k,
d), ``process_sd`` q and ``noise_sd`` s.
"""

from functools import partial

import autograd.numpy as anp
import numpy as np
from autograd import value_and_grad
from scipy.optimize import minimize

from skaws.decoders import Linear
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.models import FunctionModel, StateSpaceModel
from skaws.priors import Gaussian
from skaws.spaces import Space
from skaws.supports import Positive

LOG_2PI = np.log(2 * np.pi)
CONSTRAINTS = {"process_sd": Positive(), "noise_sd": Positive()}
N_LATENTS, N_COLUMNS = 2, 5


# %%
# The model
# ---------


def sample(params, n_samples, rng, n_times):
    """Latents (n, n_times, k) and observations (n, n_times * d)."""
    transition, loading = params["transition"], params["loading"]
    k, d = loading.shape
    z = rng.standard_normal((n_samples, n_times, k))
    for t in range(1, n_times):
        z[:, t] = z[:, t - 1] @ transition.T + params["process_sd"] * z[:, t]
    noise = rng.standard_normal((n_samples, n_times, d))
    return z, (z @ loading + params["noise_sd"] * noise).reshape(n_samples, -1)


def log_normal(error, sd):
    """log N(error | 0, sd) of each entry."""
    return -0.5 * (error / sd) ** 2 - anp.log(sd) - 0.5 * LOG_2PI


def log_joint(params, z, x):
    """log p(z, x) of each pair, over observed entries."""
    x = np.reshape(x, (len(z), z.shape[1], -1))
    seen = ~np.isnan(x)
    steps = z[:, 1:] - anp.dot(z[:, :-1], params["transition"].T)
    errors = np.where(seen, x, 0.0) - anp.dot(z, params["loading"])
    return (
        anp.sum(log_normal(z[:, 0], 1.0), axis=1)
        + anp.sum(log_normal(steps, params["process_sd"]), axis=(1, 2))
        + anp.sum(seen * log_normal(errors, params["noise_sd"]), axis=(1, 2))
    )


def init_params(X, rng, n_times):
    """Where fits start: loadings that are nothing special."""
    sd = np.nanstd(X)
    return {
        "transition": 0.5 * np.eye(N_LATENTS),
        "loading": 0.3 * sd * rng.standard_normal((N_LATENTS, X.shape[1] // n_times)),
        "process_sd": 0.8,
        "noise_sd": 0.7 * sd,
    }


def state_space(n_times):
    """The three functions as a model."""
    return FunctionModel(
        partial(sample, n_times=n_times),
        log_joint,
        partial(init_params, n_times=n_times),
        CONSTRAINTS,
        allows_missing=True,
    )


def state_space_of_parts(n_times):
    """The same of parts; columns have a mean, too, which is learnt."""
    return StateSpaceModel(Gaussian(N_LATENTS), Linear(), GaussianNoise(), n_times)


def params_of_parts(params):
    """Params of the functions, and the mean of a time, from params of the parts."""
    found = {
        "transition": params["dynamics"]["transition"],
        "loading": params["decoder"]["components"],
        "process_sd": np.sqrt(params["process_noise"]["noise_variance"]),
        "noise_sd": np.sqrt(params["likelihood"]["noise_variance"]),
    }
    return found, params["decoder"]["mean"]


def truth(rng, angle=0.3, damping=0.9, noise_sd=0.5):
    """Params of a damped oscillation, seen in columns of random loadings."""
    rotation = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return {
        "transition": damping * np.array(rotation),
        "loading": rng.standard_normal((N_LATENTS, N_COLUMNS)),
        "process_sd": np.sqrt(1 - damping**2),
        "noise_sd": noise_sd,
    }


def series(seed, n_times, n_rows=50, n_held_out=200):
    """Params that are true, series to fit to, and series to judge by."""
    rng = np.random.default_rng(seed)
    params = truth(rng)
    X = sample(params, n_rows + n_held_out, rng, n_times)[1]
    return params, X[:n_rows], X[n_rows:]


# %%
# Exact answers, where nothing is missing
# ---------------------------------------


def precision(params, n_times):
    """Posterior precision of the path, (n_times k, n_times k), the same for every row."""
    transition, loading = params["transition"], params["loading"]
    k = len(transition)
    inner = 1 / params["process_sd"] ** 2
    at = np.arange(n_times)
    first, later, followed = (np.diag(1.0 * w) for w in (at == 0, at > 0, at < n_times - 1))
    seen = anp.dot(loading, loading.T) / params["noise_sd"] ** 2
    before = anp.kron(np.eye(n_times, k=-1), -inner * transition)
    return (
        anp.kron(np.eye(n_times), seen)
        + np.kron(first, np.eye(k))
        + inner * np.kron(later, np.eye(k))
        + anp.kron(followed, inner * anp.dot(transition.T, transition))
        + before
        + before.T
    )


def smoothed(params, X, n_times):
    """Posterior mean (n, n_times, k) and covariance (n_times k, n_times k)."""
    loading = params["loading"]
    covariance = np.linalg.inv(precision(params, n_times))
    x = X.reshape(len(X), n_times, -1)
    seen = (x @ loading.T / params["noise_sd"] ** 2).reshape(len(X), -1)
    return (seen @ covariance).reshape(len(X), n_times, -1), covariance


def log_marginal(params, X, n_times, mode=None):
    """log p(x) of each row: the log joint at the mode, and the volume around it.

    With the `mode` given, constant on autograd's tape, its gradient is exact, too.
    """
    mode = smoothed(params, X, n_times)[0] if mode is None else mode
    n_latents = mode.shape[1] * mode.shape[2]
    log_volume = 0.5 * n_latents * LOG_2PI
    log_volume = log_volume - 0.5 * anp.linalg.slogdet(precision(params, n_times))[1]
    return log_joint(params, mode, X) + log_volume


def maximum_likelihood(X, n_times, start):
    """Params of highest likelihood, by L-BFGS from `start`."""
    space = Space(start, CONSTRAINTS)

    def objective(vector):
        mode = smoothed(space.unflatten(vector), X, n_times)[0]

        def function(v):
            return -anp.mean(log_marginal(space.unflatten(v), X, n_times, mode))

        return value_and_grad(function)(vector)

    options = {"maxiter": 1000, "ftol": 1e-11, "gtol": 1e-6}
    found = minimize(
        objective, space.flatten(start), jac=True, method="L-BFGS-B", options=options
    )
    return space.unflatten(found.x)
