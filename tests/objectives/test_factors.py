"""The log joint of sources, split over them: calibrated, and near the exact gradient."""

import numpy as np
import pytest
from scipy.special import logsumexp

from skaws.models import LinearMixing
from skaws.models.source_factors import factorises
from skaws.objectives import FactorisedLogJoint, RealRows
from skaws.posteriors import LinearGaussian
from skaws.priors import (
    Gaussian,
    GaussianMixture,
    GeneralizedNormal,
    Independent,
    Laplace,
    SkewGeneralizedNormal,
    StudentT,
)
from skaws.regression import FactorRegression
from skaws.wake_sleep import sleep, wake

from ..common import assert_means

SKEWED = Independent([SkewGeneralizedNormal(1, skew=0.6), StudentT(1, dof=8.0)])
PRIORS = {
    "Laplace": Laplace(2),
    "flat and peaked": GeneralizedNormal(2),
    "skewed and heavy": SKEWED,
}
N = 500


def truth(prior, per_feature=False):
    """A model of two sources in three columns, and params."""
    model = LinearMixing(prior, per_feature)
    rng = np.random.default_rng(0)
    params = model.init_params(rng.standard_normal((50, 3)), rng)
    basis = np.array([[2.0, 1.0, -0.5], [0.5, -1.0, 1.5]])
    noise = np.full(3, 0.3) if per_feature else np.array(0.3)
    return model, {**params, "basis": basis, "noise_variance": noise}


def gradients(model, params, of_rows, n_batches, holes=0.0):
    """One gradient a batch of fresh rows, in units of information."""
    rng, regression = np.random.default_rng(1), FactorRegression()
    for _ in range(n_batches):
        X = model.sample(of_rows, N, rng)[1]
        X[rng.random(X.shape) < holes] = np.nan
        X = X[~np.isnan(X).all(axis=1)]
        simulations = sleep(model, params, LinearGaussian(5.0), N, rng, like=X)
        weights = np.full(len(X), 1 / len(X))
        parts = FactorisedLogJoint(), regression
        yield wake(model, params, simulations, X, weights, *parts, rng=rng).gradient


@pytest.mark.parametrize("holes", [0.0, 0.3])
@pytest.mark.parametrize("per_feature", [False, True])
@pytest.mark.parametrize("name", PRIORS)
def test_at_the_truth_the_gradient_is_zero_on_average(name, per_feature, holes):
    # Whatever the regression is worth: rows and simulations are of one law.
    model, params = truth(PRIORS[name], per_feature)
    assert_means(np.array(list(gradients(model, params, params, 60, holes))), 0.0)


def test_elsewhere_it_is_not():
    model, params = truth(Laplace(2))
    other = {**params, "mixing": np.array([[1.0, 0.4], [0.0, 1.0]])}
    found = np.array(list(gradients(model, other, params, 60)))
    with pytest.raises(AssertionError):
        assert_means(found, 0.0)


def log_likelihood(params, X):
    """Mean of log p(x), by quadrature over two Laplace sources."""
    grid = np.linspace(-8, 8, 81)
    s = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    log_prior = -np.sqrt(2) * np.abs(s).sum(axis=1) + 2 * np.log(0.2 / np.sqrt(2))
    location = s @ params["mixing"] @ params["basis"] + params["mean"]
    v = params["noise_variance"]
    distance = (X**2).sum(axis=1)[:, None] - 2 * X @ location.T + (location**2).sum(axis=1)
    log_noise = -0.5 * distance / v - 1.5 * np.log(2 * np.pi * v)
    return np.mean(logsumexp(log_prior + log_noise, axis=1))


def test_it_points_where_the_exact_gradient_does():
    # Cosines on six sets of rows: 0.989 to 0.999, and 0.75 once, of a small gradient.
    model, params = truth(Laplace(2))
    X = model.sample(params, 600, np.random.default_rng(3))[1]
    at = {**params, "mixing": np.array([[1.0, 0.3], [-0.2, 0.9]])}
    h, exact = 1e-4, np.empty((2, 2))
    for i, j in np.ndindex(2, 2):
        ends = []
        for sign in (1, -1):
            mixing = at["mixing"].copy()
            mixing[i, j] += sign * h
            ends.append(log_likelihood({**at, "mixing": mixing}, X))
        exact[i, j] = (ends[0] - ends[1]) / (2 * h)
    rng, regression, found = np.random.default_rng(4), FactorRegression(), 0.0
    weights = np.full(len(X), 1 / len(X))
    for _ in range(40):
        simulations = sleep(model, at, LinearGaussian(5.0), 2000, rng)
        pairs = FactorisedLogJoint().pairs(
            model, at, simulations, RealRows(X, weights), regression, rng
        )
        found = found + pairs.extra[2]["mixing"]
    cosine = np.sum(found * exact) / np.linalg.norm(found) / np.linalg.norm(exact)
    assert cosine > 0.9


class Tied(GeneralizedNormal):
    """One shape for all sources."""

    def init_params(self, X, rng):
        return {"shape": np.ones(1)}


@pytest.mark.parametrize(
    ("prior", "holds"),
    [
        (Laplace(2), True),
        (SkewGeneralizedNormal(3), True),
        (SKEWED, True),
        (Gaussian(1), True),  # of one latent, all that a prior must say is enough
        (Gaussian(2), False),
        (GaussianMixture(2, n_clusters=2), False),
        (Tied(2), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_which_priors_factorise(prior, holds):
    params = prior.init_params(np.zeros((5, 3)), np.random.default_rng(0))
    assert factorises(prior, params) == holds
