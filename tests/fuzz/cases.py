"""A case from one integer: a table in some container, and an estimator."""

from typing import NamedTuple

import autograd.numpy as anp
import numpy as np
import pandas as pd

from skaws import AmortisedFactorAnalysis, AmortisedICA, AmortisedLearner, AmortisedNMF
from skaws.decoders import MLP, Linear
from skaws.likelihoods import Bernoulli, NegativeBinomial, Poisson, StudentT
from skaws.likelihoods import Gamma as GammaNoise
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.models import FunctionModel, LatentVariableModel
from skaws.priors import (
    Categorical,
    Gamma,
    Gaussian,
    GeneralizedNormal,
    Independent,
    Laplace,
    UniformCircle,
)
from skaws.supports import Positive

__all__ = ["Case", "case_of"]


class Case(NamedTuple):
    """What is fitted to what.

    Attributes
    ----------
    seed : int
        From which all follows.
    estimator : object
        Not fitted.
    table : object
        X, in its container.
    rows : array of shape (n_samples, n_features)
        The same as numbers, NaN where missing.
    weights : array or None
        Of the rows.
    words : str
        What it is, in a line.
    """

    seed: int
    estimator: object
    table: object
    rows: np.ndarray
    weights: np.ndarray | None
    words: str


def case_of(seed):
    """The case of that number; the same on every machine."""
    rng = np.random.default_rng([1999, seed])
    family = rng.choice(list(FAMILIES), p=[weight for weight, _ in FAMILIES.values()])
    kind, make = FAMILIES[family][1]
    n_samples = int(rng.choice([2, 3, 8, 30, 100, 300], p=[0.05, 0.05, 0.1, 0.3, 0.3, 0.2]))
    n_features = int(rng.choice([1, 2, 3, 5, 8, 12]))
    rows, oddities = table_of(kind, n_samples, n_features, rng)
    settings = settings_of(rng)
    estimator = make(rng, n_features, settings)
    weights = weights_of(len(rows), rng)
    table, container = in_container(rows, kind, rng)
    words = f"{seed}: {family} {rows.shape} of {kind} ({', '.join(oddities) or 'plain'})"
    words += f", {container}, weights {'no' if weights is None else weights.dtype}"
    return Case(seed, estimator, table, rows, weights, f"{words}, {estimator!r}")


# Tables.


def real(n, d, rng):
    k = int(rng.integers(1, 4))
    latents = (
        rng.standard_normal((n, k)) if rng.random() < 0.5 else rng.laplace(size=(n, k))
    )
    return latents @ rng.standard_normal((k, d)) + 0.5 * rng.standard_normal((n, d))


def heavy(n, d, rng):
    return real(n, d, rng) + rng.standard_t(1.5, (n, d))


def counts(n, d, rng):
    k = int(rng.integers(1, 4))
    return rng.poisson(rng.gamma(0.5, 2, (n, k)) @ rng.gamma(0.7, 2, (k, d))) * 1.0


def binary(n, d, rng):
    return (real(n, d, rng) > 0) * 1.0


def positive(n, d, rng):
    return np.exp(0.5 * real(n, d, rng))


TABLES = {
    "real": real,
    "heavy": heavy,
    "counts": counts,
    "binary": binary,
    "positive": positive,
}


def table_of(kind, n, d, rng):
    """Rows, and what is odd about them."""
    X, oddities = TABLES[kind](n, d, rng), []

    def odd(name, chance=0.12):
        if rng.random() < chance:
            oddities.append(name)
            return True
        return False

    if kind in ("real", "heavy"):
        if odd("units"):
            X = X * 10.0 ** rng.integers(-6, 7)
        if odd("units of columns"):
            X = X * 10.0 ** rng.integers(-4, 5, d)
        if odd("offset"):
            X = X + 10.0 ** rng.integers(0, 7) * X.std()
        if odd("an outlier", 0.06):
            X[rng.integers(n), rng.integers(d)] *= 1e4
    if d > 1 and odd("a column twice", 0.08):
        X[:, 0] = X[:, -1]
    if odd("a constant column"):
        X[:, rng.integers(d)] = 1.0
    if n > 8 and odd("a rare column"):
        j = rng.integers(d)
        X[:, j] = 0.0
        X[rng.integers(n), j] = 1.0
    if odd("equal rows", 0.06):
        X[:] = X[:1]
    if kind == "positive":
        X = np.maximum(X, 1e-3)
    share = rng.choice([0.0, 0.1, 0.4], p=[0.5, 0.3, 0.2])
    if share:
        oddities.append(f"{share:.0%} missing")
        seen = rng.random(X.shape) > share
        seen[np.arange(n), rng.integers(d, size=n)] = True
        seen[rng.integers(n, size=d), np.arange(d)] = True
        X = np.where(seen, X, np.nan)
    return X, oddities


