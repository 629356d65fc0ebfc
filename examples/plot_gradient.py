"""
The gradient is a regression
============================

All that the method needs of the likelihood is its gradient, and that is a regression on
simulations.  Here it is compared with the exact one, for models where there is one: with
its defaults, with all that can be done for it, and as the paper has it; against
importance sampling from the prior, and against the gradient of a variational bound.
"""

# %%
# Four models
# -----------
# Linear-Gaussian factors, two and ten (exact by formula); a latent plane curved into one
# number, ``x ~ N(softplus(b z) - |b|^2, s^2)`` (exact by quadrature); eight labels (exact
# by summing).  Rows come from the model at other params than those at which the gradient is
# taken, so that there is a gradient to estimate; or they are no rows of the model at all:
# the same, at twice their distance from the mean.

import sys
from os.path import relpath
from pathlib import Path

import autograd.numpy as anp
import matplotlib.pyplot as plt
import numpy as np
from autograd import value_and_grad
from autograd.scipy.special import logsumexp
from scipy.optimize import minimize

from skaws.decoders import Linear
from skaws.evaluation import (
    exact_score_gradient,
    importance_score_gradient,
    score_gradient,
)
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.models import FunctionModel, LatentVariableModel
from skaws.objectives import LabelResidual, ResidualRegression
from skaws.posteriors import Classifier
from skaws.priors import Categorical, Gaussian
from skaws.regression import AdaptiveKernelRegression
from skaws.spaces import Space
from skaws.supports import Positive

LOG_2PI = np.log(2 * np.pi)


def curved_mean(params, z):
    curved = anp.logaddexp(0.0, anp.dot(z, params["b"]))
    return curved - anp.sum(params["b"] ** 2)


def sample_curved(params, n_samples, rng):
    z = rng.standard_normal((n_samples, 2))
    noise = params["s"] * rng.standard_normal(n_samples)
    return z, (curved_mean(params, z) + noise)[:, None]


def log_joint_curved(params, z, x):
    error = (x[:, 0] - curved_mean(params, z)) / params["s"]
    squares = error**2 + anp.sum(z**2, axis=1)
    return -0.5 * squares - anp.log(params["s"]) - 1.5 * LOG_2PI


def log_marginal_curved(params, X):
    grid = np.linspace(-7, 7, 141)
    z = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    log_cell = 2 * np.log(grid[1] - grid[0])
    error = (X[:, :1] - curved_mean(params, z)) / params["s"]
    log_joint = -0.5 * (error**2 + np.sum(z**2, axis=1)) - anp.log(params["s"])
    return logsumexp(log_joint - 1.5 * LOG_2PI + log_cell, axis=1)


class CurvedModel(FunctionModel):
    """Three functions, and p(x | z) for those who sample from the prior."""

    def log_likelihood(self, params, latents, X):
        error = (X[:, :1] - curved_mean(params, latents)) / params["s"]
        return -0.5 * error**2 - np.log(params["s"]) - 0.5 * LOG_2PI


