"""Models and tables for bench_misfits.py: of all methods, right and wrong."""

from itertools import product

import autograd.numpy as anp
import numpy as np
from learner_peers import FACTORS, LOG_2PI, WAITING, mixture
from sklearn.datasets import load_digits, load_iris, load_linnerud, load_wine
from sklearn.preprocessing import StandardScaler

from skaws.decoders import MLP, Linear
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.likelihoods import Poisson, StudentT
from skaws.models import FunctionModel, LatentVariableModel
from skaws.priors import (
    Bernoulli,
    Categorical,
    Gamma,
    Gaussian,
    Laplace,
    Sphere,
    UniformCircle,
)
from skaws.supports import Positive, Real

# %%
# Plain functions: a location of a latent, and Gaussian noise of one standard deviation
# -------------------------------------------------------------------------------------


def noisy(draw, log_prior, location, start, support=None):
    """Model of three functions, given its prior and its location."""

    def sample(params, n_samples, rng):
        z = draw(n_samples, rng)
        x = location(params, z)
        return z, x + params["sd"] * rng.standard_normal(x.shape)

    def log_joint(params, z, x):
        error = (x - location(params, z)) / params["sd"]
        entries = -0.5 * error**2 - anp.log(params["sd"]) - 0.5 * LOG_2PI
        return log_prior(z) + anp.sum(entries, axis=1)

    return FunctionModel(
        sample, log_joint, start, {"sd": Positive()}, latent_support=support
    )


def factors(n_latents, location, start):
    """The same with standard Gaussian latents."""

    def draw(n_samples, rng):
        return rng.standard_normal((n_samples, n_latents))

    def log_prior(z):
        return anp.sum(-0.5 * z**2 - 0.5 * LOG_2PI, axis=1)

    return noisy(draw, log_prior, location, start, Real())


def rigid_line():
    """One slope and one level for all columns: wrong for most tables."""

    def start(X, rng):
        return {"slope": 1.0, "level": 0.0, "none": np.zeros(X.shape[1]), "sd": 1.0}

    def location(params, z):
        return params["level"] + params["slope"] * z + params["none"] * 0

    return factors(1, location, start)


def network_functions(n_latents, n_hidden):
    network = MLP((n_hidden,))

    def start(X, rng):
        return {"network": network.init_params(X, n_latents, rng), "sd": 0.5 * X.std()}

    def location(params, z):
        return network.location(params["network"], z)

    return factors(n_latents, location, start)


def wave():
    """Sines of one amplitude, a phase for each column."""

    def draw(n_samples, rng):
        return rng.uniform(-np.pi, np.pi, (n_samples, 1))

    def log_prior(z):
        return -LOG_2PI + 0 * z[:, 0]

    def start(X, rng):
        return {"size": 1.0, "phase": rng.uniform(-3, 3, X.shape[1]), "sd": 1.0}

    def location(params, z):
        return params["size"] * anp.sin(z + params["phase"])

    return noisy(draw, log_prior, location, start)


# %%
# All models
# ----------


def composed(prior, decoder, likelihood=None):
    """Of parts; noise of its own in each column unless another likelihood comes."""
    likelihood = likelihood or GaussianNoise(per_feature=True)
    return LatentVariableModel(prior, decoder, likelihood)


MODELS = {
    "labels, network": composed(Categorical(5), MLP((20,))),
    "mixture": mixture(4),
    "circle, network": composed(UniformCircle(), MLP((30,)), GaussianNoise()),
    "sphere, Student": composed(Sphere(3), MLP((20,)), StudentT()),
    "network": composed(Gaussian(4), MLP((100,))),
    "linear": composed(Gaussian(4), Linear()),
    "linear, Laplace": composed(Laplace(4), Linear(), GaussianNoise()),
    "linear, Student": composed(Gaussian(3), Linear(), StudentT()),
    "9 switches": composed(Bernoulli(9), Linear()),
    "counts": composed(Gamma(4), Linear(nonnegative=True), Poisson()),
    "waiting": WAITING,
    "dictionary": FACTORS,
    "rigid line": rigid_line(),
    "wave": wave(),
    "network functions": network_functions(2, 30),
}

# Latents to sum over for the likelihood, and how much of them each stands for.
ANGLES = np.linspace(-np.pi, np.pi, 1000, endpoint=False)[:, None]
GRIDS = {
    "wave": (ANGLES, 2 * np.pi / 1000),
    "9 switches": (np.array(list(product([0.0, 1.0], repeat=9))), 1.0),
}

# %%
# Tables
# ------


def standardised(X):
    return StandardScaler().fit_transform(X[:, X.std(axis=0) > 0])


def wine():
    return load_wine().data


def iris():
    return load_iris().data


def digits():
    X = load_digits().data[:400]
    return X[:, X.std(axis=0) > 2]  # the others vary in few rows


OUTLIER = "iris, outlier"  # one row, of those fitted, is a hundred times as large

TABLES = {
    "wine, raw": wine,
    "wine, cubed": lambda: standardised(standardised(wine()) ** 3),
    OUTLIER: lambda: standardised(iris()),
    "iris, doubled": lambda: standardised(np.hstack([iris(), iris()[:, :1]])),
    "digits": lambda: standardised(digits()),
}
COUNT_TABLES = {
    "digits, raw": digits,
    "iris, tenths": lambda: np.round(10 * iris()),
    "linnerud": lambda: np.hstack(load_linnerud(return_X_y=True)),
}


def tables_of(name):
    """Tables that the model can be fitted to at all."""
    return COUNT_TABLES if "counts" in name else TABLES