def weights_of(n, rng):
    kind = rng.choice(["none", "whole", "real", "some zero"], p=[0.6, 0.15, 0.15, 0.1])
    if kind == "none":
        return None
    if kind == "whole":
        return rng.integers(1, 4, n)
    weights = rng.gamma(0.5, 2.0, n) + 1e-3
    if kind == "some zero" and n > 4:
        weights[: n // 4] = 0.0
    return weights


def in_container(X, kind, rng):
    """The table as users hand it in, and what that is."""
    whole = kind in ("counts", "binary") and not np.isnan(X).any()
    kinds = ["array", "float32", "Fortran", "frame", "list", "masked", "read-only"]
    name = str(rng.choice(kinds + ["int"] * whole))
    frozen = X.copy()
    frozen.flags.writeable = False
    made = {
        "array": lambda: X.copy(),
        "float32": lambda: X.astype(np.float32),
        "Fortran": lambda: np.asfortranarray(X),
        "frame": lambda: pd.DataFrame(X, columns=[f"c{j}" for j in range(X.shape[1])]),
        "list": lambda: X.tolist(),
        "masked": lambda: np.ma.masked_invalid(X),
        "read-only": lambda: frozen,
        "int": lambda: X.astype(int),
    }
    return made[name](), name


# Estimators.


def settings_of(rng):
    """Settings that all have; fits are short."""
    return {
        "max_iter": int(rng.choice([1, 3, 12, 40])),
        "batch_size": int(rng.choice([1, 7, 64, 256])),
        "n_init": int(rng.choice([1, 1, 1, 2])),
        "learning_rate": float(rng.choice([0.01, 0.05, 0.2])),
        "random_state": int(rng.integers(1000)),
    }


def some_components(rng, n_features):
    return [None, 1, 2, 3, n_features][rng.integers(5)]


def factors(rng, n_features, settings):
    rotation = rng.choice([None, "varimax", "quartimax", "kaiser"])
    n_components = some_components(rng, n_features)
    return AmortisedFactorAnalysis(n_components, rotation=rotation, **settings)


def sources(rng, n_features, settings):
    kinds = ["generalized_normal", "laplace", "logistic", "student_t", "uniform"]
    n_components = int(rng.integers(1, n_features + 2))
    noise = str(rng.choice(["isotropic", "per_feature"]))
    settings = {**settings, "n_init": 1}
    return AmortisedICA(
        n_components, sources=str(rng.choice(kinds)), noise=noise, **settings
    )


def parts(likelihood):
    def make(rng, n_features, settings):
        n_components = int(rng.integers(1, 4))
        return AmortisedNMF(n_components, likelihood=likelihood, **settings)

    return make


def composed(*choices):
    """A learner of one of some models, each made when it is asked for."""

    def make(rng, n_features, settings):
        model = choices[rng.integers(len(choices))]()
        return AmortisedLearner(model, **settings)

    return make


def linear(prior, likelihood, **options):
    return lambda: LatentVariableModel(prior(), Linear(**options), likelihood())


def network():
    return LatentVariableModel(Gaussian(2), MLP((4,)), GaussianNoise())


def sample(params, n_samples, rng):
    z = rng.exponential(size=(n_samples, 1))
    x = params["mean"] + params["slope"] * z
    return z, x + params["sd"] * rng.standard_normal(x.shape)


def log_joint(params, z, x):
    seen = ~np.isnan(x)
    location = params["mean"] + params["slope"] * z
    error = anp.where(seen, np.where(seen, x, 0.0) - location, 0.0) / params["sd"]
    logs = -0.5 * error**2 - seen * anp.log(params["sd"] * np.sqrt(2 * np.pi))
    return anp.where(z[:, 0] >= 0, -z[:, 0], -np.inf) + anp.sum(logs, axis=1)


def start(X, rng):
    d, sd = X.shape[1], np.nanstd(X)
    slope = (0.5 * sd or 1.0) * rng.standard_normal(d)
    return {"mean": np.nanmean(X, axis=0), "slope": slope, "sd": sd or 1.0}


def functions():
    supports = {"sd": Positive()}
    return FunctionModel(sample, log_joint, start, supports, allows_missing=True)


REAL = composed(
    linear(lambda: Gaussian(2), GaussianNoise),
    linear(lambda: Gaussian(1), lambda: GaussianNoise(per_feature=True)),
    linear(lambda: Categorical(3), GaussianNoise),
    linear(lambda: Laplace(2), GaussianNoise),
    linear(lambda: GeneralizedNormal(1), StudentT),
    linear(lambda: Independent([Categorical(2), Gaussian(1)]), GaussianNoise),
    linear(UniformCircle, GaussianNoise),
    network,
    functions,
)
CODED = composed(linear(lambda: Gaussian(1), Bernoulli))
TIMED = composed(linear(lambda: Gaussian(1), lambda: GammaNoise(link="log")))
COUNTED = composed(
    linear(lambda: Gaussian(1), lambda: Poisson(link="log")),
    linear(lambda: Gamma(2), Poisson, nonnegative=True),
    linear(lambda: Gamma(1), NegativeBinomial, nonnegative=True),
)
#: Name: how often, and of which table and estimator.
FAMILIES = {
    "factors": (0.16, ("real", factors)),
    "factors, heavy": (0.06, ("heavy", factors)),
    "sources": (0.14, ("real", sources)),
    "sources, heavy": (0.06, ("heavy", sources)),
    "parts": (0.1, ("counts", parts("poisson"))),
    "wide parts": (0.05, ("counts", parts("negative_binomial"))),
    "positive parts": (0.06, ("positive", parts("gaussian"))),
    "switches": (0.06, ("binary", parts("bernoulli"))),
    "learner": (0.18, ("real", REAL)),
    "learner, heavy": (0.03, ("heavy", REAL)),
    "learner of counts": (0.06, ("counts", COUNTED)),
    "learner of codes": (0.02, ("binary", CODED)),
    "learner of times": (0.02, ("positive", TIMED)),
}