def problems(rng):
    """Name: model, params and exact log marginal (None: the model knows)."""
    curved = CurvedModel(sample_curved, log_joint_curved, None, {"s": Positive()})
    factors = LatentVariableModel(Gaussian(2), Linear(), GaussianNoise())
    many = LatentVariableModel(Gaussian(10), Linear(), GaussianNoise())
    labels = LatentVariableModel(Categorical(8), Linear(), GaussianNoise())
    noise = {"noise_variance": np.array(0.5)}
    centres = 1.5 * rng.standard_normal((8, 2))
    return {
        "two factors": (factors, linear(rng.standard_normal((2, 5)), noise), None),
        "ten factors": (many, linear(rng.standard_normal((10, 40)), noise), None),
        "curved plane": (
            curved,
            {"b": np.array([1.0, 0.7]), "s": 0.5},
            log_marginal_curved,
        ),
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
# Five estimates
# --------------
# The baseline of labels is the log joint of every label, averaged by the probabilities of a
# classifier that is trained on the simulations.  Importance sampling is given the density
# p(x | z), of which the regression knows nothing.


def baseline_of(problem):
    if problem == "eight labels":
        return {"objective": LabelResidual(), "posterior": Classifier()}
    return {}


def by_default(problem, model, params, X, n, rng):
    return score_gradient(
        model, params, X, n_simulations=n, rng=rng, **baseline_of(problem)
    )


def at_its_best(problem, model, params, X, n, rng):
    return score_gradient(
        model,
        params,
        X,
        regression=AdaptiveKernelRegression(),
        calibrated=True,
        n_simulations=n,
        rng=rng,
        **baseline_of(problem),
    )


def without_baseline(problem, model, params, X, n, rng):
    return score_gradient(
        model,
        params,
        X,
        n_simulations=n,
        rng=rng,
        objective=ResidualRegression(baseline=None, inputs="observations"),
    )


def from_prior(problem, model, params, X, n, rng):
    return importance_score_gradient(model, params, X, n_draws=n, from_prior=True, rng=rng)


ESTIMATES = {
    "regression of the residual": by_default,
    "the same, adaptive and calibrated": at_its_best,
    "plain regression on x": without_baseline,
    "importance sampling from the prior": from_prior,
}

# %%
# A variational bound has a gradient, too: that of the mean log joint under the best
# independent Gaussians for each row, found here without any amortisation.  More
# simulations do not make it better.  (For one label the best approximation is exact.)


def of_mean_field(problem, model, params, X):
    if problem == "eight labels":
        return np.nan
    k = model.sample(params, 1, np.random.default_rng(0))[0].shape[1]
    nodes, shares = hermite_plane() if problem == "curved plane" else sigma_points(k)
    rows, shares = np.tile(X, (len(nodes), 1)), np.repeat(shares, len(X))

    def mean_log_joint(params, shape):
        mean, log_sd = anp.reshape(shape, (2, len(X), k))
        draws = mean + anp.exp(log_sd) * nodes[:, None, :]
        values = model.log_joint(params, anp.reshape(draws, (-1, k)), rows)
        return anp.sum(shares * values) / len(X)

    def descent(shape):
        return -mean_log_joint(params, shape) - anp.sum(shape[len(shape) // 2 :]) / len(X)

    start = np.zeros(2 * len(X) * k)
    options = {"maxiter": 3000, "maxfun": 6000, "gtol": 1e-8}
    best = minimize(
        value_and_grad(descent), start, jac=True, method="L-BFGS-B", options=options
    ).x
    space = Space(params, model.constraints)

    def bound_after(step):
        return mean_log_joint(model.move(params, space.split(step)), best)

    return value_and_grad(bound_after)(np.zeros(space.size))[1]


def sigma_points(k):
    """Nodes and shares with the moments of k standard Gaussians: exact for quadratics."""
    points = np.sqrt(k) * np.eye(k)
    return np.concatenate([points, -points]), np.full(2 * k, 0.5 / k)


def hermite_plane(n=20):
    """Gauss-Hermite nodes and shares of two standard Gaussians."""
    nodes, shares = np.polynomial.hermite_e.hermegauss(n)
    plane = np.stack(np.meshgrid(nodes, nodes), axis=-1).reshape(-1, 2)
    return plane, np.outer(shares, shares).ravel() / shares.sum() ** 2


def vector(branch):
    if isinstance(branch, dict):
        return np.concatenate([vector(value) for value in branch.values()])
    return np.ravel(branch)


def run(sizes=(100, 300, 1000), n_rows=100, n_repeats=3, away=0.3, estimates=None):
    """Cosines and relative errors of the estimated gradients.

    Parameters
    ----------
    sizes : tuple of int
        Numbers of simulations, or of draws.
    n_rows : int
        Number of real rows.
    n_repeats : int
        Tables over which medians are taken.
    away : float
        How far the rows' params are from those of the gradient, in the model's steps.
    estimates : dict of callable, default=None
        By name; None is ``ESTIMATES``.

    Returns
    -------
    cosines, errors : dict of arrays of shape (n_sizes,)
        By rows ("of the model", "off the model"), problem and name of the estimate.
    picture : matplotlib figure
    """
    estimates = ESTIMATES if estimates is None else estimates
    all_values = {}
    for repeat in range(n_repeats):
        posed = tables(repeat, n_rows, away)
        for (rows, problem), (*given, exact) in posed.items():
            for name, estimate in estimates.items():
                found = [
                    estimate(problem, *given, n, np.random.default_rng([n, repeat]))
                    for n in sizes
                ]
                values = [compared(vector(gradient), exact) for gradient in found]
                all_values.setdefault((rows, problem, name), []).append(values)
            values = [compared(of_mean_field(problem, *given), exact)] * len(sizes)
            all_values.setdefault((rows, problem, "mean-field bound"), []).append(values)
    medians = {key: np.median(values, axis=0) for key, values in all_values.items()}
    cosines = {key: values[:, 0] for key, values in medians.items()}
    errors = {key: values[:, 1] for key, values in medians.items()}
    return cosines, errors, draw(sizes, errors)


def tables(repeat, n_rows, away):
    """By rows and problem: model, params, table and its exact gradient.

    Each table has random numbers of its own: it is the same whatever is estimated of it.
    """
    rng = np.random.default_rng(repeat)
    posed = problems(rng)
    found = {}
    for problem, own_rng in zip(posed, rng.spawn(len(posed)), strict=True):
        model, params, log_marginal = posed[problem]
        space = Space(params, model.constraints)
        step = away * own_rng.standard_normal(space.size)
        X = model.sample(model.move(params, space.split(step)), n_rows, own_rng)[1]
        for rows, table in {"of": X, "off": 2 * X - X.mean(axis=0)}.items():
            exact = vector(exact_score_gradient(model, params, table, log_marginal))
            found[f"{rows} the model", problem] = model, params, table, exact
    return found


def compared(found, exact):
    """Cosine and relative error."""
    lengths = np.linalg.norm(found), np.linalg.norm(exact)
    cosine = np.sum(found * exact) / np.prod(lengths)
    return cosine, np.linalg.norm(found - exact) / lengths[1]


# %%
# Look
# ----
# Above, rows of the model.  The regression of the log joint itself needs ever more
# simulations as columns are added; that of the residual does not.  What is known of
# simulations, that their scores have mean zero, and a kernel that learns take off two
# fifths to two thirds of what error remains for factors (1000 simulations), and nothing for
# the curved plane; for labels a third over eight tables, nothing over these three.
# Importance sampling then errs more for factors, for ten by far; for labels and the curved
# plane, whose latents the prior hits often, it errs less.  (Three tables are few: where two
# lines are close, others may turn out otherwise.)  Below, rows that the model would hardly
# produce: regressions extrapolate there, and only those with a baseline know how.  The
# bound's error does not fall; for ten factors it is small from the beginning.


def draw(sizes, errors):
    problems = list(dict.fromkeys(problem for _, problem, _ in errors))
    picture, axes = plt.subplots(
        2, len(problems), figsize=(11, 5.6), sharex=True, sharey=True, layout="constrained"
    )
    colours = ["#0072b2", "k", "#e69f00", "#56b4e9", "0.5"]
    styles = ["o-", "D-", "s-", "^-", "--"]
    names = list(dict.fromkeys(name for *_, name in errors))
    for (rows, problem, name), values in errors.items():
        axis = axes[int(rows == "off the model"), problems.index(problem)]
        which = names.index(name)
        style = {"color": colours[which], "ms": 4, "label": name}
        axis.loglog(sizes, values, styles[which], **style)
    for axis, problem in zip(axes[0], problems, strict=True):
        axis.set(title=problem, ylim=(0.001, 20))
    for axis in axes[1]:
        axis.set_xlabel("simulations (draws)")
    for axis, rows in zip(axes[:, 0], ("rows of the model", "rows off it"), strict=True):
        axis.set_ylabel(f"relative error, {rows}")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    picture.legend(handles, labels, loc="outside lower center", ncols=5, fontsize=8)
    return picture


# %%
# More sizes can be had from the command line: ``python plot_gradient.py 100 1000 10000``.

if __name__ == "__main__":
    sizes = tuple(map(int, sys.argv[1:])) or (100, 300, 1000)
    cosines, errors, picture = run(sizes)
    for (rows, problem, name), values in errors.items():
        slope = np.polyfit(np.log(sizes), np.log(values), 1)[0]
        cosine = cosines[rows, problem, name][-1]
        print(
            f"{rows:>13} {problem:>12} {name:>34}: error {np.round(values, 3)}, slope "
            f"{slope:5.2f}, cosine at {sizes[-1]}: {cosine:.4f}"
        )
    path = Path(sys.argv[0]).parent / "output" / "gradient.png"
    path.parent.mkdir(exist_ok=True)
    picture.savefig(path, dpi=100)
    print(f"The picture is in {relpath(path)}")
