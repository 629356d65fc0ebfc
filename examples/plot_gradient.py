"""
The gradient is a regression
============================

All that the method needs of the likelihood is its gradient, and that is a regression on
simulations.  Here it is compared with the exact one, for models where there is one;
with importance sampling from the prior; and with a baseline and without.
"""

# %%
# Four models
# -----------
# Linear-Gaussian factors, two and ten (exact by formula); a latent plane bent into one
# number, ``x ~ N(softplus(b z) - |b|^2, s^2)`` (exact by quadrature); eight labels (exact
# by summing).  Rows come from the model at other params than those at which the gradient is
# taken, so that there is a gradient to estimate.

import sys
from pathlib import Path

import autograd.numpy as anp
import matplotlib.pyplot as plt
import numpy as np
from autograd.scipy.special import logsumexp

from skaws.bijectors import Positive
from skaws.decoders import Linear
from skaws.evaluation import (
    exact_score_gradient,
    importance_score_gradient,
    score_gradient,
)
from skaws.forms import ScalarForm
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.models import FunctionModel, LatentVariableModel
from skaws.params import ParameterSpace
from skaws.priors import Categorical, Gaussian
from skaws.regression import ObservedInputs

LOG_2PI = np.log(2 * np.pi)


def bent_mean(params, z):
    bent = anp.logaddexp(0.0, anp.dot(z, params["b"]))
    return bent - anp.sum(params["b"] ** 2)


def sample_bent(params, n_samples, rng):
    z = rng.standard_normal((n_samples, 2))
    noise = params["s"] * rng.standard_normal(n_samples)
    return z, (bent_mean(params, z) + noise)[:, None]


def log_joint_bent(params, z, x):
    error = (x[:, 0] - bent_mean(params, z)) / params["s"]
    squares = error**2 + anp.sum(z**2, axis=1)
    return -0.5 * squares - anp.log(params["s"]) - 1.5 * LOG_2PI


def log_marginal_bent(params, X):
    grid = np.linspace(-7, 7, 141)
    z = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    log_cell = 2 * np.log(grid[1] - grid[0])
    error = (X[:, :1] - bent_mean(params, z)) / params["s"]
    log_joint = -0.5 * (error**2 + np.sum(z**2, axis=1)) - anp.log(params["s"])
    return logsumexp(log_joint - 1.5 * LOG_2PI + log_cell, axis=1)


class BentModel(FunctionModel):
    """Three functions, and p(x | z) for those who sample from the prior."""

    def log_likelihood(self, params, latents, X):
        error = (X[:, :1] - bent_mean(params, latents)) / params["s"]
        return -0.5 * error**2 - np.log(params["s"]) - 0.5 * LOG_2PI


def problems(rng):
    """Name: model, params and exact log marginal (None: the model knows)."""
    bent = BentModel(sample_bent, log_joint_bent, None, {"s": Positive()})
    factors = LatentVariableModel(Gaussian(2), Linear(), GaussianNoise())
    many = LatentVariableModel(Gaussian(10), Linear(), GaussianNoise())
    labels = LatentVariableModel(Categorical(8), Linear(), GaussianNoise())
    noise = {"noise_variance": np.array(0.5)}
    centres = 1.5 * rng.standard_normal((8, 2))
    return {
        "two factors": (factors, linear(rng.standard_normal((2, 5)), noise), None),
        "ten factors": (many, linear(rng.standard_normal((10, 40)), noise), None),
        "bent plane": (bent, {"b": np.array([1.0, 0.7]), "s": 0.5}, log_marginal_bent),
        "eight labels": (
            labels,
            {
                "prior": {"probability": rng.dirichlet(5 * np.ones(8))},
                **linear(centres, noise),
            },
            None,
        ),
    }


def linear(components, noise):
    decoder = {"components": components, "mean": np.zeros(components.shape[1])}
    return {"decoder": decoder, "likelihood": noise}


