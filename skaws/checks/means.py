"""Laws of means over a model's own simulations, tested in standard errors."""

import autograd.numpy as anp
import numpy as np
from autograd import elementwise_grad, grad
from scipy.stats import t as student_t

from ..charts import GLOBAL_CHARTS
from ..latents import arrays_of, rows_of
from ..params import ParameterSpace
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
    moved = model.move(params, ParameterSpace(params, model.constraints).split(step))

    def sampled(params):
        latents, x = model.sample(params, N_MOVED, np.random.default_rng(0))
        return [*arrays_of(latents), x]

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
    support = model.latent_support
    if support not in GLOBAL_CHARTS:
        return [Finding(law, True, f"not claimed: latent_support is {support!r}")]
    chart = GLOBAL_CHARTS[support](latents)
    u = chart.coordinates(latents)

    def log_density(u):
        log_joint = model.log_joint(params, chart.latents(u), observations)
        return log_joint + chart.log_volume(u)

    slope = elementwise_grad(log_density)(u)
    products = np.hstack([slope, u * slope + 1])
    groups = np.array_split(products, min(N_GROUPS, len(products)))
    means = np.array([group.mean(axis=0) for group in groups])
    return [Finding(law, *worst_mean(means, lambda j: f"latent {j % u.shape[1]}"))]


def check_posterior_mean(model, params, latents, observations, rng):
    """Errors of an exact posterior mean average to zero against functions of x."""
    mean = model.posterior_mean(params, observations)
    if mean is None:
        return []
    error = latents - mean
    products = np.hstack([error, error * mean, error * np.tanh(mean)])
    law = "posterior_mean is the conditional mean"
    return [Finding(law, *worst_mean(products, lambda j: f"latent {j % error.shape[1]}"))]


def group_scores(model, params, latents, observations):
    """Score of each of N_GROUPS groups of pairs, and the space of its coordinates."""
    space = ParameterSpace(params, model.constraints)

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
