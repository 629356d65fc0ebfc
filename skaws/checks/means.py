"""Laws of means over a model's own simulations, tested in standard errors."""

import autograd.numpy as anp
import numpy as np
from autograd import elementwise_grad, grad
from scipy.stats import t as student_t

from ..simulations import latent_space
from ..spaces import Space, columns_of, leaves, rows_of
from ..supports import Sphere
from .report import Finding

__all__ = [
    "check_missing",
    "check_posterior_mean",
    "check_score_identity",
    "check_stein_identity",
]

FALSE_ALARM = 1e-6  # probability that a right model fails a statistical law
N_GROUPS = 100  # of simulations, whose mean scores are nearly Gaussian
N_MOVED = 500  # simulations that show whether they depend on a parameter


def check_score_identity(model, params, latents, observations, rng):
    """The mean score over the model's own simulations is zero."""
    scores, space = group_scores(model, params, latents, observations)
    law = "score identity: sampler and log joint agree"
    for j in np.flatnonzero(~scores.any(axis=0)):
        if ignored(model, params, latents, observations, np.eye(space.size)[j]):
            detail = f"sample depends on {space.name(j)}, but log_joint does not"
            return [Finding(law, False, detail)]
    return [Finding(law, *worst_mean(scores, space.name))]


def ignored(model, params, latents, observations, step):
    """Whether a long step changes what is sampled, but no log joint of these pairs.

    A score that is zero for every pair has mean zero: the identity cannot see it.
    """
    few = slice(0, N_MOVED)
    z, x = rows_of(latents, few), observations[few]
    moved = model.move(params, Space(params, model.constraints).split(step))

    def sampled(params):
        latents, x = model.sample(params, N_MOVED, np.random.default_rng(0))
        return [columns_of(latents), x]

    same = np.array_equal(model.log_joint(params, z, x), model.log_joint(moved, z, x))
    return same and not all(map(np.array_equal, sampled(params), sampled(moved)))


def check_missing(model, params, latents, observations, rng):
    """The score identity still holds when entries go missing at random."""
    law = "score identity with missing entries"
    if not model.allows_missing:
        return [Finding(law, True, "not claimed: allows_missing is False")]
    holes = np.where(rng.random(observations.shape) < 0.3, np.nan, observations)
    scores, space = group_scores(model, params, latents, holes)
    return [Finding(law, *worst_mean(scores, space.name))]


def check_stein_identity(model, params, latents, observations, rng):
    """Densities integrate by parts over the latents: E[slope] = 0, E[u slope] = -1.

    A prior without params has no score to be wrong; this sees its sampler.  In real
    coordinates u no density has an edge.
    """
    law = "Stein's identity: latents and log joint agree"
    space = latent_space(model, params)
    own = f"not claimed: latents are {space.latent_support!r}"
    if space.alphabets or not space.has_coordinates or has_poles(space):
        return [Finding(law, True, own)]
    u = space.flatten(latents)

    def log_density(u):
        log_joint = model.log_joint(params, space.unflatten(u), observations)
        return log_joint + space.log_det_jacobian(u)

    slope = elementwise_grad(log_density)(u)
    products = np.hstack([slope, u * slope + 1])
    groups = np.array_split(products, min(N_GROUPS, len(products)))
    means = np.array([group.mean(axis=0) for group in groups])
    return [Finding(law, *worst_mean(means, lambda j: f"latent {j % u.shape[1]}"))]


def has_poles(space):
    """Whether coordinates leave a point out, as those of a sphere do."""
    supports = [support for _, support in leaves({"": space.supports})]
    return any(isinstance(support, Sphere) for support in supports)


def check_posterior_mean(model, params, latents, observations, rng):
    """Errors of an exact posterior mean average to zero against functions of x."""
    if not hasattr(model, "posterior"):
        return []
    mean = columns_of(model.posterior(params).mean(observations))
    error = columns_of(latents) - mean
    products = np.hstack([error, error * mean, error * np.tanh(mean)])
    law = "the posterior's mean is the conditional mean"
    return [Finding(law, *worst_mean(products, lambda j: f"latent {j % error.shape[1]}"))]


def group_scores(model, params, latents, observations):
    """Score of each of N_GROUPS groups of pairs, and the space of its coordinates."""
    space = Space(params, model.constraints)

    def score(rows):
        z, x = rows_of(latents, rows), observations[rows]

        def total(step):
            return anp.sum(model.log_joint(model.move(params, space.split(step)), z, x))

        return grad(total)(np.zeros(space.size))

    n_groups = min(N_GROUPS, len(observations))
    groups = np.array_split(np.arange(len(observations)), n_groups)
    return np.array([score(rows) for rows in groups]), space


def worst_mean(scores, name):
    """Where the mean of a column is farthest from zero: name, |z| and its bound."""
    n, n_columns = scores.shape
    error = np.std(scores, axis=0, ddof=1) / np.sqrt(n)
    z = np.abs(np.mean(scores, axis=0)) / np.maximum(error, 1e-300)
    worst = int(np.argmax(z))
    bound = student_t.isf(0.5 * FALSE_ALARM / n_columns, n - 1)
    holds = bool(z[worst] < bound)
    return holds, f"largest |z| = {z[worst]:.1f} at {name(worst)} (bound {bound:.1f})"