# %%
# Three estimates
# ---------------
# Importance sampling is given the density p(x | z), of which the regression knows nothing.


def with_baseline(model, params, X, n, rng):
    return score_gradient(model, params, X, n_simulations=n, rng=rng)


def without_baseline(model, params, X, n, rng):
    return score_gradient(
        model,
        params,
        X,
        n_simulations=n,
        rng=rng,
        estimate=ObservedInputs(),
        form=ScalarForm(baseline=False),
    )


def from_prior(model, params, X, n, rng):
    return importance_score_gradient(model, params, X, n_draws=n, from_prior=True, rng=rng)


ESTIMATES = {
    "regression of the residual": with_baseline,
    "plain regression on x": without_baseline,
    "importance sampling from the prior": from_prior,
}


def vector(branch):
    if isinstance(branch, dict):
        return np.concatenate([vector(value) for value in branch.values()])
    return np.ravel(branch)


def run(sizes=(100, 300, 1000, 2000), n_rows=100, n_repeats=5, away=0.3):
    """Cosines and relative errors of the estimated gradients.

    Parameters
    ----------
    sizes : tuple of int
        Numbers of simulations, or of draws.
    n_rows : int
        Number of real rows.
    n_repeats : int
        Data sets over which medians are taken.
    away : float
        How far the rows' params are from those of the gradient, in the model's steps.

    Returns
    -------
    cosines, errors : dict of dict of arrays of shape (n_sizes,)
        By problem and estimate.
    picture : matplotlib figure
    """
    all_values = {}
    for repeat in range(n_repeats):
        rng = np.random.default_rng(repeat)
        for problem, (model, params, log_marginal) in problems(rng).items():
            space = ParameterSpace(params, model.constraints)
            step = away * rng.standard_normal(space.size)
            X = model.sample(model.move(params, space.split(step)), n_rows, rng)[1]
            exact = vector(exact_score_gradient(model, params, X, log_marginal))
            for name, estimate in ESTIMATES.items():
                found = [vector(estimate(model, params, X, n, rng)) for n in sizes]
                values = [compared(gradient, exact) for gradient in found]
                all_values.setdefault((problem, name), []).append(values)
    cosines, errors = {}, {}
    for (problem, name), values in all_values.items():
        medians = np.median(values, axis=0)
        cosines.setdefault(problem, {})[name] = medians[:, 0]
        errors.setdefault(problem, {})[name] = medians[:, 1]
    return cosines, errors, draw(sizes, errors)


def compared(found, exact):
    """Cosine and relative error."""
    lengths = np.linalg.norm(found), np.linalg.norm(exact)
    return found @ exact / np.prod(lengths), np.linalg.norm(found - exact) / lengths[1]


def draw(sizes, errors):
    picture, axes = plt.subplots(
        1, len(errors), figsize=(11, 3.2), sharey=True, layout="constrained"
    )
    for axis, (problem, by_name) in zip(axes, errors.items(), strict=True):
        for (name, values), marker in zip(by_name.items(), "os^", strict=True):
            axis.loglog(sizes, values, marker + "-", ms=4, label=name)
        axis.set(title=problem, xlabel="simulations (draws)")
    axes[0].set_ylabel("relative error of the gradient")
    axes[0].legend(fontsize=7)
    return picture


if __name__ == "__main__":
    sizes = (100, 300, 1000, 2000)
    cosines, errors, picture = run(sizes)
    for problem, by_name in errors.items():
        print(problem)
        for name, values in by_name.items():
            slope = np.polyfit(np.log(sizes), np.log(values), 1)[0]
            cosine = cosines[problem][name][-1]
            print(
                f"  {name:>35}: error {np.round(values, 3)}, slope {slope:.2f}, "
                f"cosine at {sizes[-1]}: {cosine:.4f}"
            )
    path = Path(sys.argv[0]).parent / "output" / "gradient.png"
    path.parent.mkdir(exist_ok=True)
    picture.savefig(path, dpi=100)
    print(f"The picture is in {path}")
